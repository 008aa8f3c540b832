//! What has to be true of a pair, its account, its service and its number, whatever the
//! policy.

use rust_decimal::Decimal;

use super::{Context, Pair};
use crate::{Hold, HoldCode, Segment, Timeline, Truth, Units, ZeroUnits};

impl Context<'_> {
    pub(super) fn account_and_service(&self, pair: &Pair) -> Result<(), Hold> {
        match self.accounts.get(&pair.account) {
            None => {
                let message = format!("account {} is not listed by the PSA", pair.account);
                return Err(Hold::new(HoldCode::AccountMissing, message));
            }
            Some(account) if account.active == Truth::No => {
                let message = format!("account {} ({}) is inactive", account.id, account.name);
                return Err(Hold::new(HoldCode::AccountInactive, message).at(account.link.as_ref()));
            }
            Some(_) => {}
        }
        match self.services.get(&pair.service) {
            None => {
                let message = format!("service {} is not listed by the PSA", pair.service);
                Err(Hold::new(HoldCode::ServiceMissing, message))
            }
            Some(service) if service.active == Truth::No => {
                let message = format!("service {} ({}) is inactive", service.id, service.name);
                Err(Hold::new(HoldCode::ServiceInactive, message).at(service.link.as_ref()))
            }
            Some(_) => Ok(()),
        }
    }

    pub(super) fn postable(&self, baseline: Units, target: Units) -> Result<(), Hold> {
        let held = |message: String| Err(Hold::new(HoldCode::UnitsNotPostable, message));
        let change = target.change_from(baseline).get();
        if self.model.whole_numbers && !change.is_integer() {
            return held(format!(
                "from {baseline} to {target} is not a whole number of units"
            ));
        }
        let largest = self.model.largest.unwrap_or(Decimal::MAX);
        if target.get() > largest || change.abs() > largest {
            return held(format!(
                "{target} units is over the PSA's largest number, {largest}"
            ));
        }
        if target.is_zero() && self.model.zero == ZeroUnits::Refused {
            return held("the PSA refuses lines with zero units".to_owned());
        }
        Ok(())
    }
}

/// A change moves every later segment too: all must have the units of this one.
pub(super) fn nothing_is_coming(timeline: &Timeline, from: &Segment) -> Result<(), Hold> {
    let coming = timeline
        .after(from.start)
        .find(|later| later.units != from.units);
    match coming {
        None => Ok(()),
        Some(later) => {
            let message = format!(
                "the PSA has a change to {} units from {} on",
                later.units, later.start
            );
            Err(Hold::new(HoldCode::FutureChange, message))
        }
    }
}
