//! A second look at chosen lines: are they still there, what are their units now, and
//! has another line of the same service appeared beside them? Always with their whole
//! timelines: what is written, and what is concluded from it, rests on these.

use std::collections::{BTreeSet, HashMap};

use psa_connector_sdk::{Date, Error, Host, Line, LineKey, LineReading, Packer, invalid};

use crate::api::Api;
use crate::contracts::{same_twice, to_line};
use crate::describe::{MOST_KEYS, PAGE};
use crate::lines::{ContractLine, Key, Kind, LineRow};
use crate::query::Condition;
use crate::units::{Of, Units};
use crate::window::Window;

/// More services than this are not put into a query beside the contracts.
const MOST_SERVICES: usize = 100;

pub(crate) fn read(
    api: &mut Api,
    host: &dyn Host,
    lines: &[LineKey],
    start: Date,
) -> Result<LineReading, Error> {
    if lines.len() > MOST_KEYS {
        return Err(invalid(format!(
            "{} lines at once; the most is {MOST_KEYS}",
            lines.len()
        )));
    }
    let asked = lines
        .iter()
        .map(Key::parse)
        .collect::<Result<BTreeSet<Key>, Error>>()?;
    let mut reading = LineReading {
        lines: Vec::with_capacity(asked.len()),
        others: Vec::new(),
    };
    for kind in Kind::BOTH {
        let of_kind: Vec<Key> = asked
            .iter()
            .copied()
            .filter(|key| key.kind == kind)
            .collect();
        if of_kind.is_empty() {
            continue;
        }
        let (found, others) = present(api, host, kind, &of_kind)?;
        reading
            .lines
            .extend(with_units(api, host, kind, found, Window::whole(start))?);
        reading.others.extend(others.into_iter().map(|other| {
            // Looked for on the contracts of the lines asked for only.
            let beside = lines
                .iter()
                .find(|key| key.contract == other.contract.to_string());
            other.to_text(beside.map_or("", |key| &key.account))
        }));
    }
    Ok(reading)
}

/// The lines asked for that are there as asked for, and all others of the same service
/// on the same contract.
fn present(
    api: &mut Api,
    host: &dyn Host,
    kind: Kind,
    asked: &[Key],
) -> Result<(Vec<ContractLine>, Vec<Key>), Error> {
    let contracts: BTreeSet<i64> = asked.iter().map(|key| key.contract).collect();
    let services: BTreeSet<i64> = asked.iter().map(|key| key.service).collect();
    let pairs: BTreeSet<(i64, i64)> = asked
        .iter()
        .map(|key| (key.contract, key.service))
        .collect();
    let wanted: BTreeSet<Key> = asked.iter().copied().collect();
    let contracts: Vec<i64> = contracts.into_iter().collect();
    let services: Vec<i64> = services.into_iter().collect();
    // Whether the limit of 500 OR conditions is meant for each list or for the whole
    // query is [?]: both lists together stay within it. Many services are not asked for
    // but left out here, as are the pairs that two lists ask for beside those wanted.
    let few_services = services.len() <= MOST_SERVICES;
    let room = MOST_KEYS - if few_services { services.len() } else { 0 };
    let mut found = Vec::with_capacity(asked.len());
    let mut others = BTreeSet::new();
    for contracts in contracts.chunks(room) {
        let mut conditions = vec![Condition::any_of("contractID", contracts)];
        if few_services {
            conditions.push(Condition::any_of(kind.service_field(), &services));
        }
        api.query_all::<LineRow>(host, kind.lines(), &conditions, |row| {
            let line = row.into_line(kind)?;
            if wanted.contains(&line.key) {
                found.push(line);
            } else if pairs.contains(&(line.key.contract, line.key.service)) {
                others.insert(line.key);
            }
            Ok(())
        })?;
    }
    found.sort_unstable_by_key(|line| line.key);
    same_twice(&mut found)?;
    Ok((found, others.into_iter().collect()))
}

fn with_units(
    api: &mut Api,
    host: &dyn Host,
    kind: Kind,
    lines: Vec<ContractLine>,
    window: Window,
) -> Result<Vec<Line>, Error> {
    let ids: Vec<i64> = lines.iter().map(|line| line.key.line).collect();
    let prices: HashMap<_, _> = lines
        .iter()
        .map(|line| (line.key.line, line.prices))
        .collect();
    let weights = vec![1; ids.len()];
    let mut packer = Packer::new(MOST_KEYS, PAGE);
    let units = Units::read(
        api,
        host,
        kind,
        Of::Lines,
        (&ids, &weights),
        window,
        &mut packer,
        &prices,
    )?;
    let with_timeline = |line: ContractLine| {
        let timeline = units.timeline(&line, window);
        to_line(line, timeline)
    };
    Ok(lines.into_iter().map(with_timeline).collect())
}
