//! What the vendor's documents leave open, and sources disagree about.
//!
//! Each of these is marked [?] in the facts. A connector has to survive both
//! behaviours, so each is a switch, and the default is the likelier one.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Accept or refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is done.
    Accept,
    /// It is an error.
    Refuse,
}

/// An adjustment whose date lies in a posted period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PostedPeriod {
    /// Refused, with the user interface's text.
    Refuse,
    /// Accepted; the change begins with the next open period.
    NextOpen,
    /// Accepted; a new, open row inside the posted period bills the difference.
    Prorate,
}

/// What an adjustment inside a billing period does to the period's row. "One row per
/// period, plus a new row from each adjustment date" can be read both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MidPeriod {
    /// The row ends the day before, the new one goes on to the period's end.
    Split,
    /// The row stays as it was and the new one lies over its end.
    Overlap,
}

/// `Retry-After` on a 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfter {
    /// No header: none has been recorded.
    None,
    /// Whole seconds.
    Seconds,
    /// An HTTP date.
    Date,
}

/// Order of query results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// By id, ascending.
    Ascending,
    /// By id, descending: breaks a client that pages by its last id.
    Descending,
}

/// How a page remembers where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paging {
    /// By the last id: rows do not move between pages.
    ById,
    /// By counting rows: one added or removed meanwhile moves the others.
    ByOffset,
}

/// How instants are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateFormat {
    /// `2026-10-01T00:00:00Z`
    Seconds,
    /// `2026-10-01T00:00:00.000Z`
    Millis,
    /// `2026-10-01T00:00:00`
    Bare,
}

macro_rules! switches {
    ($($(#[$doc:meta])* $field:ident : $type:ty = $default:expr;)*) => {
        /// All switches. On the command line and in JSON they are written in kebab-case.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct Switches {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl Default for Switches {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

switches! {
    /// A line's units may become exactly 0.
    zero_units: Verdict = Verdict::Accept;
    /// The text when 0 is refused.
    zero_text: String = "Units must be greater than 0.".to_owned();
    /// The text when units would fall below 0.
    negative_text: String = "The number of units cannot be negative.".to_owned();
    /// An adjustment dated in an approved and posted period.
    posted_period: PostedPeriod = PostedPeriod::Refuse;
    /// What an adjustment inside a period does to the period's row.
    mid_period: MidPeriod = MidPeriod::Split;
    /// A second adjustment of a line for a date: refused [LIVE KAN]. Accepted, nothing
    /// but the caller's own care keeps a change from counting twice.
    repeat_date: Verdict = Verdict::Refuse;
    /// An adjustment of a contract whose status is not active.
    inactive_contract: Verdict = Verdict::Accept;
    /// `itemId` in the answer to an adjustment: null [LIVE KAN], or a number.
    adjustment_item_id: bool = false;
    /// `Retry-After` on a 429.
    retry_after: RetryAfter = RetryAfter::None;
    /// Status of a thread violation: 429, or 500 with the same text.
    thread_status: u16 = 429;
    /// Status while the hourly threshold is exceeded.
    suspended_status: u16 = 429;
    /// `in` arrays are held to 500 values, like OR conditions.
    in_limit: bool = true;
    /// A third-party claim: more than one UDF condition is refused.
    one_udf: bool = true;
    /// A page past the first needs `id` in `IncludeFields`.
    include_id: Verdict = Verdict::Refuse;
    /// Order of query results.
    order: Order = Order::Ascending;
    /// Where a next page begins.
    paging: Paging = Paging::ById;
    /// Instants on the wire.
    date_format: DateFormat = DateFormat::Seconds;
    /// Status of a validation error: 500, or 200 with `errors`.
    validation_status: u16 = 500;
    /// An unknown integration code: 401, or 500 "IntegrationCode is invalid".
    integration_code_status: u16 = 401;
    /// A locked user: 401 without a body, or 403, or 500 with a text.
    locked_status: u16 = 401;
    /// The text, where it is not a 401. Users are locked, but also disabled, expired or
    /// without a licence, and no list of the words exists.
    locked_text: String = "The user account has been locked.".to_owned();
    /// PATCH on a collection answers an HTML 404, as zone 18 did.
    patch_html_404: bool = false;
    /// `/V1.0/Version` exists (it is younger than the published OpenAPI).
    version_endpoint: bool = true;
}

impl Switches {
    /// Sets one switch from `name=value`; text, number or boolean as JSON would have
    /// it, quotes left out.
    pub fn set(&mut self, setting: &str) -> Result<(), String> {
        let (name, text) = setting
            .split_once('=')
            .ok_or("a switch is written name=value")?;
        let mut all = serde_json::to_value(&*self).map_err(|e| e.to_string())?;
        let old = all
            .get(name)
            .ok_or_else(|| format!("no switch is called {name}"))?;
        let value = if old.is_string() {
            serde_json::Value::String(text.to_owned())
        } else {
            serde_json::Value::from_str(text).map_err(|_| format!("{name} cannot be {text}"))?
        };
        all[name] = value;
        *self = serde_json::from_value(all).map_err(|e| format!("{name}: {e}"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_set_by_name_and_wrong_ones_are_refused() {
        let mut switches = Switches::default();
        switches.set("posted-period=next-open").expect("known");
        switches.set("thread-status=500").expect("known");
        switches.set("patch-html-404=true").expect("known");
        assert_eq!(switches.posted_period, PostedPeriod::NextOpen);
        assert_eq!(switches.thread_status, 500);
        assert!(switches.patch_html_404);
        assert!(switches.set("posted-period=maybe").is_err());
        assert!(switches.set("posted=refuse").is_err());
        assert!(switches.set("zero-units").is_err());
    }
}
