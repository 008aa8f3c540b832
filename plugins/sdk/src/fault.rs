//! Making the contract's errors.

use crate::{Error, Fault, RateLimit, SendFailure, SendFailureKind};

/// A fault with one sentence; add words and fix with struct update.
#[must_use]
pub fn fault(message: impl Into<String>) -> Fault {
    Fault {
        message: message.into(),
        psa_words: None,
        fix: None,
    }
}

/// Something does not make sense: an answer, a setting, an argument.
#[must_use]
pub fn invalid(message: impl Into<String>) -> Error {
    Error::Invalid(fault(message))
}

/// The error for a read that got no answer. `what` names it ("reading Contracts").
#[must_use]
pub fn send_failed(what: &str, failure: SendFailure) -> Error {
    let told = fault(format!("{what}: {}", failure.message));
    match failure.kind {
        SendFailureKind::Denied => Error::Refused(told),
        SendFailureKind::Budget => Error::RateLimited(RateLimit {
            fault: told,
            retry_after_seconds: failure.retry_after_seconds,
        }),
        SendFailureKind::Unreachable | SendFailureKind::TimedOut | SendFailureKind::Broken => {
            Error::Transient(told)
        }
        SendFailureKind::TooLarge => Error::Invalid(told),
    }
}

/// Whether a failed write certainly did not leave. Only the two kinds in which the host
/// stops a request before it begins, and a connection that was never made, can say so,
/// and only with the host's own word for it.
#[must_use]
pub fn not_sent(failure: &SendFailure) -> bool {
    !failure.may_have_been_sent
        && matches!(
            failure.kind,
            SendFailureKind::Denied | SendFailureKind::Budget | SendFailureKind::Unreachable
        )
}

/// The name of an error's variant, as `wit/guest/types.wit` spells it.
#[must_use]
pub fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::Authentication(_) => "authentication",
        Error::Permission(_) => "permission",
        Error::RateLimited(_) => "rate-limited",
        Error::NotFound(_) => "not-found",
        Error::Invalid(_) => "invalid",
        Error::Rejected(_) => "rejected",
        Error::Transient(_) => "transient",
        Error::Refused(_) => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: SendFailureKind, may_have_been_sent: bool) -> SendFailure {
        SendFailure {
            kind,
            message: "why".to_owned(),
            may_have_been_sent,
            retry_after_seconds: Some(90),
        }
    }

    #[test]
    fn each_way_of_not_sending_has_one_error() {
        for (kind, name) in [
            (SendFailureKind::Denied, "refused"),
            (SendFailureKind::Budget, "rate-limited"),
            (SendFailureKind::Unreachable, "transient"),
            (SendFailureKind::TimedOut, "transient"),
            (SendFailureKind::Broken, "transient"),
            (SendFailureKind::TooLarge, "invalid"),
        ] {
            assert_eq!(kind_of(&send_failed("reading", failure(kind, false))), name);
        }
    }

    #[test]
    fn a_used_up_budget_says_when_to_come_back() {
        let Error::RateLimited(limit) =
            send_failed("reading", failure(SendFailureKind::Budget, false))
        else {
            panic!("not rate-limited");
        };
        assert_eq!(limit.retry_after_seconds, Some(90));
    }

    #[test]
    fn a_write_is_unsent_only_where_the_host_is_sure() {
        assert!(not_sent(&failure(SendFailureKind::Denied, false)));
        assert!(not_sent(&failure(SendFailureKind::Unreachable, false)));
        assert!(!not_sent(&failure(SendFailureKind::Unreachable, true)));
        assert!(!not_sent(&failure(SendFailureKind::TimedOut, false)));
        assert!(!not_sent(&failure(SendFailureKind::Broken, true)));
    }
}
