//! One thing that a validation found.

use psa_host_billing::brake::Brake;
use psa_host_billing::plan::PlanLine;
use psa_host_billing::{
    AccountId, AnyCode, ConnectionName, ContractId, Hold, HoldCode, LineId, ModuleId, ServiceId,
    WorkspaceId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::orphans::Orphan;

/// One thing that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Finding {
    /// Stable reason code.
    pub code: String,
    /// Whether it keeps something from being posted.
    pub holds: bool,
    /// Whose use.
    pub workspace: Option<WorkspaceId>,
    /// Of what.
    pub module: Option<ModuleId>,
    /// The account concerned.
    pub account: Option<AccountId>,
    /// The service concerned.
    pub service: Option<ServiceId>,
    /// The contract concerned.
    pub contract: Option<ContractId>,
    /// The line concerned, where it is one.
    pub line: Option<LineId>,
    /// The lines concerned.
    pub lines: Vec<LineId>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// https address of the record concerned.
    pub link: Option<String>,
}

impl Finding {
    pub(super) fn new(
        code: impl Into<AnyCode>,
        holds: bool,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into().as_str().to_owned(),
            holds,
            message: message.into(),
            fix: fix.into(),
            ..Self::default()
        }
    }

    pub(super) fn of(brake: &Brake, connection: &ConnectionName) -> Self {
        Self::new(
            brake.kind(),
            true,
            brake.message(),
            brake.fix(connection.as_str()),
        )
    }

    /// An orphan keeps nothing from being posted, because nothing is posted to it any more;
    /// a workspace that has left the channel is still mapped, and keeps its pairs.
    pub(super) fn orphan(orphan: Orphan) -> Self {
        let Orphan { posted, hold, .. } = orphan;
        let holds = hold.code != HoldCode::Orphan;
        Self {
            workspace: Some(posted.workspace),
            module: Some(posted.module),
            account: posted.account,
            service: Some(posted.key.service),
            contract: Some(posted.key.contract),
            lines: vec![posted.key.line.clone()],
            line: Some(posted.key.line),
            link: hold.link,
            ..Self::new(hold.code, holds, hold.message, hold.fix)
        }
    }

    pub(super) fn held(line: &PlanLine, hold: &Hold) -> Self {
        let contract = line.line.as_ref().map(|key| &key.contract);
        let lines: Vec<LineId> = match &line.line {
            Some(key) => vec![key.line.clone()],
            None => hold.lines.clone(),
        };
        let only = match lines.as_slice() {
            [line] => Some(line.clone()),
            _ => None,
        };
        Self {
            workspace: Some(line.pair.workspace.clone()),
            module: Some(line.pair.module.clone()),
            account: Some(line.pair.account.clone()),
            service: Some(line.pair.service.clone()),
            contract: contract.or(hold.contract.as_ref()).cloned(),
            line: only,
            lines,
            link: hold.link.clone(),
            ..Self::new(hold.code, true, hold.message.clone(), hold.fix.clone())
        }
    }
}
