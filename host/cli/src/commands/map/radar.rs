//! `psa-host map radar`

use anyhow::Result;
use jiff::Timestamp;
use psa_host_billing::radar::Stake;
use psa_host_billing::{ConnectionName, ModuleId, Money};
use psa_host_sync::Access;

use super::super::{Status, or_dash};
use crate::output::{Bar, Column, Output, Table};

pub async fn radar(connection: &ConnectionName, host: &Access, out: Output) -> Result<Status> {
    let bar = Bar::new();
    let watch = |progress| bar.show(progress);
    let radar = host.radar(connection, &watch).await?;
    drop(bar);
    if out.is_json() {
        out.json(&radar)?;
        return Ok(Status::Done);
    }
    let mut table = Table::new([
        Column::Left("WORKSPACE"),
        Column::Words("NAME"),
        Column::Left("SINCE"),
        Column::Right("USERS"),
        Column::Right("DEVICES"),
        Column::Right("AT STAKE"),
        Column::Words("MODULES"),
    ]);
    for one in &radar.workspaces {
        table.row([
            one.workspace.to_string(),
            one.name.clone(),
            or_dash(one.first_used.map(day)),
            one.stake.users.to_string(),
            one.stake.devices.to_string(),
            money(&one.stake),
            listed(&one.modules),
        ]);
    }
    out.table(table, "Every workspace in use is mapped or set aside.")?;
    out.line("")?;
    let mut table = Table::new([
        Column::Left("MODULE"),
        Column::Words("NAME"),
        Column::Left("SINCE"),
        Column::Right("USERS"),
        Column::Right("DEVICES"),
        Column::Right("WORKSPACES"),
        Column::Right("AT STAKE"),
    ]);
    for one in &radar.modules {
        table.row([
            one.module.to_string(),
            one.name.clone(),
            or_dash(one.first_used.map(day)),
            one.stake.users.to_string(),
            one.stake.devices.to_string(),
            one.workspaces.to_string(),
            money(&one.stake),
        ]);
    }
    out.table(table, "Every module in use is mapped or set aside.")?;
    out.line(format!(
        "By snapshot {} of {}, taken at {}. Money is for one period at list price; ~ means that \
         it is an estimate, by the service that `map suggest` proposes, and + that a module has no \
         known price.",
        radar.snapshot.snapshot, radar.snapshot.channel, radar.snapshot.taken_at
    ))?;
    Ok(Status::Done)
}

/// The day in UTC.
fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn money(stake: &Stake) -> String {
    let known: Vec<String> = stake.money.iter().map(Money::to_string).collect();
    let about = match stake.estimated.is_empty() {
        true => "",
        false => "~ ",
    };
    match (known.is_empty(), stake.unpriced.is_empty()) {
        (true, _) => "?".to_owned(),
        (false, true) => format!("{about}{}", known.join(" + ")),
        (false, false) => format!("{about}{} +", known.join(" + ")),
    }
}

fn listed(modules: &[ModuleId]) -> String {
    let ids: Vec<&str> = modules.iter().map(ModuleId::as_str).collect();
    ids.join(", ")
}
