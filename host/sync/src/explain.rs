//! Where a number comes from: one pair, planned as a run would, with every step said;
//! and what happened to it before. Posts nothing.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::brake::Brake;
use psa_host_billing::plan::{Context, PlanLine, Step, first_day_to_read};
use psa_host_billing::{
    AccountId, ConnectionName, ErrorCode, ModuleId, ServiceMapping, TenantKey, Units, Workspace,
    WorkspaceId,
};
use psa_host_ledger::{IntentRecord, Snapshot};
use psa_host_sandbox::Depth;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::rule;
use crate::mapping::zone_of;
use crate::plan_inputs::{Listed, PlanInputs};
use crate::progress::unwatched;
use crate::run::{LineReport, Notice};
use crate::snapshot::counts_of;
use crate::{Access, CountView, OpenConnection, Power, Purpose, Result, Window};

/// Why a pair has its number.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Explanation {
    /// Of which connection.
    pub connection: ConnectionName,
    /// The PSA instance.
    pub tenant: TenantKey,
    /// The civil date planned for, in the connection's zone.
    #[schemars(with = "psa_host_billing::form::Day")]
    pub as_of: Date,
    /// How the decision came about, in order.
    pub steps: Vec<StepView>,
    /// What a run would report; none where nothing is used and nothing is billed.
    pub line: Option<LineReport>,
    /// Who or what was counted, in the newest snapshot; none where it has no count.
    pub counted: Option<CountView>,
    /// Adjustments of the pair that were made or tried, latest first.
    pub before: Vec<Earlier>,
}

/// One thing that led to the decision.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct StepView {
    /// What it is about (`count`, `contract`, `effective-date`, …).
    pub about: Cow<'static, str>,
    /// What was found or decided.
    pub says: String,
}

/// An adjustment that was made or tried before.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Earlier {
    /// The run.
    pub run: String,
    /// When it was written down.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub at: Timestamp,
    /// Units before.
    pub from: Units,
    /// Units after.
    pub to: Units,
    /// From which day.
    #[schemars(with = "psa_host_billing::form::Day")]
    pub effective_date: Date,
    /// What became of it.
    pub state: Cow<'static, str>,
}

/// One pair, planned outside a run.
pub(crate) struct PairPlan {
    pub tenant: TenantKey,
    pub as_of: Date,
    pub line: Option<PlanLine>,
    pub steps: Vec<Step>,
}

impl From<Step> for StepView {
    fn from(step: Step) -> Self {
        Self {
            about: step.about.into(),
            says: step.says,
        }
    }
}

impl Access {
    /// Explain a pair's number.
    ///
    /// # Errors
    /// A workspace or module that is not mapped; no snapshot; a connection that is not
    /// ready; a PSA that does not answer.
    pub async fn explain(
        &self,
        name: &ConnectionName,
        workspace: &WorkspaceId,
        module: &ModuleId,
    ) -> Result<Explanation> {
        self.may_on(name, Power::Read)?;
        let planned = self.plan_pair(name, workspace, module).await?;
        let before = self
            .ledger()
            .intents_of_pair(&planned.tenant, workspace, module)?;
        let channel = &self.connection(name)?.channel;
        let counted = self.count_behind(channel, workspace, module)?;
        Ok(Explanation {
            connection: name.clone(),
            tenant: planned.tenant,
            as_of: planned.as_of,
            steps: planned.steps.into_iter().map(StepView::from).collect(),
            line: planned.line.map(LineReport::planned),
            counted,
            before: before.iter().map(Earlier::from).collect(),
        })
    }

