//! Looking at a whole connection before money moves: everything that would hold a
//! pair, and what a person should know besides. Reads the PSA as a run does, and
//! decides with the same rules; posts nothing.

mod expiring;
mod finding;
mod mapped;

pub use finding::Finding;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use mapped::{both_sides, left_channel, undeclared_bundles, unmapped};
use psa_host_billing::brake::{Brake, BrakeCode};
use psa_host_billing::orphan::Chosen;
use psa_host_billing::plan::{Context, Decision, first_day_to_read, last_day_to_read};
use psa_host_billing::rules::BrakeLimits;
use psa_host_billing::{
    Account, AccountId, ConnectionName, ContractId, ErrorCode, HoldCode, Mapping, ReportCode,
    Service, ServiceId, TenantKey, UsageCounts, UsageItem, UsageSnapshot, Workspace, WorkspaceId,
};
use psa_host_ledger::NameOf;
use psa_host_sandbox::Depth;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan_inputs::{Listed, PlanInputs, Remembered};
use crate::progress::{Activity, Progress, Watch};
use crate::{
    Access, AccountContracts, OpenConnection, Power, Purpose, Result, Window, whole_lines,
};

/// What was found.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Validation {
    /// Of which connection.
    pub connection: ConnectionName,
    /// The PSA instance.
    pub tenant: TenantKey,
    /// The civil date looked at, in the connection's zone.
    #[schemars(with = "psa_host_billing::form::Day")]
    pub as_of: Date,
    /// Pairs that were looked at.
    pub pairs: usize,
    /// Pairs that would be posted or are at their target already.
    pub good: usize,
    /// Requests sent to the PSA.
    pub requests: u64,
    /// What stands against posting first, then what a person should know.
    pub findings: Vec<Finding>,
}

impl Validation {
    /// Whether something would be held.
    pub fn holds(&self) -> bool {
        self.findings.iter().any(|finding| finding.holds)
    }
}

impl Access {
    /// Look at a whole connection.
    ///
    /// # Errors
    /// A connection that is not ready, a PSA that does not answer.
    pub async fn validate(&self, name: &ConnectionName, watch: Watch<'_>) -> Result<Validation> {
        self.may_on(name, Power::Read)?;
        self.validate_part(name, None, watch).await
    }

    /// Look at a whole connection, or at one workspace of it.
    ///
    /// # Errors
    /// A connection that is not ready, a PSA that does not answer; a workspace that is
    /// not mapped.
    pub async fn validate_part(
        &self,
        name: &ConnectionName,
        only: Option<&WorkspaceId>,
        watch: Watch<'_>,
    ) -> Result<Validation> {
        self.may_on(name, Power::Read)?;
        let connection = self.connection(name)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        watch(Progress {
            activity: Activity::Checking,
            done: 0,
            total: None,
        });
        let failed = |error| crate::mapping::call(name, error);
        let report = open.reader.check(Depth::Brief).await.map_err(failed)?;
        let tenant = self.ledger().bind_tenant(name, &report.tenant)?.tenant;
        open.session.bind_tenant(&tenant);
        let as_of = self.today(&connection)?;
        let mut findings = Vec::new();
        let rules = self.ledger().rules(name)?;
        let snapshot = self.counts_to_validate(&open, &rules.brakes, &mut findings)?;
        let remembered = self.remembered(&open, &tenant, as_of, open.quarantine())?;
        let Remembered {
            mapping,
            workspaces,
            set_asides,
            ..
        } = &remembered;
        let excluded = |item: &UsageItem| set_asides.excludes(&item.workspace, &item.module, as_of);
        unmapped(
            &connection.name,
            (mapping, &self.elsewhere(&connection)?),
            workspaces,
            snapshot.items().filter(|item| !excluded(item)),
            &mut findings,
        );

        let accounts = open.reader.accounts(watch).await.map_err(failed)?;
        let services = open.reader.services(watch).await.map_err(failed)?;
        let listed = Listed::new(accounts, services);
        let (accounts, services) = (&listed.accounts, &listed.services);
        both_sides(mapping, accounts, services, &mut findings);
        let counted = snapshot.items().map(|item| &item.module);
        undeclared_bundles(name, mapping, services, counted, &mut findings);
        self.renamed(name, mapping, (accounts, services), &mut findings)?;

        let inputs = PlanInputs::new(&open, as_of, &rules, &snapshot, &remembered, &listed);
        let counted = snapshot.items().next().is_some();
        let mapped = mapped_accounts(name, &remembered, &listed, only)?;
        let (mut pairs, mut good) = (0, 0);
        let mut chosen = Chosen::default();
        let start = first_day_to_read(&remembered.past, as_of);
        let horizon = Some(last_day_to_read(as_of));
        let mut chunks = open.reader.chunks(&mapped, Window { start, horizon });
        while let Some(chunk) = chunks.next(watch).await {
            let mut chunk = chunk.map_err(failed)?;
            let days = self.days_of_chunk(inputs.look_back(), &chunk)?;
            let context = inputs.context(&days);
            // What needs more than the window is read into the chunk; the decisions come with
            // their steps below.
            whole_lines::decide(&open.reader, &context, workspaces, &mut chunk, start)
                .await
                .map_err(failed)?;
            for read in chunk {
                let looked = look_at_account(&context, workspaces, read, counted, &mut chosen);
                pairs += looked.pairs;
                good += looked.good;
                findings.extend(looked.findings);
            }
        }
        let orphans = self
            .orphans(&open, &tenant, mapping, || Ok(chosen), as_of, |_| true)
            .await?;
        findings.extend(orphans.into_iter().map(Finding::orphan));
        left_channel(mapping, workspaces, &mut findings);
        if let Some(workspace) = only {
            // What concerns the whole connection concerns this one too.
            findings.retain(|found| found.workspace.as_ref().is_none_or(|w| w == workspace));
        }
        findings.sort_by_key(|finding| !finding.holds);
        Ok(Validation {
            connection: connection.name,
            tenant,
            as_of,
            pairs,
            good,
            requests: open.session.requests().total,
            findings,
        })
    }

