//! `psa-host connection rebind`

use std::borrow::Cow;

use std::io::IsTerminal;

use anyhow::Result;
use psa_host_billing::ConnectionName;
use psa_host_sync::{Access, RebindProposal, unwatched};
use psa_host_wire as wire;

use super::{Status, confirm, connection};
use crate::output::{Output, WrongUse, plain};

/// Ids that are named of what is missing: the others are like them.
const NAMED: usize = 5;

pub async fn run(
    name: &ConnectionName,
    yes: Option<&str>,
    host: &Access,
    out: Output,
) -> Result<Status> {
    let proposal = host.propose_rebind(name, &unwatched).await?;
    match yes {
        Some(yes) if yes == proposal.to.as_str() => {}
        Some(yes) => {
            let message = format!("--yes names {yes}, and the tenant is at {}", proposal.to);
            let fix = format!(
                "Look at what is shown without --yes, and give --yes {}.",
                proposal.to
            );
            return Err(WrongUse::new(message, fix).into());
        }
        None if out.is_json() => {
            out.json(&proposal)?;
            return Ok(Status::NeedsPerson);
        }
        None if !std::io::stdin().is_terminal() => {
            for line in words(&proposal) {
                out.line(line)?;
            }
            out.line(format!(
                "nothing was changed. Where it is the same PSA: `psa-host connection rebind {name} \
                 --yes {}`",
                proposal.to
            ))?;
            return Ok(Status::NeedsPerson);
        }
        None => {
            for line in words(&proposal) {
                eprintln!("{}", plain(&line));
            }
            confirm(&format!("move everything to {}", proposal.to), false)?;
        }
    }
    let rebound = host.accept_rebind(&proposal).await?;
    if out.is_json() {
        out.json(&wire::Rebound {
            proposal: Cow::Borrowed(&proposal),
            rebound: Cow::Borrowed(&rebound),
        })?;
        return Ok(Status::Done);
    }
    if yes.is_some() {
        for line in words(&proposal) {
            out.line(line)?;
        }
    }
    for moved in &rebound.connections {
        out.line(format!(
            "connection {moved} belongs to tenant {}",
            rebound.tenant
        ))?;
    }
    for merged in &rebound.merged {
        out.line(format!(
            "connection {merged} was there already; what it found right counts on"
        ))?;
    }
    if rebound.same_mappings > 0 {
        out.line(format!(
            "{} of its mappings were the same as those that moved, and are gone",
            rebound.same_mappings
        ))?;
    }
    if rebound.open_adjustments > 0 {
        out.line(format!(
            "{} adjustments that are not settled are read there by the next sync, before anything \
             is sent",
            rebound.open_adjustments
        ))?;
    }
    connection::report(&host.check_connection(name).await?, out)
}

/// What a person decides by.
fn words(proposal: &RebindProposal) -> Vec<String> {
    let proof = &proposal.proof;
    let names: Vec<&str> = proposal
        .connections
        .iter()
        .map(ConnectionName::as_str)
        .collect();
    let mut said = vec![
        format!(
            "tenant {} (connections {}) is at {} now: {}",
            proposal.from,
            names.join(", "),
            proposal.to,
            proposal.label
        ),
        format!(
            "{} of {} mapped companies and {} of {} known lines are there",
            proof.accounts_same + proof.accounts_unnamed,
            proof.accounts,
            proof.lines_same,
            proof.lines_looked_for
        ),
    ];
    if proof.lines_looked_for < proof.lines {
        said.push(format!(
            "  so many lines were looked for, of {} that are known",
            proof.lines
        ));
    }
    if proof.accounts_unnamed > 0 {
        said.push(format!(
            "  of {} companies there it is not known what they were called",
            proof.accounts_unnamed
        ));
    }
    for renamed in proof.accounts_renamed.iter().take(NAMED) {
        said.push(format!(
            "  company {} was {:?} and is {:?} there",
            renamed.id, renamed.known_as, renamed.there
        ));
    }
    for missing in proof.accounts_missing.iter().take(NAMED) {
        let name = missing.name.as_deref().unwrap_or("name not known");
        said.push(format!("  company {} ({name}) is not there", missing.id));
    }
    for missing in proof.lines_missing.iter().take(NAMED) {
        said.push(format!(
            "  line {} of contract {} is not there",
            missing.line, missing.contract
        ));
    }
    let further = [
        proof.accounts_renamed.len(),
        proof.accounts_missing.len(),
        proof.lines_missing.len(),
    ];
    let further: usize = further.iter().map(|many| many.saturating_sub(NAMED)).sum();
    if further > 0 {
        said.push(format!("  and {further} more"));
    }
    if !proof.is_whole() {
        said.push(
            "What is missing was deleted or renamed since it was last looked at, or this is not \
             the same PSA. Lines that are not there are held after the move, and nothing is sent \
             for them."
                .to_owned(),
        );
    }
    if proof.is_weak() {
        said.push("LESS THAN HALF is there: this is probably another PSA.".to_owned());
    }
    if proposal.open_adjustments > 0 {
        said.push(format!(
            "{} adjustments are not settled: they go along, and are read there before anything is \
             sent",
            proposal.open_adjustments
        ));
    }
    for merged in &proposal.merged {
        said.push(format!(
            "connection {merged} is there already; it has only found lines right and shares the \
             tenant from then on"
        ));
    }
    said
}
