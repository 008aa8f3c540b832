//! A read of many accounts that failed is read in halves, until the account is found whose
//! failure it is. An answer that is about no account in particular (a field that the PSA does
//! not know, a proxy's page for everything) would be asked for twice as often as there are
//! accounts, and each of them called unreadable: it ends the reading instead.

use psa_host_sandbox::{CallError, CallErrorKind};

use super::MOST_FAILED_ACCOUNTS;

/// What the parts of one read came to so far.
#[derive(Debug, Default)]
pub(super) struct Halving {
    /// Something was read: what fails besides is some account's own.
    read: bool,
    /// What the whole failed with.
    whole: Option<CallError>,
    /// Halves of the whole that failed with just the same.
    alike: usize,
    /// Accounts that failed alone.
    accounts: usize,
}

impl Halving {
    /// A part was read.
    pub(super) fn read(&mut self) {
        self.read = true;
    }

    /// A part of so many accounts failed.
    ///
    /// # Errors
    /// That failure, where it is not one account's: reading ends.
    pub(super) fn failed(&mut self, accounts: usize, error: &CallError) -> Result<(), CallError> {
        if !may_be_one_accounts(&error.kind) {
            return Err(error.clone());
        }
        match &self.whole {
            None => self.whole = Some(error.clone()),
            Some(whole) if !self.read && says_the_same(whole, error) => {
                self.alike += 1;
                if self.alike == 2 {
                    return Err(error.clone());
                }
            }
            // Something differs: from here on each part is looked at for itself.
            Some(_) => self.read = true,
        }
        self.accounts += usize::from(accounts <= 1);
        match self.accounts > MOST_FAILED_ACCOUNTS {
            true => Err(error.clone()),
            false => Ok(()),
        }
    }
}

/// Whether a failed read of many accounts may be the fault of one of them. Lists that
/// take too much memory are nobody's in particular, and each half would fill it again.
fn may_be_one_accounts(kind: &CallErrorKind) -> bool {
    match kind {
        CallErrorKind::OutOfLimits { which } => *which != "list",
        CallErrorKind::Invalid
        | CallErrorKind::NotFound
        | CallErrorKind::Rejected
        | CallErrorKind::BadAnswer
        | CallErrorKind::Trapped => true,
        _ => false,
    }
}

/// Whether two parts that share no account failed for one reason, as the plugin tells it. The
/// host's own words for a trap or a limit are the same whatever its reason.
fn says_the_same(one: &CallError, other: &CallError) -> bool {
    let told_by_plugin = matches!(
        one.kind,
        CallErrorKind::Invalid | CallErrorKind::NotFound | CallErrorKind::Rejected
    );
    told_by_plugin
        && one.kind == other.kind
        && one.message == other.message
        && one.psa_words == other.psa_words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: CallErrorKind, message: &str) -> CallError {
        CallError {
            kind,
            message: message.to_owned(),
            psa_words: None,
            fix: None,
            plugin_advice: None,
        }
    }

    /// Parts in the order of reading (accounts, and the failure's message or none), until the
    /// reading ends; how many were asked for.
    fn asked(kind: &CallErrorKind, parts: &[(usize, Option<&str>)]) -> usize {
        let mut halving = Halving::default();
        let ends = parts.iter().position(|(accounts, failure)| match failure {
            None => {
                halving.read();
                false
            }
            Some(message) => {
                let failed = halving.failed(*accounts, &error(kind.clone(), message));
                failed.is_err()
            }
        });
        ends.map_or(parts.len(), |last| last + 1)
    }

    #[test]
    fn what_both_halves_fail_with_is_about_no_account() {
        use CallErrorKind::{Authentication, Invalid, Rejected, Trapped};
        let all = [(8, Some("no such field")); 15];
        assert_eq!(asked(&Rejected, &all), 3);
        assert_eq!(asked(&Invalid, &all), 3);
        assert_eq!(asked(&Authentication, &all), 1);
        // A trap says nothing of its reason: two accounts may have it.
        assert_eq!(asked(&Trapped, &all), 15);
    }

    #[test]
    fn what_one_half_fails_with_is_looked_for_in_it() {
        let bad = Some("line 7 has a gap");
        let second_of_eight = [
            (8, bad),
            (4, bad),
            (4, None),
            (2, bad),
            (2, None),
            (1, None),
            (1, bad),
        ];
        assert_eq!(asked(&CallErrorKind::Invalid, &second_of_eight), 7);
        let two_of_eight = [
            (8, bad),
            (4, bad),
            (4, Some("line 9 has a gap")),
            (2, bad),
            (2, None),
            (2, bad),
            (2, bad),
        ];
        assert_eq!(asked(&CallErrorKind::Invalid, &two_of_eight), 7);
    }

    #[test]
    fn many_accounts_that_fail_alone_end_the_reading() {
        let mut parts = vec![(64, Some("a")), (32, None)];
        parts.extend([(1, Some("b")); MOST_FAILED_ACCOUNTS + 9]);
        let asked = asked(&CallErrorKind::Trapped, &parts);
        assert_eq!(asked, 2 + MOST_FAILED_ACCOUNTS + 1);
    }
}
