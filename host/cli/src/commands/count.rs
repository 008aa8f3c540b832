//! `psa-host count …`

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::count::{CountPolicy, Minimum};
use psa_host_billing::{ConnectionName, ModuleId, Units};
use psa_host_sync::{
    Access, ExclusionId, Mapped, Names, NewExclusion, PolicyView, Simulation, SimulationScope,
};
use psa_host_wire as wire;
use rust_decimal::Decimal;

use super::{Status, id, or_dash};
use crate::args::{CountChange, CountCommand, CountExclude, CountSet, CountSimulate};
use crate::output::{Column, Output, Table, Tone, WrongUse, named};

pub fn run(command: CountCommand, host: &Access, out: Output) -> Result<Status> {
    match command {
        CountCommand::Set(set) => change(&set, host, out)?,
        CountCommand::Show { connection, module } => {
            let name = id("connection name", &connection)?;
            let module: Option<ModuleId> = module.map(|m| id("module id", &m)).transpose()?;
            show(&name, module.as_ref(), host, out)?;
        }
        CountCommand::Exclude(exclude) => add(exclude, host, out)?,
        CountCommand::Exclusions { connection, all } => {
            exclusions(&id("connection name", &connection)?, all, host, out)?;
        }
        CountCommand::Restore {
            connection,
            id: text,
        } => {
            let name = id("connection name", &connection)?;
            let id: ExclusionId = text.parse().map_err(|_| {
                let short: String = text.chars().take(60).collect();
                let message = format!("{short:?} is no exclusion");
                WrongUse::new(
                    message,
                    "Write it as in `count exclusions`, such as e-000003.",
                )
            })?;
            let done = host.restore_count(&name, id)?;
            if out.is_json() {
                out.json(&done)?;
            } else {
                out.line(done.message)?;
            }
        }
        CountCommand::Simulate(simulate) => return simulation(simulate, host, out),
    }
    Ok(Status::Done)
}

fn change(set: &CountSet, host: &Access, out: Output) -> Result<()> {
    let name: ConnectionName = id("connection name", &set.connection)?;
    let module: ModuleId = id("module id", &set.module)?;
    let mut policy = CountPolicy::default();
    for view in host.count_policies(&name, Some(&module))? {
        policy = view.policy;
    }
    let policy = changed(policy, &set.change)?;
    let mapped = host.set_count_policy(&name, &module, &policy)?;
    let result = match mapped {
        Mapped::New => "new",
        Mapped::Same => "same",
        Mapped::Changed => "changed",
    };
    if out.is_json() {
        return Ok(out.json(&wire::PolicySet {
            connection: Cow::Borrowed(&name),
            module: Cow::Borrowed(&module),
            result: Cow::Borrowed(result),
            policy: Cow::Borrowed(&policy),
        })?);
    }
    show(&name, Some(&module), host, out)
}

fn changed(mut policy: CountPolicy, change: &CountChange) -> Result<CountPolicy> {
    if change.reset {
        return Ok(CountPolicy::default());
    }
    if let Some(basis) = change.basis {
        policy.basis = basis.into();
    }
    if let Some(rounding) = change.rounding {
        policy.rounding = rounding.into();
    }
    if let Some(multiplier) = change.multiplier {
        policy.multiplier = multiplier;
    }
    if let Some(included) = change.included {
        policy.included = included;
    }
    policy.minimum = minimum_of(policy.minimum, change)?;
    if change.no_minimum {
        policy.minimum = None;
    }
    Ok(policy)
}