    /// The newest snapshot, whatever stands against it; what does is a finding.
    fn counts_to_validate(
        &self,
        open: &OpenConnection,
        limits: &BrakeLimits,
        findings: &mut Vec<Finding>,
    ) -> Result<UsageCounts> {
        let channel = &open.connection.channel;
        let latest = self.ledger().latest_snapshot(channel)?;
        let mut counted = false;
        let (taken_at, items, unread) = match &latest {
            None => {
                findings.push(Finding::of(&Brake::NoSnapshot, &open.connection.name));
                (self.now(), Vec::new(), Vec::new())
            }
            Some(snapshot) => {
                let zone = crate::mapping::zone_of(&open.connection)?;
                let connection = &open.connection;
                let on = self.brakes_of_snapshot(connection, snapshot, &zone, limits)?;
                findings.extend(on.iter().map(|brake| Finding::of(brake, &connection.name)));
                // Which counts are right is not known: looking at either would mislead.
                let disputed = on.iter().any(|b| b.kind() == BrakeCode::SnapshotsDisagree);
                let (items, unread) = match disputed {
                    true => (Vec::new(), Vec::new()),
                    false => (
                        self.ledger().usage_items(snapshot.id)?,
                        self.ledger().unread_usage(snapshot.id)?,
                    ),
                };
                counted = !disputed;
                (snapshot.taken_at, items, unread)
            }
        };
        let snapshot = UsageCounts::new(UsageSnapshot {
            channel: channel.clone(),
            taken_at,
            complete: latest.is_some_and(|latest| latest.complete),
            items: items.into_iter().map(crate::usage_view::counted).collect(),
            unread,
        });
        if counted && snapshot.all_zero() {
            findings.push(Finding::of(&Brake::SnapshotAllZero, &open.connection.name));
        }
        Ok(snapshot)
    }

    /// Mapped accounts and services that are called otherwise than when they were mapped,
    /// or first seen: perhaps another customer by now.
    fn renamed(
        &self,
        name: &ConnectionName,
        mapping: &Mapping,
        (accounts, services): (&HashMap<AccountId, Account>, &HashMap<ServiceId, Service>),
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        let mapped_accounts = mapping.accounts().filter_map(|(workspace, id)| {
            let account = accounts.get(id)?;
            let again = format!("psa-host map account {name} {workspace} {id}");
            let finding = Finding {
                workspace: Some(workspace.clone()),
                account: Some(id.clone()),
                link: account.link.clone(),
                ..Finding::default()
            };
            Some((id.as_str(), account.name.as_str(), again, finding))
        });
        let mapped_services = mapping.services().filter_map(|pair| {
            let service = services.get(&pair.service)?;
            let (module, id) = (&pair.module, &pair.service);
            let again = format!("psa-host map service {name} {module} {id}");
            let finding = Finding {
                module: Some(module.clone()),
                service: Some(id.clone()),
                link: service.link.clone(),
                ..Finding::default()
            };
            Some((id.as_str(), service.name.as_str(), again, finding))
        });
        let (account, service) = (ReportCode::AccountRenamed, ReportCode::ServiceRenamed);
        let sides: [(NameOf, ReportCode, &str, Vec<_>); 2] = [
            (
                NameOf::Account,
                account,
                "account",
                mapped_accounts.collect(),
            ),
            (
                NameOf::Service,
                service,
                "service",
                mapped_services.collect(),
            ),
        ];
        for (of, code, what, mapped) in sides {
            let known = self.ledger().mapped_names(name, of)?;
            let now: Vec<(&str, &str)> = mapped.iter().map(|(id, now, ..)| (*id, *now)).collect();
            self.ledger().remember_names(name, of, &now, false)?;
            for (id, now, again, finding) in mapped {
                let Some(before) = known.get(id).filter(|before| *before != now) else {
                    continue;
                };
                findings.push(Finding {
                    code: code.as_str().to_owned(),
                    message: format!("{what} {id} was called {before:?} and is now {now:?}"),
                    fix: format!("If it is still the right one, say so with `{again}`."),
                    ..finding
                });
            }
        }
        Ok(())
    }
}

