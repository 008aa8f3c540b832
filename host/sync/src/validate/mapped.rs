//! What the mappings themselves show: gaps on Coro's side, and partners that the PSA
//! does not have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use psa_host_billing::bundle::{mapped_bundles, sounds_like_a_bundle};
use psa_host_billing::elsewhere::Elsewhere;
use psa_host_billing::{
    Account, AccountId, ConnectionName, HoldCode, Mapping, ModuleId, ReportCode, Service,
    ServiceId, Truth, UsageItem, Workspace, WorkspaceId,
};

use super::Finding;

/// Workspaces and modules in use that nobody mapped; and a connection without any
/// mapping at all, through which nothing can ever be posted.
pub(super) fn unmapped<'a>(
    name: &ConnectionName,
    (mapping, elsewhere): (&Mapping, &Elsewhere),
    workspaces: &HashMap<WorkspaceId, Workspace>,
    counts: impl Iterator<Item = &'a UsageItem>,
    findings: &mut Vec<Finding>,
) {
    for (what, none, verb) in [
        ("workspace", mapping.accounts().len() == 0, "account"),
        ("module", mapping.services().len() == 0, "service"),
    ] {
        if none {
            let message = format!("no {what} is mapped to {} {verb}", article(verb));
            let fix =
                format!("Map them with `psa-host map {verb} {name}` or `psa-host map import`.");
            findings.push(Finding::new(ReportCode::SetupRequired, true, message, fix));
        }
    }
    let mut unmapped_workspaces = BTreeSet::new();
    let mut unmapped_modules: BTreeMap<&ModuleId, usize> = BTreeMap::new();
    for item in counts {
        let in_use = item.users.unwrap_or(0) > 0 || item.devices.unwrap_or(0) > 0;
        let paid = workspaces
            .get(&item.workspace)
            .is_some_and(Workspace::is_paid);
        if !in_use || !paid {
            continue;
        }
        if elsewhere.lacks_account(mapping, &item.workspace) {
            unmapped_workspaces.insert(&item.workspace);
        }
        if elsewhere.lacks_service(mapping, &item.workspace, &item.module) {
            *unmapped_modules.entry(&item.module).or_default() += 1;
        }
    }
    for workspace in unmapped_workspaces {
        let name_of = workspaces.get(workspace).map_or("", |w| w.name.as_str());
        let message =
            format!("workspace {workspace} ({name_of}) is in use and not mapped to an account");
        let fix = format!("Map it with `psa-host map account {name} {workspace} ACCOUNT`.");
        findings.push(Finding {
            workspace: Some(workspace.clone()),
            ..Finding::new(ReportCode::WorkspaceUnmapped, false, message, fix)
        });
    }
    for (module, times) in unmapped_modules {
        let message =
            format!("module {module} is in use in {times} workspaces and not mapped to a service");
        let fix = format!("Map it with `psa-host map service {name} {module} SERVICE`.");
        findings.push(Finding {
            module: Some(module.clone()),
            ..Finding::new(ReportCode::ModuleUnmapped, false, message, fix)
        });
    }
}

fn article(noun: &str) -> &'static str {
    match noun {
        "account" => "an",
        _ => "a",
    }
}

