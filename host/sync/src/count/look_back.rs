//! What the rules need to turn counts into units: policies, exclusions, and the earlier
//! counts of just those pairs that look back on them.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::count::{Counting, Days, by_day};
use psa_host_billing::period::period_of;
use psa_host_billing::{
    ConnectionName, Contract, Mapping, Metric, ModuleId, ServiceMapping, WorkspaceId,
};
use psa_host_ledger::{Connection, SeriesCount, UsageSeries};

use crate::error::rule;
use crate::{Access, AccountContracts, Result};

/// How a plan looks back.
#[derive(Clone, Copy)]
pub(crate) struct LookBack<'a> {
    pub connection: &'a Connection,
    pub mapping: &'a Mapping,
    pub counting: &'a Counting,
    /// The day planned for.
    pub as_of: Date,
    /// The instant of the snapshot planned from: a newer one is not looked at.
    pub until: Timestamp,
}

impl Access {
    /// A connection's policies and exclusions, as the rules take them.
    pub(crate) fn counting_of(&self, name: &ConnectionName) -> Result<Counting> {
        let policies = self.ledger().count_policies(name)?;
        let exclusions = self.ledger().count_exclusions(name, false)?;
        let exclusions = exclusions.into_iter().map(|record| record.exclusion);
        Ok(Counting::new(policies, exclusions))
    }

    /// The days that some accounts' pairs look back on. Nothing is read where no policy
    /// needs it.
    pub(crate) fn days_of_chunk(
        &self,
        back: LookBack<'_>,
        chunk: &[AccountContracts],
    ) -> Result<Days> {
        let read = chunk.iter().filter_map(|read| {
            let workspace = back.mapping.workspace(&read.account)?;
            Some((workspace, read.contracts.as_deref().ok()?))
        });
        self.days_to_plan(back, read)
    }

    /// The same, of workspaces with the contracts of their accounts.
    pub(crate) fn days_to_plan<'a>(
        &self,
        back: LookBack<'_>,
        accounts: impl Iterator<Item = (&'a WorkspaceId, &'a [Contract])>,
    ) -> Result<Days> {
        let services = back.mapping.services();
        let services: Vec<&ServiceMapping> = services
            .filter(|service| back.counting.looks_back(&service.module))
            .collect();
        if services.is_empty() {
            return Ok(Days::default());
        }
        let mut since: Option<Date> = None;
        let mut workspaces = Vec::new();
        for (workspace, contracts) in accounts {
            let periods = contracts.iter().filter_map(|c| period_of(c, back.as_of));
            // The earliest of all: the rules leave out what is before a pair's own.
            since = periods.map(|period| period.start).chain(since).min();
            workspaces.push(workspace);
        }
        match since {
            Some(since) => {
                let span = (since, back.until);
                self.days(back.connection, span, &workspaces, &services)
            }
            None => Ok(Days::default()),
        }
    }

    /// The days of these workspaces and modules, from the start of a civil day to an
    /// instant.
    pub(crate) fn days(
        &self,
        connection: &Connection,
        (since, until): (Date, Timestamp),
        workspaces: &[&WorkspaceId],
        services: &[&ServiceMapping],
    ) -> Result<Days> {
        let zone = crate::mapping::zone_of(connection)?;
        let start = since.to_zoned_datetime(zone.clone()).map_err(|error| {
            rule(
                "date-out-of-range",
                format!(
                    "{since} does not begin in {}: {error}",
                    connection.time_zone
                ),
                "Name another date.",
            )
        })?;
        let modules: Vec<&ModuleId> = services.iter().map(|service| &service.module).collect();
        let span = (start.timestamp(), until);
        let series = self
            .ledger()
            .usage_series(&connection.channel, span, workspaces, &modules)?;
        let metrics: HashMap<&ModuleId, Metric> = services
            .iter()
            .map(|service| (&service.module, service.metric))
            .collect();
        let UsageSeries { taken_at, pairs } = series;
        let mut days = Days::default();
        for ((workspace, module), counts) in pairs {
            let Some(metric) = metrics.get(&module) else {
                continue;
            };
            let of_pair = in_each(&taken_at, &counts, *metric);
            days.insert(workspace, module, by_day(of_pair, &zone));
        }
        Ok(days)
    }
}

/// A pair's count in each snapshot; none where the snapshot does not have it.
fn in_each(
    taken_at: &[Timestamp],
    counts: &[SeriesCount],
    metric: Metric,
) -> impl Iterator<Item = (Timestamp, Option<u32>)> {
    let mut counts = counts.iter().peekable();
    taken_at.iter().enumerate().map(move |(at, taken_at)| {
        let found = counts.next_if(|count| count.snapshot == at);
        let count = found.and_then(|count| match metric {
            Metric::Users => count.users,
            Metric::Devices => count.devices,
        });
        (*taken_at, count)
    })
}