/// The accounts to look at: all that are mapped and there, or that of one workspace.
fn mapped_accounts(
    name: &ConnectionName,
    remembered: &Remembered,
    listed: &Listed,
    only: Option<&WorkspaceId>,
) -> Result<Vec<AccountId>> {
    if let Some(workspace) = only {
        return Ok(vec![account_of(name, &remembered.mapping, workspace)?]);
    }
    let there = remembered
        .mapping
        .accounts()
        .filter(|(workspace, account)| {
            remembered.workspaces.contains_key(*workspace) && listed.accounts.contains_key(*account)
        });
    Ok(there.map(|(_, account)| account.clone()).collect())
}

fn account_of(
    name: &ConnectionName,
    mapping: &Mapping,
    workspace: &WorkspaceId,
) -> Result<AccountId> {
    mapping.account(workspace).cloned().ok_or_else(|| {
        crate::error::rule(
            ErrorCode::WorkspaceUnmapped,
            format!("workspace {workspace} is not mapped to an account in connection {name}"),
            format!("Map it with `psa-host map account {name} {workspace} ACCOUNT`."),
        )
    })
}

/// What the rules say of one account's pairs.
#[derive(Debug, Default)]
struct Looked {
    pairs: usize,
    good: usize,
    findings: Vec<Finding>,
}

fn look_at_account(
    context: &Context<'_>,
    workspaces: &HashMap<WorkspaceId, Workspace>,
    read: AccountContracts,
    counted: bool,
    chosen: &mut Chosen,
) -> Looked {
    let AccountContracts {
        account, contracts, ..
    } = read;
    let workspace = context.mapping.workspace(&account);
    let Some(workspace) = workspace.and_then(|id| workspaces.get(id)) else {
        return Looked::default();
    };
    let contracts = match contracts {
        Ok(contracts) => contracts,
        Err(error) => {
            let code = HoldCode::AccountUnreadable;
            let fix = error.advice(code.fix());
            let finding = Finding {
                workspace: Some(workspace.id.clone()),
                account: Some(account),
                ..Finding::new(code, true, error.message, fix)
            };
            return Looked {
                findings: vec![finding],
                ..Looked::default()
            };
        }
    };
    let (mut good, mut findings) = (0, Vec::new());
    let lines = context.plan_workspace(workspace, &account, &contracts);
    for line in &lines {
        if let Some(key) = &line.line {
            chosen.add(&line.pair.workspace, &line.pair.module, &key.line);
        }
        let Decision::Hold(hold) = &line.decision else {
            good += 1;
            continue;
        };
        // Said once for the account or the service above.
        let said = matches!(
            hold.code,
            HoldCode::AccountMissing
                | HoldCode::AccountInactive
                | HoldCode::ServiceMissing
                | HoldCode::ServiceInactive
        );
        // Without counts every pair lacks its own.
        if said || (hold.code == HoldCode::UsageMissing && !counted) {
            continue;
        }
        findings.push(Finding::held(line, hold));
    }
    let mut used: BTreeMap<&ContractId, BTreeSet<&ServiceId>> = BTreeMap::new();
    for key in lines.iter().filter_map(|line| line.line.as_ref()) {
        used.entry(&key.contract).or_default().insert(&key.service);
    }
    let used = contracts
        .iter()
        .filter_map(|contract| Some((contract, used.get(&contract.id)?)));
    let expiring = |(contract, services)| {
        expiring::expiring(workspace, &contracts, contract, services, context.as_of)
    };
    findings.extend(used.filter_map(expiring));
    Looked {
        pairs: lines.len(),
        good,
        findings,
    }
}
