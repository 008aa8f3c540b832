//! Plans read a window of each line's units. Lines whose decision needs more are read
//! whole before they are decided, so that nothing is concluded from what was not read.

use std::collections::HashMap;

use jiff::civil::Date;
use psa_host_billing::plan::{Context, Decision, PlanLine};
use psa_host_billing::{Hold, HoldCode, LineId, LineKey, Timeline, Workspace, WorkspaceId};
use psa_host_sandbox::CallError;

use crate::AccountContracts;
use crate::reading::Reader;

/// Decide on a chunk's accounts, in its order. Where a decision needs units after the
/// window, they are read into the chunk, and the account is decided anew.
///
/// # Errors
/// See [`Reader::check`].
pub(crate) async fn decide(
    reader: &Reader,
    context: &Context<'_>,
    workspaces: &HashMap<WorkspaceId, Workspace>,
    chunk: &mut [AccountContracts],
    start: Date,
) -> Result<Vec<Vec<PlanLine>>, CallError> {
    let mut decided: Vec<Vec<PlanLine>> = chunk
        .iter()
        .map(|read| decide_account(context, workspaces, read))
        .collect();
    let keys: Vec<LineKey> = decided
        .iter()
        .flatten()
        .filter(|line| needs_whole(line))
        .filter_map(|line| line.line.clone())
        .collect();
    if keys.is_empty() {
        return Ok(decided);
    }
    let read = reader.lines(&keys, start).await?.lines;
    let mut whole: HashMap<LineId, Result<Timeline, String>> = read
        .into_iter()
        .map(|line| (line.key.line, line.timeline))
        .collect();
    for (account, lines) in chunk.iter_mut().zip(&mut decided) {
        let Ok(contracts) = &mut account.contracts else {
            continue;
        };
        let needed = lines.iter().filter(|line| needs_whole(line));
        let needed: Vec<LineId> = needed
            .filter_map(|line| Some(line.line.as_ref()?.line.clone()))
            .collect();
        if needed.is_empty() {
            continue;
        }
        let on_contracts = contracts
            .iter_mut()
            .flat_map(|contract| &mut contract.lines);
        for line in on_contracts.filter(|line| needed.contains(&line.key.line)) {
            let gone = || Err("the line was there, and is gone on a second look".to_owned());
            line.timeline = whole.remove(&line.key.line).unwrap_or_else(gone);
        }
        *lines = decide_account(context, workspaces, account);
    }
    Ok(decided)
}

/// Also where the window alone made no sense: there may be units after it.
fn needs_whole(line: &PlanLine) -> bool {
    line.needs_whole()
        || matches!(&line.decision, Decision::Hold(hold) if hold.code == HoldCode::UnitsUnreadable)
}

fn decide_account(
    context: &Context<'_>,
    workspaces: &HashMap<WorkspaceId, Workspace>,
    read: &AccountContracts,
) -> Vec<PlanLine> {
    let AccountContracts {
        account, contracts, ..
    } = read;
    let workspace = context
        .mapping
        .workspace(account)
        .and_then(|id| workspaces.get(id));
    let Some(workspace) = workspace else {
        return Vec::new();
    };
    match contracts {
        Ok(contracts) => context.plan_workspace(workspace, account, contracts),
        Err(error) => {
            let mut hold = Hold::new(HoldCode::AccountUnreadable, error.in_full());
            hold.fix = error.advice(&hold.fix);
            context.hold_workspace(workspace, account, &hold)
        }
    }
}
