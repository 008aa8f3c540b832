//! What the values of three picklists of contracts mean in this tenant.
//!
//! Labels are people's: in any language, or the MSP's own ("Wiederkehrende Dienstleistung",
//! "Aktiv", "1 Month", "Approved"). So a documented number decides before its label, and a
//! label only where it is one of Autotask's own English ones or plain about what it means.
//! What is left open is asked once for the connection, by a finding of the check that names
//! the setting with which to answer (see `answers`), and until then contracts of such a
//! value are shown and held, never left out.

use psa_connector_sdk::{Finding, Truth, Verdict};

use crate::answers::{Answers, BILLING_PERIODS, CONTRACT_STATUSES, CONTRACT_TYPES};
use crate::fields::Pick;
use crate::picklists::{Choice, Picklist, Picklists};

/// "Contract.ContractType = 7" is a recurring service contract, and no other type has
/// contract services [DOC ContractServices].
const RECURRING: &str = "7";
/// In effect in every tenant seen, and its opposite [LIVE].
const ACTIVE: &str = "1";
const INACTIVE: &str = "0";

/// Autotask's own names of contract types that have no services.
const OTHER_TYPES: &[&str] = &[
    "time materials",
    "time and materials",
    "fixed price",
    "block hours",
    "retainer",
    "incident",
    "per ticket",
    "one time",
];

/// Labels of periods, in the languages that Autotask has zones of, without what is no
/// letter; 0 is billed once.
const PERIODS: &[(&str, u32)] = &[
    ("monthly", 1),
    ("permonth", 1),
    ("everymonth", 1),
    ("monatlich", 1),
    ("mensual", 1),
    ("quarterly", 3),
    ("vierteljährlich", 3),
    ("quartalsweise", 3),
    ("trimestral", 3),
    ("semiannual", 6),
    ("semiannually", 6),
    ("halfyearly", 6),
    ("halbjährlich", 6),
    ("semestral", 6),
    ("yearly", 12),
    ("annual", 12),
    ("annually", 12),
    ("peryear", 12),
    ("everyyear", 12),
    ("jährlich", 12),
    ("anual", 12),
    ("onetime", 0),
    ("once", 0),
    ("einmalig", 0),
];

/// Their lengths are known by their numbers [LIVE]; the others are [?].
const PERIODS_BY_NUMBER: &[(&str, u32)] = &[("2", 1), ("5", 12), ("m", 1)];

const BILLS_ON: &str = "Setting a contract inactive does not stop its billing in Autotask.";

#[derive(Debug, Default)]
pub(crate) struct Meanings {
    lists: Picklists,
    answers: Answers,
}

impl Meanings {
    pub(crate) fn new(lists: Picklists, answers: Answers) -> Self {
        Self { lists, answers }
    }

    /// The contract types to read: those that recur, and those of which it is not known.
    pub(crate) fn types_to_read(&self) -> Vec<i64> {
        let recurring = RECURRING.to_owned();
        let known = std::iter::once(&recurring).chain(self.lists.types.keys());
        let mut types = Vec::new();
        for value in known.chain(self.answers.types.iter().flatten()) {
            let reads = self.recurring_value(value).0 != Truth::No;
            match value.parse() {
                Ok(number) if reads && !types.contains(&number) => types.push(number),
                _ => {}
            }
        }
        types
    }

    /// Whether a contract of this type recurs, and why that is not known.
    pub(crate) fn recurring(&self, kind: Option<&Pick>) -> (Truth, Option<String>) {
        match kind {
            Some(Pick(value)) => self.recurring_value(value),
            None => (Truth::Unknown, Some("The contract has no type.".to_owned())),
        }
    }

    fn recurring_value(&self, value: &str) -> (Truth, Option<String>) {
        if contains(self.answers.types.as_ref(), value) {
            return (Truth::Yes, None);
        }
        let choice = self.lists.types.get(value);
        let plain = choice.and_then(|choice| says_recurring(&choice.label));
        let open = match (value, plain) {
            (RECURRING, Some(false)) => true,
            (RECURRING, _) => return (Truth::Yes, None),
            (_, Some(true)) => true,
            (_, Some(false)) => false,
            // Autotask's own types other than 7 are known not to.
            (_, None) => choice.and_then(|choice| choice.system) != Some(true),
        };
        if !open || self.answers.types.is_some() {
            return (Truth::No, None);
        }
        let note = format!(
            "Whether contracts of type {} recur is not known: name its number in the connection's setting {CONTRACT_TYPES}, \
             or none.",
            named(value, choice)
        );
        (Truth::Unknown, Some(note))
    }

    /// Whether a contract of this status is in effect.
    pub(crate) fn active(&self, status: Option<&Pick>) -> (Truth, Option<String>) {
        let Some(Pick(value)) = status else {
            let note = "The contract has no status.".to_owned();
            return (Truth::Unknown, Some(note));
        };
        if contains(self.answers.statuses.as_ref(), value) {
            return (Truth::Yes, None);
        }
        let choice = self.lists.statuses.get(value);
        let plain = choice.and_then(|choice| says_active(&choice.label));
        let no = || {
            let note = format!("Status {}. {BILLS_ON}", named(value, choice));
            (Truth::No, Some(note))
        };
        match (value.as_str(), plain) {
            (ACTIVE, Some(true) | None) | (_, Some(true)) => (Truth::Yes, None),
            (INACTIVE, None) => no(),
            (ACTIVE, Some(false)) if self.answers.statuses.is_none() => {
                (Truth::Unknown, Some(status_note(value, choice)))
            }
            (_, Some(false)) => no(),
            (_, None) if self.answers.statuses.is_some() => no(),
            (_, None) => (Truth::Unknown, Some(status_note(value, choice))),
        }
    }

