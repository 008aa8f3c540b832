//! What two files of one plugin make of the same PSA on the same day, and in what they
//! differ. A line that is another one, or has other units, would be posted to wrongly.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::{Decision, PlanLine};
use crate::{
    AccountId, Contract, ContractId, LineId, LineKey, ServiceId, TenantKey, Timeline, Truth, Units,
};

/// What one file said of a connection's PSA, or what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tried {
    tenant: Option<TenantKey>,
    contracts: BTreeSet<(AccountId, ContractId)>,
    /// Every line that was read, with its units on the day.
    lines: BTreeMap<(AccountId, LineId), SeenLine>,
    /// The line of each mapped pair.
    planned: BTreeMap<(AccountId, ServiceId), PlannedPair>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct SeenLine {
    key: LineKey,
    units: String,
    /// From when on which stretch is posted or not; none where that is not known.
    posted: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct PlannedPair {
    line: Option<LineKey>,
    units: String,
    posted: String,
}

/// One thing in which two files differ.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct TrialDifference {
    /// `tenant`, `line`, `contract`, `units`, `posted`, `missing`, `added` or `setup`.
    pub part: String,
    /// Whose, by the PSA's id.
    pub account: Option<String>,
    /// Which line or contract (`line 8001`).
    pub subject: String,
    /// With the file in use.
    pub before: Option<String>,
    /// With the other one.
    pub after: Option<String>,
}

impl Tried {
    /// Nothing but the tenant that it is.
    pub fn at(tenant: Option<TenantKey>) -> Self {
        Self {
            tenant,
            ..Self::default()
        }
    }

    /// An account's contracts, as read.
    pub fn read(&mut self, contracts: &[Contract], day: Date) {
        for contract in contracts {
            let account = &contract.account;
            self.contracts
                .insert((account.clone(), contract.id.clone()));
            for line in &contract.lines {
                let units = match &line.timeline {
                    Ok(timeline) => match timeline.at(day) {
                        Some(segment) => segment.units.to_string(),
                        None => "none on this day".to_owned(),
                    },
                    Err(_) => "cannot be read".to_owned(),
                };
                let place = (account.clone(), line.key.line.clone());
                let key = line.key.clone();
                let posted = line.timeline.as_ref().ok().map(posted_in_words);
                self.lines.insert(place, SeenLine { key, units, posted });
            }
        }
    }

    /// A line that is known from earlier.
    pub fn known(&mut self, key: &LineKey, units: Units) {
        let place = (key.account.clone(), key.line.clone());
        self.contracts
            .insert((key.account.clone(), key.contract.clone()));
        let seen = SeenLine {
            key: key.clone(),
            units: units.to_string(),
            posted: None,
        };
        self.lines.insert(place, seen);
    }

    /// What would be done with a mapped pair.
    pub fn planned(&mut self, line: &PlanLine) {
        let text = |units: Option<Units>| units.map_or("-".to_owned(), |units| units.to_string());
        let target = text(line.target);
        let from = line.effective;
        let posted = match &line.decision {
            Decision::Unchanged => "nothing".to_owned(),
            Decision::Adjust => format!("{target} from {from}"),
            Decision::Gather { not_before } => {
                format!("{target} from {from}, sent from {not_before} on")
            }
            Decision::Ask(_) => format!("{target} from {from}, after a question"),
            Decision::Hold(hold) => format!("held: {}", hold.code.as_str()),
        };
        let place = (line.pair.account.clone(), line.pair.service.clone());
        let planned = PlannedPair {
            line: line.line.clone(),
            units: text(line.baseline),
            posted,
        };
        self.planned.insert(place, planned);
    }

    /// How many accounts' contracts, lines and mapped pairs it has.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.contracts.len(), self.lines.len(), self.planned.len())
    }

    /// In what `after`, read with another file, differs from this.
    pub fn differences(&self, after: &Self) -> Vec<TrialDifference> {
        let mut found = Differences::default();
        found.tenant(self, after);
        found.pairs(self, after);
        found.contracts(self, after);
        found.lines(self, after);
        found.0
    }

    /// In what `after` differs from this, where this is what is known from earlier: more
    /// may be there than is known.
    pub fn differences_from_known(&self, after: &Self) -> Vec<TrialDifference> {
        let mut found = Differences::default();
        if self.tenant.is_some() {
            found.tenant(self, after);
        }
        found.contracts(self, after);
        found.lines(self, after);
        found.0.retain(|difference| difference.part != "added");
        found.0
    }
}

