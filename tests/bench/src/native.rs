//! The leg without sandbox and WebAssembly: the connector's own Rust code, linked in.

use std::collections::HashMap;

use anyhow::{Result, anyhow, bail, ensure};
use psa_connector_autotask::Autotask;
use psa_connector_sdk::{
    Adjustment, CivilDate, Connector, Depth, Error, LineKey, Outcome, Settings, Timeline,
};

use crate::leg::{Done, Half, INSTANCES, Task, spread};
use crate::native_host::NativeHost;
use crate::tenant::USER;
use crate::used::Meter;

/// Do the work, and measure it.
pub fn play(task: &Task) -> Result<Done> {
    let settings: Settings = [("username", USER), ("base-url", task.base_url.as_str())]
        .into_iter()
        .collect();
    let meter = Meter::start()?;
    let mut first = Instance::new(&settings)?;
    let (accounts, services) = first.lists()?;
    // The zone is kept in storage, which in psa-host all instances share.
    let second = Instance::beside(&first, &settings)?;
    let share = task.adjustments / INSTANCES;
    let (one, other) = accounts.split_at(accounts.len() / INSTANCES);
    let today = date(task.today)?;
    let halves = std::thread::scope(|scope| {
        let mut working = Vec::new();
        for (instance, accounts) in [(first, one), (second, other)] {
            working.push(scope.spawn(move || instance.half(accounts, today, share)));
        }
        let joined = working.into_iter().map(|half| half.join());
        joined
            .map(|half| half.map_err(|_| anyhow!("an instance panicked"))?)
            .collect::<Result<Vec<Half>>>()
    })?;
    let used = meter.stop()?;
    Ok(Done {
        used,
        accounts: accounts.len(),
        services,
        lines: halves.iter().map(|half| half.lines).sum(),
        adjusted: halves.iter().map(|half| half.adjusted).sum(),
        confirmed: halves.iter().map(|half| half.confirmed).sum(),
    })
}

/// One instance with its outside.
struct Instance {
    connector: Autotask,
    host: NativeHost,
}

impl Instance {
    fn new(settings: &Settings) -> Result<Self> {
        let connector = Autotask::configure(settings).map_err(failed)?;
        Ok(Self {
            connector,
            host: NativeHost::new()?,
        })
    }

    fn beside(first: &Self, settings: &Settings) -> Result<Self> {
        let second = Self::new(settings)?;
        second.host.take_over(&first.host);
        Ok(second)
    }

    /// The ids of all accounts, and how many services there are.
    fn lists(&mut self) -> Result<(Vec<String>, usize)> {
        let Self { connector, host } = self;
        connector.check(host, Depth::Brief).map_err(failed)?;
        let mut accounts = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = connector
                .list_accounts(host, cursor.as_deref())
                .map_err(failed)?;
            accounts.extend(page.accounts.into_iter().map(|account| account.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let mut services = 0;
        loop {
            let page = connector
                .list_services(host, cursor.as_deref())
                .map_err(failed)?;
            services += page.services.len();
            cursor = page.next;
            if cursor.is_none() {
                return Ok((accounts, services));
            }
        }
    }

    fn half(mut self, accounts: &[String], today: CivilDate, share: usize) -> Result<Half> {
        let Self { connector, host } = &mut self;
        let mut lines = Vec::new();
        let mut cursor: Option<String> = None;
        let mut accounts_of: HashMap<String, String> = HashMap::new();
        loop {
            let page = connector.list_contracts(host, accounts, today, None, cursor.as_deref());
            let page = page.map_err(failed)?;
            for contract in page.contracts {
                accounts_of.insert(contract.id, contract.account);
                lines.extend(contract.lines);
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let count = lines.len();
        let chosen = spread(lines, share);
        let keys: Vec<LineKey> = chosen
            .into_iter()
            .map(|line| LineKey {
                line: line.id,
                account: accounts_of.get(&line.contract).cloned().unwrap_or_default(),
                contract: line.contract,
                service: line.service,
            })
            .collect();
        let mut half = Half {
            lines: count,
            ..Half::default()
        };
        let again = connector.read_lines(host, &keys, today).map_err(failed)?;
        ensure!(again.lines.len() == keys.len(), "a line is gone");
        let mut targets = Vec::new();
        for line in again.lines {
            let baseline = units(&line.timeline)?;
            let target = baseline + 1;
            let id = line.id.clone();
            let adjustment = Adjustment {
                line: LineKey {
                    line: line.id,
                    account: accounts_of.get(&line.contract).cloned().unwrap_or_default(),
                    contract: line.contract,
                    service: line.service,
                },
                baseline: baseline.to_string(),
                target: target.to_string(),
                effective: today,
            };
            match connector.adjust(host, &adjustment, today).map_err(failed)? {
                Outcome::Accepted(_) => half.adjusted += 1,
                other => bail!("line {id}: {other:?}"),
            }
            targets.push((id, target));
        }
        let back = connector.read_lines(host, &keys, today).map_err(failed)?;
        for (id, target) in targets {
            let line = back.lines.iter().find(|line| line.id == id);
            let shown = line.map(|line| units(&line.timeline)).transpose()?;
            half.confirmed += usize::from(shown == Some(target));
        }
        Ok(half)
    }
}

/// Units of the segment that holds the day asked for.
fn units(timeline: &Timeline) -> Result<u32> {
    match timeline {
        Timeline::Segments(segments) => match segments.first() {
            Some(segment) => Ok(segment.units.parse()?),
            None => bail!("a timeline without segments"),
        },
        Timeline::Unreadable(why) => bail!("{why}"),
    }
}

fn date(day: jiff::civil::Date) -> Result<CivilDate> {
    Ok(CivilDate {
        year: day.year().try_into()?,
        month: day.month().try_into()?,
        day: day.day().try_into()?,
    })
}

fn failed(error: Error) -> anyhow::Error {
    anyhow!("the native connector: {error:?}")
}