/// Mapped accounts and services that the PSA does not list, or calls inactive; and a
/// bundle mapped beside a service that is in it.
pub(super) fn both_sides(
    mapping: &Mapping,
    accounts: &HashMap<AccountId, Account>,
    services: &HashMap<ServiceId, Service>,
    findings: &mut Vec<Finding>,
) {
    for (workspace, id) in mapping.accounts() {
        let account = accounts.get(id);
        let (code, message) = match account {
            None => (
                HoldCode::AccountMissing,
                format!("account {id} of workspace {workspace} is not listed by the PSA"),
            ),
            Some(account) if account.active == Truth::No => (
                HoldCode::AccountInactive,
                format!(
                    "account {id} ({}) of workspace {workspace} is inactive",
                    account.name
                ),
            ),
            Some(_) => continue,
        };
        findings.push(Finding {
            workspace: Some(workspace.clone()),
            account: Some(id.clone()),
            link: account.and_then(|account| account.link.clone()),
            ..Finding::new(code, true, message, code.fix())
        });
    }
    for pair in mapping.services() {
        let service = services.get(&pair.service);
        let (id, module) = (&pair.service, &pair.module);
        let (code, message) = match service {
            None => (
                HoldCode::ServiceMissing,
                format!("service {id} of module {module} is not listed by the PSA"),
            ),
            Some(service) if service.active == Truth::No => (
                HoldCode::ServiceInactive,
                format!(
                    "service {id} ({}) of module {module} is inactive",
                    service.name
                ),
            ),
            Some(_) => continue,
        };
        findings.push(Finding {
            module: Some(module.clone()),
            service: Some(id.clone()),
            link: service.and_then(|service| service.link.clone()),
            ..Finding::new(code, true, message, code.fix())
        });
    }
    let bundles = mapped_bundles(mapping, services).into_iter();
    findings.extend(bundles.map(|(bundle, part)| both_mapped(bundle, part)));
}

/// Mapped workspaces that are not below the channel, and of which no posted line is told of
/// already.
pub(super) fn left_channel(
    mapping: &Mapping,
    workspaces: &HashMap<WorkspaceId, Workspace>,
    findings: &mut Vec<Finding>,
) {
    let code = HoldCode::WorkspaceLeftChannel;
    for (workspace, account) in mapping.accounts() {
        let told = |found: &Finding| {
            found.code == code.as_str() && found.workspace.as_ref() == Some(workspace)
        };
        if workspaces.contains_key(workspace) || findings.iter().any(told) {
            continue;
        }
        let message = format!(
            "workspace {workspace} is mapped to account {account} and is not below the channel \
             any more: no count of it is looked at"
        );
        findings.push(Finding {
            workspace: Some(workspace.clone()),
            account: Some(account.clone()),
            ..Finding::new(code, true, message, code.fix())
        });
    }
}

/// Modules that call themselves bundles, of which nobody has said what they hold: what is
/// in them may be billed beside them.
pub(super) fn undeclared_bundles<'a>(
    name: &ConnectionName,
    mapping: &'a Mapping,
    services: &HashMap<ServiceId, Service>,
    counted: impl Iterator<Item = &'a ModuleId>,
    findings: &mut Vec<Finding>,
) {
    let mapped = mapping.services().map(|pair| &pair.module);
    let modules: BTreeSet<&ModuleId> = mapped.chain(counted).collect();
    for module in modules {
        let service = mapping.service(module);
        let service = service.and_then(|pair| services.get(&pair.service));
        // What the PSA itself sells as a bundle needs no declaration.
        let known = service.is_some_and(|service| !service.parts.is_empty());
        let called = crate::modules::name(module);
        if known || mapping.is_declared_bundle(module) || !sounds_like_a_bundle(module, called) {
            continue;
        }
        let message = format!(
            "module {module} calls itself a bundle, and it is not known which modules it holds: a \
             customer could pay for it and for a module in it"
        );
        let fix = format!(
            "Declare what it holds with `psa-host map bundle {name} {module} --of MODULE,MODULE`."
        );
        findings.push(Finding {
            module: Some(module.clone()),
            ..Finding::new(ReportCode::BundleUndeclared, false, message, fix)
        });
    }
}

fn both_mapped(bundle: &ModuleId, part: &ModuleId) -> Finding {
    let message = format!(
        "module {bundle} is a bundle with module {part} in it, and both are mapped: customers who \
         have both are held, the others are billed"
    );
    let fix = "Nothing to do where each customer has one of the two.";
    Finding {
        module: Some(bundle.clone()),
        ..Finding::new(HoldCode::BundleAndPart, false, message, fix)
    }
}