/// Those of a second look that the first one had too: what came and went in between is the
/// PSA's doing, not the file's.
pub fn in_both(first: &[TrialDifference], second: Vec<TrialDifference>) -> Vec<TrialDifference> {
    let place = |difference: &TrialDifference| {
        (
            difference.part.clone(),
            difference.account.clone(),
            difference.subject.clone(),
        )
    };
    let seen: BTreeSet<_> = first.iter().map(place).collect();
    let mut second = second;
    second.retain(|difference| seen.contains(&place(difference)));
    second
}

/// A file that tells otherwise what is posted dates the next change otherwise, also where
/// nothing is to change today.
fn posted_in_words(timeline: &Timeline) -> String {
    let stretches = timeline.segments().iter().map(|segment| {
        let posted = match segment.posted {
            Truth::Yes => "posted",
            Truth::No => "open",
            Truth::Unknown => "unknown",
        };
        format!("{posted} from {}", segment.start)
    });
    stretches.collect::<Vec<_>>().join(", ")
}

#[derive(Default)]
struct Differences(Vec<TrialDifference>);

impl Differences {
    fn add(
        &mut self,
        part: &str,
        account: Option<&AccountId>,
        subject: String,
        (before, after): (Option<String>, Option<String>),
    ) {
        if before == after {
            return;
        }
        self.0.push(TrialDifference {
            part: part.to_owned(),
            account: account.map(|account| account.as_str().to_owned()),
            subject,
            before,
            after,
        });
    }

    fn tenant(&mut self, before: &Tried, after: &Tried) {
        let text = |tried: &Tried| tried.tenant.as_ref().map(ToString::to_string);
        let both = (text(before), text(after));
        self.add("tenant", None, "tenant key".to_owned(), both);
    }

    /// Also a pair that only one of them planned: its line is missing or added then.
    fn pairs(&mut self, before: &Tried, after: &Tried) {
        let places: BTreeSet<_> = before.planned.keys().chain(after.planned.keys()).collect();
        for place in places {
            let (account, service) = place;
            let subject = format!("service {service}");
            let (old, new) = (before.planned.get(place), after.planned.get(place));
            let (Some(old), Some(new)) = (old, new) else {
                let posted = |pair: Option<&PlannedPair>| pair.map(|pair| pair.posted.clone());
                let part = if old.is_some() { "missing" } else { "added" };
                self.add(part, Some(account), subject, (posted(old), posted(new)));
                continue;
            };
            let line = |pair: &PlannedPair| pair.line.as_ref().map(|key| key.line.to_string());
            let contract =
                |pair: &PlannedPair| pair.line.as_ref().map(|key| key.contract.to_string());
            let mut part = |part, values| self.add(part, Some(account), subject.clone(), values);
            part("line", (line(old), line(new)));
            part("contract", (contract(old), contract(new)));
            part("units", (Some(old.units.clone()), Some(new.units.clone())));
            part(
                "posted",
                (Some(old.posted.clone()), Some(new.posted.clone())),
            );
        }
    }

    fn contracts(&mut self, before: &Tried, after: &Tried) {
        for (account, contract) in before.contracts.difference(&after.contracts) {
            let values = (Some("there".to_owned()), None);
            self.add(
                "missing",
                Some(account),
                format!("contract {contract}"),
                values,
            );
        }
        for (account, contract) in after.contracts.difference(&before.contracts) {
            let values = (None, Some("there".to_owned()));
            self.add(
                "added",
                Some(account),
                format!("contract {contract}"),
                values,
            );
        }
    }

