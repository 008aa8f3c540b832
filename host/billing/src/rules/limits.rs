//! When a run stops itself, and what a person is asked before it is posted. Each number
//! that a new connection starts with stands here, with the reason for it.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A source that pauses over a weekend does not stop Monday's run.
const STALE_DAYS: u16 = 3;

/// A small MSP may well change all its customers in a day.
const FEW_CHANGED_ACCOUNTS: u32 = 20;

/// On an ordinary day a few customers in a hundred change; half of them is rather a fault
/// of the source than the truth.
const CHANGED_PERCENT: u8 = 50;

/// A customer or two may be deleted in the PSA; one in ten at once is an answer cut short.
const VANISHED_PERCENT: u8 = 10;

/// All units of an MSP together move by one or two percent in a day. A tenth more or
/// fewer on one day, all runs of it together, is a fault of the source or a large piece of
/// news, and both are worth a look.
const UNITS_PERCENT: u8 = 10;

/// So few units are the ordinary day of a small MSP, whatever share of its whole they are.
const FEW_UNITS: u32 = 20;

/// That many lines do not come to the very same count on one day by chance; a source that
/// stops counting at 100 brings all its large customers there.
const ALIKE_LINES: u32 = 10;

/// A customer that grows by half is worth a question: two in three such jumps are a
/// server farm that was imported, or the wrong tenant.
const RISE_PERCENT: u32 = 50;

/// A few more devices are a new team, however small the customer was before.
const RISE_UNITS: u32 = 10;

/// A fall costs the MSP money and nobody complains of it, so it is asked about sooner than
/// a rise: customers shrink slowly, counts fall when agents do not report.
const FALL_PERCENT: u32 = 20;

/// A few people leave at once; a customer of ten that loses three is no news.
const FALL_UNITS: u32 = 5;

/// When a run posts nothing. Changes of new accounts, and changes that a person granted,
/// count in none of these.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BrakeLimits {
    /// A snapshot older than this many days is stale.
    pub stale_days: u16,
    /// With this many accounts or fewer changed, the share does not matter.
    pub changed_accounts: u32,
    /// More than this share of the mapped accounts, in percent, changed in one run.
    pub changed_percent: u8,
    /// More than this share of the mapped accounts, or of the lines posted before, is
    /// not in the PSA's answer. An empty answer always trips.
    pub vanished_percent: u8,
    /// More than this total of changes a month, up and down added together, in any one
    /// currency; none: no limit.
    pub money: Option<Decimal>,
    /// More than this share of all units, in percent, up or down on one day; none: no
    /// limit.
    pub units_percent: Option<u8>,
    /// With this many units or fewer up or down, the share does not matter.
    pub units: u32,
    /// So many changed lines with one and the same count; none: no limit.
    pub alike_lines: Option<u32>,
}

impl Default for BrakeLimits {
    fn default() -> Self {
        Self {
            stale_days: STALE_DAYS,
            changed_accounts: FEW_CHANGED_ACCOUNTS,
            changed_percent: CHANGED_PERCENT,
            vanished_percent: VANISHED_PERCENT,
            money: None,
            units_percent: Some(UNITS_PERCENT),
            units: FEW_UNITS,
            alike_lines: Some(ALIKE_LINES),
        }
    }
}

/// A change that is large both as a share and as a number: neither one customer of two
/// devices that gets a third, nor one of a thousand that gets twenty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Jump {
    /// More than this share of the units before, in percent. Of none before, any change
    /// is more.
    pub percent: Decimal,
    /// And more units than this.
    pub units: Decimal,
}

/// Changes beyond any of these wait for a person. None: no limit.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApprovalLimits {
    /// Whether the changes of a new account wait, all of a connection as one question.
    /// Then no other limit asks about them.
    pub new_accounts: bool,
    /// A rise over both.
    pub rise: Option<Jump>,
    /// A fall over both.
    pub fall: Option<Jump>,
    /// More units than this, up or down.
    pub units: Option<Decimal>,
    /// More than this share of the baseline, in percent, up or down. A line at zero
    /// units has no share: only the other limits count.
    pub percent: Option<Decimal>,
    /// More money a month than this, up or down; a change whose money cannot be told
    /// waits too.
    pub money: Option<Decimal>,
    /// The first adjustment of a line by this product.
    pub first_time: bool,
    /// Any decrease.
    pub decrease: bool,
}

impl Default for ApprovalLimits {
    fn default() -> Self {
        let jump = |percent: u32, units: u32| Jump {
            percent: percent.into(),
            units: units.into(),
        };
        Self {
            new_accounts: true,
            rise: Some(jump(RISE_PERCENT, RISE_UNITS)),
            fall: Some(jump(FALL_PERCENT, FALL_UNITS)),
            ..Self::none()
        }
    }
}

impl ApprovalLimits {
    /// Nothing is asked.
    pub fn none() -> Self {
        Self {
            new_accounts: false,
            rise: None,
            fall: None,
            units: None,
            percent: None,
            money: None,
            first_time: false,
            decrease: false,
        }
    }
}
