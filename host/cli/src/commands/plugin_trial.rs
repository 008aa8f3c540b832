//! How a file did in its trial, for a person.

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::ConnectionName;
use psa_host_sync::{
    Access, ConnectionTrial, PluginAccepted, PluginProposal, PluginTrial, TrialDifference,
    TrialOutcome, TrialRecord,
};
use psa_host_wire as wire;

use super::{Status, or_dash};
use crate::output::{Column, Output, Table};

/// The exit status of `plugin approve`.
pub fn status(done: &PluginAccepted) -> Status {
    match done.result.as_ref() {
        "differs" => Status::Differs,
        "refused" => Status::Failed,
        _ if !done.stayed.is_empty() => Status::NeedsPerson,
        _ => Status::Done,
    }
}

/// `psa-host connection keep-on`.
pub async fn keep_on(
    connection: &ConnectionName,
    file: Option<&str>,
    accept: Option<&str>,
    host: &Access,
    out: Output,
) -> Result<Status> {
    let kept = host.keep_connection_on(connection, file, accept).await?;
    let status = match kept.result.as_ref() {
        "differs" => Status::Differs,
        "refused" => Status::Failed,
        _ => Status::Done,
    };
    if out.is_json() {
        out.json(&wire::TrialOfConnection {
            connection: Cow::Borrowed(connection),
            result: kept.result,
            file: Cow::Borrowed(&kept.file),
            kept: file.is_some(),
            trial: kept.trial.as_ref().map(Cow::Borrowed),
        })?;
        return Ok(status);
    }
    if let Some(trial) = &kept.trial {
        show(trial, out)?;
    }
    let sha256 = &kept.file;
    if status != Status::Done {
        out.line(format!("Nothing was changed: {connection} has {sha256}."))?;
        let digest = kept.trial.and_then(|trial| trial.digest);
        if let (Status::Differs, Some(digest)) = (status, digest) {
            let file = file.unwrap_or("in-use");
            out.line(format!(
                "fix: If these differences are right, say so: `psa-host connection keep-on \
                 {connection} {file} --accept-difference {digest}`."
            ))?;
        }
        return Ok(status);
    }
    out.line(match file {
        Some(_) => format!("connection {connection} is kept on {sha256}"),
        None => format!("connection {connection} follows the file in use, {sha256}"),
    })?;
    Ok(status)
}

/// Each connection in a line, and a table of what differs.
pub fn show(trial: &PluginTrial, out: Output) -> Result<()> {
    for tried in &trial.connections {
        let name = &tried.connection;
        out.line(match tried.outcome {
            TrialOutcome::Same => format!("tried for {name}: the same{}", looked_at(tried)),
            TrialOutcome::Differs => format!("tried for {name}: it differs{}", looked_at(tried)),
            TrialOutcome::Refused => format!("tried for {name}: refused"),
            TrialOutcome::Untried => format!("{name} could not be tried now"),
        })?;
        if let Some(problem) = &tried.problem {
            out.line(format!("  {} ({})", problem.message, problem.code))?;
            if let Some(fix) = &problem.fix {
                out.line(format!("  fix: {fix}"))?;
            }
        }
        for incident in &tried.incidents {
            let (code, during) = (&incident.code, &incident.during);
            out.line(format!(
                "  it tried in {during}: {} ({code})",
                incident.message
            ))?;
        }
        differences(&tried.differences, out)?;
    }
    Ok(())
}

/// The last trial, as the history has it.
pub fn show_record(trial: &TrialRecord, out: Output) -> Result<()> {
    out.line(format!("  tried       by {} at {}", trial.who, trial.when))?;
    for tried in &trial.connections {
        let outcome = match tried.outcome {
            TrialOutcome::Same => "the same",
            TrialOutcome::Differs => "it differs",
            TrialOutcome::Refused => "refused",
            TrialOutcome::Untried => "could not be tried",
        };
        let why = tried.problem.as_ref();
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        out.line(format!("  for {}: {outcome}{why}", tried.connection))?;
        differences(&tried.differences, out)?;
    }
    Ok(())
}

/// Why nothing was changed, and what to call.
pub fn not_switched(proposal: &PluginProposal, done: &PluginAccepted, out: Output) -> Result<()> {
    let (name, sha256) = (&proposal.name, &proposal.sha256);
    out.line(format!(
        "Nothing was changed: {name} {:.12} stays in use.",
        proposal.in_use
    ))?;
    match &done.trial.digest {
        Some(digest) if done.result == "differs" => out.line(format!(
            "fix: If these differences are right, say so: `psa-host plugin approve {name} --yes \
             {sha256} --accept-difference {digest}`. If only some connections may move, keep the \
             others with `psa-host connection keep-on`."
        ))?,
        _ => out.line(format!(
            "fix: Remove what is said above and approve it again, or remove the file with \
             `psa-host plugin remove {name} --file {sha256:.12}`."
        ))?,
    }
    Ok(())
}

fn looked_at(tried: &ConnectionTrial) -> String {
    let beside = match tried.compared_with.as_ref() {
        "ledger" => "; compared with what is known, because the file in use does not run",
        _ => "",
    };
    format!(
        " ({} contracts, {} lines, {} planned, {} requests{beside})",
        tried.contracts, tried.lines, tried.pairs, tried.requests
    )
}

fn differences(differences: &[TrialDifference], out: Output) -> Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([
        Column::Left("ACCOUNT"),
        Column::Left("WHAT"),
        Column::Left("DIFFERS IN"),
        Column::Left("BEFORE"),
        Column::Left("AFTER"),
    ]);
    for difference in differences {
        table.row([
            or_dash(difference.account.as_ref()),
            difference.subject.clone(),
            difference.part.clone(),
            or_dash(difference.before.as_ref()),
            or_dash(difference.after.as_ref()),
        ]);
    }
    Ok(out.table(table, "")?)
}
