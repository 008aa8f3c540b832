//! What is read from a PSA, in the words of the design and without the name of any
//! PSA. All of it came through a plugin and is hostile text.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::EffectivePolicy;
use crate::{AccountId, ContractId, LineId, Money, ServiceId, Timeline, Truth, Units};

/// The PSA's customer company.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Account {
    /// Its id in the PSA.
    pub id: AccountId,
    /// As people know it.
    pub name: String,
    /// Whether it is in use.
    pub active: Truth,
    /// Internet domain, where the PSA keeps one.
    pub domain: Option<String>,
    /// https address of the record in the PSA's own pages.
    pub link: Option<String>,
}

/// What the PSA sells again and again.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Service {
    /// Its id in the PSA.
    pub id: ServiceId,
    /// As people know it.
    pub name: String,
    /// Whether it is in use.
    pub active: Truth,
    /// Stock-keeping unit, where the PSA keeps one.
    pub sku: Option<String>,
    /// For a bundle, the services in it.
    pub parts: Vec<ServiceId>,
    /// List price of one unit.
    pub unit_price: Option<Money>,
    /// https address of the record in the PSA's own pages.
    pub link: Option<String>,
}

/// The PSA's recurring agreement of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Its id in the PSA.
    pub id: ContractId,
    /// Whose it is.
    pub account: AccountId,
    /// As people know it.
    pub name: String,
    /// First day; none: open.
    pub start: Option<Date>,
    /// Last day; none: open.
    pub end: Option<Date>,
    /// Whether it bills units again and again.
    pub recurring: Truth,
    /// Whether the PSA calls it active.
    pub active: Truth,
    /// Length of the billing period in months, counted from the start; none: unknown.
    pub billing_months: Option<u32>,
    /// The day on which the PSA makes its next invoice; none: unknown.
    pub next_invoice: Option<Date>,
    /// The last day that is invoiced already; none: unknown.
    pub invoiced_through: Option<Date>,
    /// Why something is unknown, or what a person should see.
    pub note: Option<String>,
    /// The contract that follows, where the PSA says so.
    pub renewed_by: Option<ContractId>,
    /// False: it had ended before the date asked for and its lines were not read.
    pub lines_read: bool,
    /// Its services with their units.
    pub lines: Vec<Line>,
    /// https address of the record in the PSA's own pages.
    pub link: Option<String>,
}

impl Contract {
    /// Whether this day lies within the contract's dates.
    pub fn covers(&self, day: Date) -> bool {
        self.start.is_none_or(|start| start <= day) && self.end.is_none_or(|end| day <= end)
    }
}

/// What names a line: its own id, and for cross-checking where it belongs.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
pub struct LineKey {
    /// Its id in the PSA.
    pub line: LineId,
    /// The contract it stands on.
    pub contract: ContractId,
    /// The service it sells.
    pub service: ServiceId,
    /// The account whose contract it is.
    pub account: AccountId,
}

/// One service on a contract.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Line {
    /// Its ids.
    pub key: LineKey,
    /// Words on the invoice, where there are any.
    pub description: Option<String>,
    /// Units over time, or why they could not be read.
    pub timeline: Result<Timeline, String>,
    /// Why its quantity cannot be set from outside; none: it can.
    pub not_writable: Option<String>,
    /// Whether the customer is invoiced for it at all.
    pub billable: Truth,
    /// Units included free of charge, where the PSA has such a thing on it.
    pub included: Option<Units>,
    /// https address of the record in the PSA's own pages.
    pub link: Option<String>,
}

/// Whether the PSA lets a line stand at zero units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZeroUnits {
    /// It does.
    Allowed,
    /// It does not.
    Refused,
    /// Nobody knows: ask, never guess.
    Unknown,
}

/// From when a change of a line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// From the date that it carries.
    Dated,
    /// From the moment it is sent.
    Immediate,
    /// From the contract's next invoice on.
    NextInvoice,
}

impl Effect {
    fn dated() -> Self {
        Self::Dated
    }
}

impl Effect {
    /// Whether changes can hold from the day that this policy chooses: what holds at once
    /// cannot be dated back.
    pub fn allows(self, policy: EffectivePolicy) -> bool {
        (self, policy) != (Self::Immediate, EffectivePolicy::PeriodStart)
    }
}

fn yes() -> bool {
    true
}

/// How a PSA counts, as its plugin declares.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct QuantityModel {
    /// The PSA is told a difference: sent twice, it bills twice.
    pub delta: bool,
    /// From when a change holds.
    // Kept descriptions of contract 0.1, where every plugin in use was dated, do not have
    // it, nor the next.
    #[serde(default = "Effect::dated")]
    pub effect: Effect,
    /// The PSA tells of each segment whether it is posted. Where it does not, what is
    /// invoiced is told of the contract.
    #[serde(default = "yes")]
    pub knows_posted: bool,
    /// No fractions.
    pub whole_numbers: bool,
    /// The largest quantity, and the largest change.
    pub largest: Option<rust_decimal::Decimal>,
    /// Whether zero can be posted.
    pub zero: ZeroUnits,
    /// Whether a second change of a line for the same date can work.
    pub repeat_date: Truth,
}

impl QuantityModel {
    /// Whether a line takes a second change for the same date. Where the PSA is told a total
    /// and no date, nothing stands against it unless the plugin says so.
    pub fn repeats(&self) -> bool {
        match self.repeat_date {
            Truth::Yes => true,
            Truth::No => false,
            Truth::Unknown => !self.delta && self.effect != Effect::Dated,
        }
    }

    /// The first day on which a line shows a change, read on `today`, that is billed from
    /// `effective` on. Where the PSA takes no date, the days before today keep what they had,
    /// and a change is seen at once, or from the invoice on that bills it.
    pub fn shown_from(&self, effective: Date, today: Date) -> Date {
        match self.effect {
            Effect::Dated => effective,
            Effect::Immediate => today,
            Effect::NextInvoice => effective.max(today),
        }
    }
}