    fn lines(&mut self, before: &Tried, after: &Tried) {
        let places: BTreeSet<_> = before.lines.keys().chain(after.lines.keys()).collect();
        for place in places {
            let (account, line) = place;
            let subject = format!("line {line}");
            match (before.lines.get(place), after.lines.get(place)) {
                (Some(old), Some(new)) => {
                    let contracts = (
                        Some(old.key.contract.to_string()),
                        Some(new.key.contract.to_string()),
                    );
                    let units = (Some(old.units.clone()), Some(new.units.clone()));
                    self.add("contract", Some(account), subject.clone(), contracts);
                    self.add("units", Some(account), subject.clone(), units);
                    if old.posted.is_some() && new.posted.is_some() {
                        let posted = (old.posted.clone(), new.posted.clone());
                        self.add("posted", Some(account), subject, posted);
                    }
                }
                (Some(SeenLine { units, .. }), None) => {
                    self.add(
                        "missing",
                        Some(account),
                        subject,
                        (Some(units.clone()), None),
                    );
                }
                (None, Some(SeenLine { units, .. })) => {
                    self.add("added", Some(account), subject, (None, Some(units.clone())));
                }
                (None, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_posted_differs_also_where_the_units_do_not() {
        let with = |posted: &str| {
            let mut seen = tried("t", &[("1", "2", 5)]);
            for line in seen.lines.values_mut() {
                line.posted = Some(posted.to_owned());
            }
            seen
        };
        let differences = with("posted from 2026-11-01").differences(&with("open from 2026-11-01"));
        let parts: Vec<&str> = differences.iter().map(|one| one.part.as_str()).collect();
        assert_eq!(parts, ["posted"]);
        // The ledger does not know it.
        let known = tried("t", &[("1", "2", 5)]);
        assert!(known.differences(&with("open from 2026-11-01")).is_empty());
    }

    fn key(line: &str, contract: &str) -> LineKey {
        LineKey {
            line: LineId::new(line).unwrap(),
            contract: ContractId::new(contract).unwrap(),
            service: ServiceId::new("40").unwrap(),
            account: AccountId::new("7").unwrap(),
        }
    }

    fn tried(tenant: &str, lines: &[(&str, &str, u32)]) -> Tried {
        let mut tried = Tried::at(Some(TenantKey::new(tenant).unwrap()));
        for (line, contract, units) in lines {
            tried.known(&key(line, contract), Units::from(*units));
        }
        tried
    }

    fn parts(differences: &[TrialDifference]) -> Vec<(&str, &str)> {
        let parts = differences.iter();
        parts
            .map(|one| (one.part.as_str(), one.subject.as_str()))
            .collect()
    }

    #[test]
    fn files_that_say_the_same_do_not_differ() {
        let one = tried("t", &[("1", "9", 5)]);
        assert_eq!(one.differences(&one.clone()), []);
    }

    #[test]
    fn each_thing_that_money_hangs_on_is_a_difference() {
        let before = tried("t", &[("1", "9", 5), ("2", "9", 3)]);
        let other = |after: Tried| {
            let found = before.differences(&after);
            parts(&found)
                .into_iter()
                .map(|(part, subject)| format!("{part} {subject}"))
                .collect::<Vec<_>>()
        };
        let same = [("1", "9", 5), ("2", "9", 3)];
        assert_eq!(other(tried("u", &same)), ["tenant tenant key"]);
        assert_eq!(
            other(tried("t", &[("1", "9", 6), ("2", "9", 3)])),
            ["units line 1"]
        );
        assert_eq!(other(tried("t", &[("1", "9", 5)])), ["missing line 2"]);
        assert_eq!(
            other(tried("t", &[("1", "9", 5), ("2", "8", 3)])),
            ["added contract 8", "contract line 2"]
        );
        assert_eq!(
            other(tried("t", &[("1", "9", 5), ("3", "9", 3)])),
            ["missing line 2", "added line 3"]
        );
    }

    #[test]
    fn more_than_the_ledger_knows_is_no_difference() {
        let known = tried("t", &[("1", "9", 5)]);
        let read = tried("t", &[("1", "9", 5), ("3", "8", 3)]);
        assert_eq!(known.differences_from_known(&read), []);
        let read = tried("t", &[("3", "8", 3)]);
        let found = known.differences_from_known(&read);
        assert_eq!(
            parts(&found),
            [("missing", "contract 9"), ("missing", "line 1")]
        );
    }

    #[test]
    fn what_is_gone_at_the_second_look_was_the_psa() {
        let before = tried("t", &[("1", "9", 5), ("2", "9", 3)]);
        let first = before.differences(&tried("t", &[("1", "9", 6), ("2", "9", 3)]));
        let second = before.differences(&tried("t", &[("1", "9", 5), ("2", "9", 4)]));
        assert_eq!(in_both(&first, second.clone()), []);
        assert_eq!(in_both(&second, second.clone()), second);
    }
}
