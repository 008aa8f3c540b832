//! The leg with the connector in its sandbox, as psa-host runs it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use jiff::civil::Date;
use psa_host_billing::{AccountId, Adjustment, LineKey, Units};
use psa_host_sandbox::{
    Accounts, CallError, Config, Connector, Contracts, Depth, Grant, InMemoryBudget,
    InMemoryStorage, LineBatches, LineReading, List, Pages, Plugin, Posting, Sandbox, Secret,
    Services, Session, WriteGate,
};

use crate::leg::{Done, Half, INSTANCES, Task, spread};
use crate::tenant::{INTEGRATION_CODE, SECRET, USER};
use crate::used::Meter;

/// Do the work, and measure it: from a loaded plugin on, as the native code is loaded.
pub fn play(task: &Task) -> Result<Done> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let plugin = load(&task.connector, &task.folder).await?;
        let meter = Meter::start()?;
        let session = session(&plugin, &task.base_url)?;
        let mut first = session.connect().await?;
        let report = first.check(Depth::Brief).await?;
        session.bind_tenant(&report.tenant);
        let accounts = whole(&mut first, Accounts).await?;
        let services = whole(&mut first, Services).await?.len();
        let second = session.connect().await?;
        let ids: Vec<AccountId> = accounts.into_iter().map(|account| account.id).collect();
        let share = task.adjustments / INSTANCES;
        let (one, other) = ids.split_at(ids.len() / INSTANCES);
        let one = tokio::spawn(half(first, one.to_vec(), task.today, share));
        let other = tokio::spawn(half(second, other.to_vec(), task.today, share));
        let halves = [one.await??, other.await??];
        drop(session);
        let used = meter.stop()?;
        Ok(Done {
            used,
            accounts: ids.len(),
            services,
            lines: halves.iter().map(|half| half.lines).sum(),
            adjusted: halves.iter().map(|half| half.adjusted).sum(),
            confirmed: halves.iter().map(|half| half.confirmed).sum(),
        })
    })
}

/// A plugin from its file, compiled before or now; the compiled code is kept in
/// `folder`.
pub async fn load(connector: &Path, folder: &Path) -> Result<Plugin> {
    let config = Config {
        dev_loopback: true,
        ..Config::new(folder.join("cache"), folder.join("slots"))
    };
    let bytes = std::fs::read(connector)?;
    Ok(Sandbox::new(config)?.load(&bytes).await?)
}

/// A session with a tenant, everything granted that the plugin asks for.
pub fn session(plugin: &Plugin, base_url: &str) -> Result<Arc<Session>> {
    let text = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let secrets = text(&[("integration-code", INTEGRATION_CODE), ("secret", SECRET)]);
    Ok(Session::builder(plugin)
        .label("bench")
        .settings(text(&[("username", USER), ("base-url", base_url)]))
        .secrets(
            secrets
                .into_iter()
                .map(|(key, value)| (key, Secret::new(value)))
                .collect(),
        )
        .grant(Grant {
            plugin: *plugin.hash(),
            hosts: plugin.description().hosts.clone(),
        })
        .storage(Arc::new(InMemoryStorage::default()))
        .budget(Arc::new(InMemoryBudget::default()), "bench")
        .build()?)
}

/// A list to its end.
async fn whole<L: List>(connector: &mut Connector, list: L) -> Result<Vec<L::Entry>> {
    let mut pages = Pages::new(connector.session(), list);
    while pages.read_next(connector).await? {}
    Ok(pages.finish().0)
}

async fn read_lines(
    connector: &mut Connector,
    keys: &[LineKey],
    start: Date,
) -> Result<LineReading> {
    let mut batches = LineBatches::new(connector.session());
    batches.read(connector, keys, start).await?;
    Ok(batches.finish())
}

async fn half(
    mut connector: Connector,
    accounts: Vec<AccountId>,
    today: Date,
    share: usize,
) -> Result<Half> {
    let at_once = connector.session().plugin().description().limits;
    let mut lines = Vec::new();
    for accounts in accounts.chunks(at_once.accounts_per_call as usize) {
        let start = today;
        let contracts = whole(
            &mut connector,
            Contracts {
                accounts,
                start,
                horizon: None,
            },
        )
        .await?;
        lines.extend(contracts.into_iter().flat_map(|contract| contract.lines));
    }
    let count = lines.len();
    let keys: Vec<LineKey> = spread(lines, share)
        .into_iter()
        .map(|line| line.key)
        .collect();
    let mut half = Half {
        lines: count,
        ..Half::default()
    };
    let again = read_lines(&mut connector, &keys, today).await?;
    ensure!(again.lines.len() == keys.len(), "a line is gone");
    let mut targets = Vec::new();
    for line in again.lines {
        let baseline = units(&line)?;
        let target = Units::new(baseline.get() + psa_host_billing::Units::from(1).get())?;
        let adjustment = Adjustment {
            workspace: "bench".parse()?,
            module: "bench".parse()?,
            key: line.key.clone(),
            baseline,
            target,
            effective: today,
        };
        let posting = connector.adjust(&adjustment, today, Arc::new(Open));
        match posting.await {
            Posting::Accepted { .. } => half.adjusted += 1,
            other => bail!("line {}: {other:?}", line.key.line),
        }
        targets.push((line.key.line, target));
    }
    let back = read_lines(&mut connector, &keys, today).await?;
    for (id, target) in targets {
        let line = back.lines.iter().find(|line| line.key.line == id);
        half.confirmed += usize::from(line.map(units).transpose()? == Some(target));
    }
    Ok(half)
}

/// Units of the segment that holds the day asked for.
fn units(line: &psa_host_billing::Line) -> Result<Units> {
    match &line.timeline {
        Ok(timeline) => {
            let first = timeline.segments().first();
            Ok(first.context("a timeline without segments")?.units)
        }
        Err(why) => bail!("{why}"),
    }
}

/// Lets every write leave: what a run looks at just then is not measured here.
struct Open;

impl WriteGate for Open {
    fn may_leave(&self) -> Result<(), CallError> {
        Ok(())
    }
}
