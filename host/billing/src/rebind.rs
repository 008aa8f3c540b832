//! Whether another place is where a tenant was moved to: what is known of the tenant must be
//! there. Ids alone are no proof, because each database counts them anew from small numbers:
//! a company must have its name, a line its contract and service.

use std::collections::HashMap;

use crate::{AccountId, LineId, LineKey};

/// A mapped account, with the name it is known by.
#[derive(
    Debug, Clone, PartialEq, Eq, schemars::JsonSchema, serde::Serialize, serde::Deserialize,
)]
pub struct KnownAccount {
    /// The PSA's id.
    pub id: AccountId,
    /// None: nobody ever saw its name.
    pub name: Option<String>,
}

/// An account that has another name there.
#[derive(
    Debug, Clone, PartialEq, Eq, schemars::JsonSchema, serde::Serialize, serde::Deserialize,
)]
pub struct RenamedAccount {
    /// The PSA's id.
    pub id: AccountId,
    /// Its name as it is known.
    pub known_as: String,
    /// Its name there.
    pub there: String,
}

/// What is found at another place of what is known of a tenant.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, schemars::JsonSchema, serde::Serialize, serde::Deserialize,
)]
pub struct Proof {
    /// Mapped accounts.
    pub accounts: usize,
    /// Of these, there under the same name.
    pub accounts_same: usize,
    /// Of these, there, and nobody knows what they were called.
    pub accounts_unnamed: usize,
    /// Of these, there under another name.
    pub accounts_renamed: Vec<RenamedAccount>,
    /// Of these, not there.
    pub accounts_missing: Vec<KnownAccount>,
    /// Lines that are known.
    pub lines: usize,
    /// Of these, how many were looked for.
    pub lines_looked_for: usize,
    /// Of these, there with the same contract and service.
    pub lines_same: usize,
    /// Of these, not there so.
    pub lines_missing: Vec<LineKey>,
}

impl Proof {
    /// Compare the accounts.
    #[must_use]
    pub fn with_accounts<'a>(
        mut self,
        known: Vec<KnownAccount>,
        there: impl IntoIterator<Item = (&'a AccountId, &'a str)>,
    ) -> Self {
        let there: HashMap<&AccountId, &str> = there.into_iter().collect();
        self.accounts = known.len();
        for account in known {
            match (there.get(&account.id), account.name.as_deref()) {
                (None, _) => self.accounts_missing.push(account),
                (Some(_), None) => self.accounts_unnamed += 1,
                (Some(there), Some(name)) if there.trim() == name.trim() => self.accounts_same += 1,
                (Some(there), Some(name)) => self.accounts_renamed.push(RenamedAccount {
                    known_as: name.to_owned(),
                    there: (*there).to_owned(),
                    id: account.id,
                }),
            }
        }
        self
    }

    /// Compare the lines: `known` in all, those that were looked for, those found.
    #[must_use]
    pub fn with_lines<'a>(
        mut self,
        known: usize,
        looked_for: Vec<LineKey>,
        there: impl IntoIterator<Item = &'a LineKey>,
    ) -> Self {
        let there: HashMap<&LineId, &LineKey> =
            there.into_iter().map(|key| (&key.line, key)).collect();
        (self.lines, self.lines_looked_for) = (known, looked_for.len());
        for key in looked_for {
            let found = there.get(&key.line);
            let same =
                |found: &&LineKey| found.contract == key.contract && found.service == key.service;
            match found.is_some_and(same) {
                true => self.lines_same += 1,
                false => self.lines_missing.push(key),
            }
        }
        self
    }

    /// Whether a person may be asked at all. Where names are known, one of them must be
    /// there; where none is, a line must be.
    pub fn is_some(&self) -> bool {
        let named = self.accounts - self.accounts_unnamed > self.nameless_missing();
        match named {
            true => self.accounts_same > 0,
            false => self.lines_same > 0,
        }
    }

    fn nameless_missing(&self) -> usize {
        let missing = self.accounts_missing.iter();
        missing.filter(|account| account.name.is_none()).count()
    }

    /// Whether nothing that was looked for is missing or called otherwise.
    pub fn is_whole(&self) -> bool {
        self.accounts_renamed.is_empty()
            && self.accounts_missing.is_empty()
            && self.lines_missing.is_empty()
    }

    /// Whether less than half of the accounts or of the lines is there: a person is warned.
    pub fn is_weak(&self) -> bool {
        let accounts = self.accounts_same + self.accounts_unnamed;
        accounts * 2 < self.accounts || self.lines_same * 2 < self.lines_looked_for
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str, name: Option<&str>) -> KnownAccount {
        KnownAccount {
            id: id.parse().unwrap(),
            name: name.map(str::to_owned),
        }
    }

    fn line(line: &str, contract: &str) -> LineKey {
        LineKey {
            line: line.parse().unwrap(),
            contract: contract.parse().unwrap(),
            service: "15".parse().unwrap(),
            account: "101".parse().unwrap(),
        }
    }

    fn proof(known: &[KnownAccount], there: &[(&str, &str)]) -> Proof {
        let there: Vec<(AccountId, &str)> = there
            .iter()
            .map(|(id, name)| (id.parse().unwrap(), *name))
            .collect();
        let there = there.iter().map(|(id, name)| (id, *name));
        Proof::default().with_accounts(known.to_vec(), there)
    }

    #[test]
    fn the_same_id_with_another_name_proves_nothing() {
        let known = [account("1", Some("Acme")), account("2", Some("Beta"))];
        let moved = proof(&known, &[("1", "Acme "), ("2", "Beta"), ("3", "Gamma")]);
        assert_eq!((moved.accounts, moved.accounts_same), (2, 2));
        assert!(moved.is_some() && moved.is_whole() && !moved.is_weak());
        let stranger = proof(&known, &[("1", "Zeta"), ("2", "Eta")]);
        assert_eq!(stranger.accounts_renamed.len(), 2);
        assert!(!stranger.is_some() && stranger.is_weak());
        // Small numbers of lines occur in every database: they do not outweigh the names.
        let key = line("7", "9001");
        let stranger = stranger.with_lines(1, vec![key.clone()], [&key]);
        assert_eq!(stranger.lines_same, 1);
        assert!(!stranger.is_some());
    }

    #[test]
    fn where_no_name_is_known_a_line_on_its_contract_is_proof() {
        let known = [account("1", None), account("2", None)];
        let unnamed = proof(&known, &[("1", "Acme")]);
        assert_eq!(
            (unnamed.accounts_unnamed, unnamed.accounts_missing.len()),
            (1, 1)
        );
        assert!(!unnamed.is_some());
        let (here, elsewhere) = (line("7", "9001"), line("8", "9009"));
        let looked_for = vec![here.clone(), line("8", "9002"), line("9", "9003")];
        let proof = unnamed.with_lines(40, looked_for, [&here, &elsewhere]);
        assert_eq!(
            (
                proof.lines,
                proof.lines_looked_for,
                proof.lines_same,
                proof.lines_missing.len()
            ),
            (40, 3, 1, 2)
        );
        assert!(proof.is_some() && proof.is_weak() && !proof.is_whole());
    }

    #[test]
    fn of_nothing_known_nothing_is_proof() {
        assert!(!Proof::default().is_some());
        assert!(!proof(&[], &[("1", "Acme")]).is_some());
    }
}