/// What is not named of a minimum stays.
fn minimum_of(known: Option<Minimum>, change: &CountChange) -> Result<Option<Minimum>> {
    let CountChange {
        minimum,
        minimum_from,
        minimum_until,
        ..
    } = *change;
    if minimum.is_none() && minimum_from.is_none() && minimum_until.is_none() {
        return Ok(known);
    }
    let Some(units) = minimum.or(known.map(|known| known.units())) else {
        let message = "there is no minimum whose days could be set";
        return Err(WrongUse::new(message, "Add --minimum COUNT.").into());
    };
    let from = minimum_from.or(known.and_then(|known| known.from()));
    let until = minimum_until.or(known.and_then(|known| known.until()));
    let fix = "Correct it, or take the minimum and its days away with --no-minimum.";
    let minimum = Minimum::new(units, from, until);
    Ok(Some(
        minimum.map_err(|error| WrongUse::new(error.to_string(), fix))?,
    ))
}

fn show(
    name: &ConnectionName,
    module: Option<&ModuleId>,
    host: &Access,
    out: Output,
) -> Result<()> {
    let policies = host.count_policies(name, module)?;
    if out.is_json() {
        let names = host.names(Some(name))?;
        let policies = wire::Named::all(&policies, name, &names);
        return Ok(out.json(&wire::CountPolicies {
            connection: Cow::Borrowed(name),
            policies,
        })?);
    }
    let mut table = Table::new([
        Column::Left("MODULE"),
        Column::Left("SERVICE"),
        Column::Left("COUNTED"),
        Column::Left("BASIS"),
        Column::Right("MULTIPLIER"),
        Column::Left("ROUNDING"),
        Column::Right("INCLUDED"),
        Column::Words("MINIMUM"),
    ]);
    for view in policies {
        let PolicyView {
            module,
            service,
            metric,
            policy,
            ..
        } = view;
        table.row([
            module.to_string(),
            service.to_string(),
            metric.to_string(),
            policy.basis.to_string(),
            policy.multiplier.to_string(),
            policy.rounding.to_string(),
            policy.included.to_string(),
            or_dash(policy.minimum.as_ref().map(minimum)),
        ]);
    }
    let none = "No module is mapped. Map one with `psa-host map service`.";
    Ok(out.table(table, none)?)
}

fn minimum(minimum: &Minimum) -> String {
    let mut text = minimum.units().to_string();
    if let Some(from) = minimum.from() {
        text.push_str(&format!(" from {from}"));
    }
    if let Some(until) = minimum.until() {
        text.push_str(&format!(" until {until}"));
    }
    text
}

fn add(exclude: CountExclude, host: &Access, out: Output) -> Result<()> {
    let name = id("connection name", &exclude.connection)?;
    let done = host.exclude_from_count(
        &name,
        &NewExclusion {
            workspace: id("workspace id", &exclude.workspace)?,
            module: id("module id", &exclude.module)?,
            count: exclude.count,
            owner: exclude.owner,
            why: exclude.why,
            until: exclude.until,
        },
    )?;
    out.notes(&done.notes);
    match out.is_json() {
        true => out.json(&done)?,
        false => out.line(&done.message)?,
    }
    Ok(())
}

fn exclusions(name: &ConnectionName, all: bool, host: &Access, out: Output) -> Result<()> {
    let exclusions = host.count_exclusions(name, all)?;
    let names = host.names(Some(name))?;
    if out.is_json() {
        let exclusions = wire::Named::all(&exclusions, name, &names);
        return Ok(out.json(&wire::Exclusions {
            connection: Cow::Borrowed(name),
            exclusions,
        })?);
    }
    let mut table = Table::new([
        Column::Left("EXCLUSION"),
        Column::Left("WORKSPACE"),
        Column::Left("MODULE"),
        Column::Right("COUNT"),
        Column::Left("OF"),
        Column::Left("SINCE"),
        Column::Left("UNTIL"),
        Column::Left("STATE"),
        Column::Words("OWNER"),
        Column::Words("WHY"),
    ]);
    for view in exclusions {
        let exclusion = view.exclusion;
        let tone = match view.state.as_ref() {
            "counts" => Tone::Good,
            _ => Tone::Plain,
        };
        table.toned([
            (view.id, Tone::Plain),
            (
                named(&exclusion.workspace, names.workspace(&exclusion.workspace)),
                Tone::Plain,
            ),
            (
                named(&exclusion.module, names.module(&exclusion.module)),
                Tone::Plain,
            ),
            (exclusion.count.to_string(), Tone::Plain),
            (exclusion.metric.to_string(), Tone::Plain),
            (or_dash(exclusion.since), Tone::Plain),
            (or_dash(exclusion.until), Tone::Plain),
            (view.state.into_owned(), tone),
            (exclusion.owner, Tone::Plain),
            (exclusion.why, Tone::Plain),
        ]);
    }
    Ok(out.table(table, "Nothing is excluded.")?)
}

