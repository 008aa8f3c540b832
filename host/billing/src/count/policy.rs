//! What an MSP says of a service: how its counts become units.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parse_decimal;

/// Which count is billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The one of the newest snapshot.
    #[default]
    Latest,
    /// The highest since the billing period began.
    Peak,
    /// The mean of the days since the billing period began.
    Average,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Latest => "latest",
            Self::Peak => "peak",
            Self::Average => "average",
        })
    }
}

/// What becomes of a fraction of a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// A whole unit.
    #[default]
    Up,
    /// Nothing.
    Down,
    /// A whole unit from one half on.
    Nearest,
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Nearest => "nearest",
        })
    }
}

/// Why a policy makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A multiplier of zero or below would bill nothing for any use.
    #[error("a multiplier is above zero, and this one is {0}")]
    Multiplier(Decimal),
    /// Not `[0-9]+(\.[0-9]+)?` of at most 28 digits.
    #[error("a multiplier is a decimal number, such as 0.5 or 3")]
    NotDecimal,
    /// A minimum of nothing.
    #[error("a minimum is at least 1 unit; to have none, leave it out")]
    NoMinimum,
    /// A minimum that ends before it begins.
    #[error("the minimum begins on {from}, after its last day, {until}")]
    Backwards {
        /// Its first day.
        from: Date,
        /// Its last day.
        until: Date,
    },
}

/// Units for each user or device, above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Multiplier(Decimal);

impl Multiplier {
    /// One unit for each.
    pub const ONE: Multiplier = Multiplier(Decimal::ONE);

    /// # Errors
    /// [`PolicyError::Multiplier`].
    pub fn new(number: Decimal) -> Result<Self, PolicyError> {
        if number <= Decimal::ZERO {
            return Err(PolicyError::Multiplier(number));
        }
        Ok(Self(number.normalize()))
    }

    /// The number.
    pub fn get(self) -> Decimal {
        self.0
    }
}

impl Default for Multiplier {
    fn default() -> Self {
        Self::ONE
    }
}

impl TryFrom<Decimal> for Multiplier {
    type Error = PolicyError;
    fn try_from(number: Decimal) -> Result<Self, PolicyError> {
        Self::new(number)
    }
}

impl From<Multiplier> for Decimal {
    fn from(multiplier: Multiplier) -> Decimal {
        multiplier.0
    }
}

impl FromStr for Multiplier {
    type Err = PolicyError;
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        Self::new(parse_decimal(text).ok_or(PolicyError::NotDecimal)?)
    }
}

impl fmt::Display for Multiplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Units that are billed even where fewer are used: a commitment, at least one unit, on
/// the days from its first to its last. Both belong to it; none means open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(try_from = "PlainMinimum", into = "PlainMinimum")]
pub struct Minimum(PlainMinimum);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainMinimum {
    units: u32,
    #[serde(default)]
    #[schemars(with = "Option<crate::form::Day>")]
    from: Option<Date>,
    #[serde(default)]
    #[schemars(with = "Option<crate::form::Day>")]
    until: Option<Date>,
}

impl Minimum {
    /// # Errors
    /// [`PolicyError::NoMinimum`] and [`PolicyError::Backwards`].
    pub fn new(units: u32, from: Option<Date>, until: Option<Date>) -> Result<Self, PolicyError> {
        if units == 0 {
            return Err(PolicyError::NoMinimum);
        }
        match (from, until) {
            (Some(from), Some(until)) if until < from => {
                Err(PolicyError::Backwards { from, until })
            }
            _ => Ok(Self(PlainMinimum { units, from, until })),
        }
    }

    /// How many.
    pub fn units(&self) -> u32 {
        self.0.units
    }

    /// First day; none: it always counted.
    pub fn from(&self) -> Option<Date> {
        self.0.from
    }

    /// Last day; none: it counts until it is taken away.
    pub fn until(&self) -> Option<Date> {
        self.0.until
    }
}

impl TryFrom<PlainMinimum> for Minimum {
    type Error = PolicyError;
    fn try_from(plain: PlainMinimum) -> Result<Self, PolicyError> {
        Self::new(plain.units, plain.from, plain.until)
    }
}

impl From<Minimum> for PlainMinimum {
    fn from(minimum: Minimum) -> Self {
        minimum.0
    }
}

/// How the counts of a module become units of its service. The default bills the count
/// as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CountPolicy {
    /// Which count.
    pub basis: Basis,
    /// What becomes of a fraction.
    pub rounding: Rounding,
    /// Units for each user or device.
    pub multiplier: Multiplier,
    /// Units that cost nothing: taken off, never below zero.
    pub included: u32,
    /// Units that are billed in any case.
    pub minimum: Option<Minimum>,
}