    /// Plan one pair as a run would, and keep the steps.
    pub(crate) async fn plan_pair(
        &self,
        name: &ConnectionName,
        workspace: &WorkspaceId,
        module: &ModuleId,
    ) -> Result<PairPlan> {
        let connection = self.connection(name)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        let mapping = self.mapping_of(&open)?;
        let workspaces = self.workspaces_of(&open)?;
        let Some(known) = workspaces.get(workspace) else {
            return Err(rule(
                ErrorCode::UnknownWorkspace,
                format!("workspace {workspace} is not below the channel of connection {name}"),
                "See `psa-host workspace list`.",
            ));
        };
        let (account, service) = both_sides(name, &mapping, workspace, module)?;
        let newest = self.snapshot_to_explain(&open)?;
        let snapshot = counts_of(self.ledger(), &newest)?;
        let failed = |error| crate::mapping::call(name, error);
        let report = open.reader.check(Depth::Brief).await.map_err(failed)?;
        let tenant = self.ledger().bind_tenant(name, &report.tenant)?.tenant;
        open.session.bind_tenant(&tenant);
        let as_of = self.today(&connection)?;
        let rules = self.ledger().rules(name)?;
        let remembered = self.remembered(&open, &tenant, as_of, open.quarantine())?;
        let found = open.reader.account(&account).await.map_err(failed)?;
        let services = open.reader.services(&unwatched).await.map_err(failed)?;
        let listed = Listed::new(found, services);
        let from = first_day_to_read(&remembered.past, as_of);
        let contracts = open.reader.contracts_of(&account, Window::from(from)).await;
        let contracts = contracts.map_err(failed)?;
        let inputs = PlanInputs::new(&open, as_of, &rules, &snapshot, &remembered, &listed);
        let (line, mut steps) = {
            let read = std::iter::once((workspace, contracts.as_slice()));
            let days = self.days_to_plan(inputs.look_back(), read)?;
            let context = inputs.context(&days);
            let (line, mut steps) = context.explain(known, &account, &service, &contracts);
            steps.insert(0, mapped_step(known, &account, &service, &context));
            steps.insert(1, snapshot_step(&newest));
            (line, steps)
        };
        let zone = zone_of(&connection)?;
        let on = self.brakes_of_snapshot(&connection, &newest, &zone, &rules.brakes)?;
        steps.extend(on.iter().map(|brake| brake_step(brake, name)));
        Ok(PairPlan {
            tenant,
            as_of,
            line,
            steps,
        })
    }

    /// The snapshot a run would go by, whatever stands against it but that it may be the
    /// wrong one of two.
    fn snapshot_to_explain(&self, open: &OpenConnection) -> Result<Snapshot> {
        let channel = &open.connection.channel;
        self.snapshot_to_use(channel)?.ok_or_else(|| {
            rule(
                ErrorCode::NoSnapshot,
                format!("there is no usage snapshot of channel {channel}"),
                "Import one with `psa-host usage import`.",
            )
        })
    }
}

fn both_sides(
    name: &ConnectionName,
    mapping: &psa_host_billing::Mapping,
    workspace: &WorkspaceId,
    module: &ModuleId,
) -> Result<(AccountId, ServiceMapping)> {
    let Some(account) = mapping.account(workspace) else {
        return Err(rule(
            ErrorCode::WorkspaceUnmapped,
            format!("workspace {workspace} is not mapped to an account in connection {name}"),
            format!("Map it with `psa-host map account {name} {workspace} ACCOUNT`."),
        ));
    };
    let Some(service) = mapping.service(module) else {
        return Err(rule(
            ErrorCode::ModuleUnmapped,
            format!("module {module} is not mapped to a service in connection {name}"),
            format!("Map it with `psa-host map service {name} {module} SERVICE`."),
        ));
    };
    Ok((account.clone(), service.clone()))
}

fn mapped_step(
    workspace: &Workspace,
    account: &AccountId,
    service: &ServiceMapping,
    context: &Context<'_>,
) -> Step {
    let named = |name: Option<&String>| name.map_or("not listed".to_owned(), Clone::clone);
    let account_name = named(context.accounts.get(account).map(|a| &a.name));
    let service_name = named(context.services.get(&service.service).map(|s| &s.name));
    Step {
        about: "mapping",
        says: format!(
            "workspace {} ({}) is account {account} ({account_name}); module {} is service {} \
             ({service_name}), counted in {}",
            workspace.id, workspace.name, service.module, service.service, service.metric
        ),
    }
}

fn snapshot_step(snapshot: &Snapshot) -> Step {
    Step {
        about: "snapshot",
        says: format!(
            "{} with {} counts, taken at {}, imported at {} by {} ({})",
            snapshot.id,
            snapshot.items,
            snapshot.taken_at,
            snapshot.imported_at,
            snapshot.imported_by,
            snapshot.source
        ),
    }
}

/// A pair that is fine by itself is not posted while the snapshot is not.
fn brake_step(brake: &Brake, name: &ConnectionName) -> Step {
    let Notice {
        code, message, fix, ..
    } = Notice::of(brake, name);
    Step {
        about: "brake",
        says: format!("{code}: {message}; a run posts nothing while this is so. {fix}"),
    }
}

impl From<&IntentRecord> for Earlier {
    fn from(record: &IntentRecord) -> Self {
        Self {
            run: record.run.to_string(),
            at: record.intended_at,
            from: record.intent.baseline,
            to: record.intent.target,
            effective_date: record.intent.effective,
            state: record.state.as_str().into(),
        }
    }
}