fn simulation(args: CountSimulate, host: &Access, out: Output) -> Result<Status> {
    let name = id("connection name", &args.connection)?;
    let scope = SimulationScope {
        module: args.module.map(|text| id("module id", &text)).transpose()?,
        workspace: args
            .workspace
            .map(|text| id("workspace id", &text))
            .transpose()?,
        since: args.since,
    };
    let simulation = host.simulate_counts(&name, &scope)?;
    let names = host.names(Some(&name))?;
    if out.is_json() {
        out.json(&wire::Simulation::new(&simulation, &names))?;
    } else {
        print(&simulation, &names, out)?;
    }
    Ok(match simulation.holds() {
        true => Status::NeedsPerson,
        false => Status::Done,
    })
}

fn print(simulation: &Simulation, names: &Names, out: Output) -> Result<()> {
    out.line(format!(
        "{} for {}: the newest snapshot is {}, taken at {}; the period is taken to begin on {}",
        simulation.connection,
        simulation.as_of,
        simulation.snapshot,
        simulation.taken_at,
        simulation.since
    ))?;
    let mut table = Table::new([
        Column::Left("WORKSPACE"),
        Column::Left("MODULE"),
        Column::Right("COUNT"),
        Column::Right("LATEST"),
        Column::Right("PEAK"),
        Column::Right("AVERAGE"),
        Column::Right("UNITS"),
        Column::Words("HOW THE UNITS CAME ABOUT"),
    ]);
    for pair in &simulation.pairs {
        let (how, tone) = match &pair.hold {
            Some(hold) => (format!("{}: {}", hold.code, hold.message), Tone::Attention),
            None => {
                let sentences: Vec<&str> = pair
                    .steps
                    .iter()
                    .map(|step| step.sentence.as_str())
                    .collect();
                (sentences.join("; "), Tone::Plain)
            }
        };
        let units = |units: Option<Units>| (or_dash(units), Tone::Plain);
        table.toned([
            (
                named(&pair.workspace, names.workspace(&pair.workspace)),
                Tone::Plain,
            ),
            (named(&pair.module, names.module(&pair.module)), Tone::Plain),
            (or_dash(pair.count), Tone::Plain),
            units(pair.latest),
            units(pair.peak),
            units(pair.average),
            units(pair.units),
            (how, tone),
        ]);
    }
    out.table(table, "No mapped pair that is billed has a count.")?;
    if simulation.totals.is_empty() {
        return Ok(());
    }
    out.line("")?;
    let mut table = Table::new([
        Column::Left("TOTAL"),
        Column::Right("PAIRS"),
        Column::Right("COUNT"),
        Column::Right("LATEST"),
        Column::Right("PEAK"),
        Column::Right("AVERAGE"),
        Column::Right("UNITS"),
        Column::Right("HELD"),
    ]);
    for total in &simulation.totals {
        let sum = |sum: Decimal| sum.normalize().to_string();
        table.row([
            named(&total.module, names.module(&total.module)),
            total.pairs.to_string(),
            total.count.to_string(),
            sum(total.latest),
            sum(total.peak),
            sum(total.average),
            sum(total.units),
            total.held.to_string(),
        ]);
    }
    Ok(out.table(table, "")?)
}