    /// Length of a billing period of this type in months. None for what is billed once and
    /// for what is not known.
    pub(crate) fn billing_months(&self, period: Option<&Pick>) -> Option<u32> {
        let Pick(value) = period?;
        let said = self
            .answers
            .periods
            .as_ref()
            .and_then(|said| said.get(value));
        let months = said.copied().or_else(|| self.period_months(value))?;
        (months > 0).then_some(months)
    }

    fn period_months(&self, value: &str) -> Option<u32> {
        let choice = self.lists.periods.get(value);
        choice
            .and_then(|choice| months_of(&choice.label))
            .or_else(|| {
                PERIODS_BY_NUMBER
                    .iter()
                    .find(|(number, _)| *number == value)
                    .map(|(_, months)| *months)
            })
    }

    /// One finding for each setting with which a person can answer what labels leave open.
    pub(crate) fn questions(&self) -> Vec<Finding> {
        let open = |list: &Picklist, is_open: &dyn Fn(&str) -> bool| {
            let names = list.iter().filter(|(value, _)| is_open(value));
            names
                .map(|(value, choice)| named(value, Some(choice)))
                .collect::<Vec<_>>()
        };
        let unknown = |truth: Truth| truth == Truth::Unknown;
        let types = open(&self.lists.types, &|value| {
            unknown(self.recurring_value(value).0)
        });
        let statuses = open(&self.lists.statuses, &|value| {
            unknown(self.active(Some(&Pick(value.to_owned()))).0)
        });
        let periods = open(&self.lists.periods, &|value| {
            self.period_months(value).is_none()
                && self
                    .answers
                    .periods
                    .as_ref()
                    .is_none_or(|said| !said.contains_key(value))
        });
        let question = |subject: &str, names: Vec<String>, asks: &str| {
            (!names.is_empty()).then(|| Finding {
                subject: subject.to_owned(),
                verdict: Verdict::Unproven,
                detail: format!("{}: {asks}", names.join(", ")),
            })
        };
        [
            question(
                "contract types",
                types,
                &format!(
                    "whether contracts of such a type recur is not known, and they are held. Name the numbers of those that \
                     do in the setting {CONTRACT_TYPES}, or none."
                ),
            ),
            question(
                "contract statuses",
                statuses,
                &format!(
                    "whether a contract of such a status is in effect is not known, and it is held. Name the numbers of \
                     those that are in the setting {CONTRACT_STATUSES}, or none."
                ),
            ),
            question(
                "billing periods",
                periods,
                &format!(
                    "how long such a billing period is, is not known. Name each number with its months in the setting \
                     {BILLING_PERIODS}, as 6=24."
                ),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn contains(said: Option<&std::collections::BTreeSet<String>>, value: &str) -> bool {
    said.is_some_and(|said| said.contains(value))
}

/// `12 "Abonnement"`.
fn named(value: &str, choice: Option<&Choice>) -> String {
    match choice {
        Some(choice) => format!("{value} \"{}\"", choice.label),
        None => value.to_owned(),
    }
}

fn status_note(value: &str, choice: Option<&Choice>) -> String {
    format!(
        "Whether a contract of status {} is in effect is not known: name its number in the connection's setting \
         {CONTRACT_STATUSES}, or none.",
        named(value, choice)
    )
}

/// In lower case, words and numbers alone.
fn words(label: &str) -> Vec<String> {
    label
        .to_lowercase()
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What an English label plainly says: "Non-Recurring Service" does not.
fn says_recurring(label: &str) -> Option<bool> {
    let words = words(label);
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    if has("nonrecurring") || (has("recurring") && (has("non") || has("not") || has("no"))) {
        return Some(false);
    }
    if has("recurring") {
        return Some(true);
    }
    let label = words.join(" ");
    OTHER_TYPES
        .iter()
        .any(|other| label == *other || label.strip_suffix('s') == Some(other))
        .then_some(false)
}

fn says_active(label: &str) -> Option<bool> {
    let words = words(label);
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    let ended = [
        "inactive",
        "cancelled",
        "canceled",
        "cancel",
        "terminated",
        "expired",
        "non",
        "not",
        "no",
    ];
    if ended.iter().any(|word| has(word)) {
        return Some(false);
    }
    (label.eq_ignore_ascii_case("active") || label.eq_ignore_ascii_case("in effect"))
        .then_some(true)
}

/// Months of a period of this label, 0 where it is billed once.
fn months_of(label: &str) -> Option<u32> {
    let words = words(label);
    let joined = words.concat();
    if let Some((_, months)) = PERIODS.iter().find(|(known, _)| *known == joined) {
        return Some(*months);
    }
    // "1 Month", "24 months", "every 2 years".
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (count, unit) = match words.as_slice() {
        [count, unit] | ["every" | "each", count, unit] => (*count, *unit),
        _ => return None,
    };
    let months = match unit {
        "month" | "months" => 1,
        "year" | "years" => 12,
        _ => return None,
    };
    let length = count.parse::<u32>().ok()?.checked_mul(months)?;
    (1..=120).contains(&length).then_some(length)
}

#[cfg(test)]
mod tests;
