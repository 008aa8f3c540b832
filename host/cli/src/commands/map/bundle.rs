//! `psa-host map bundle`

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::{ConnectionName, ModuleId};
use psa_host_sync::Access;
use psa_host_wire as wire;

use super::super::{Status, id};
use crate::args::MapBundle;
use crate::output::{Column, Output, Table};

pub fn bundle(args: &MapBundle, host: &Access, out: Output) -> Result<Status> {
    let connection: ConnectionName = id("connection name", &args.connection)?;
    let Some(bundle) = &args.bundle else {
        return list(&connection, None, host, out);
    };
    let bundle: ModuleId = id("module id", bundle)?;
    if args.remove {
        host.forget_bundle(&connection, &bundle)?;
        if out.is_json() {
            out.json(&wire::BundleForgotten {
                connection: Cow::Borrowed(&connection),
                removed: Cow::Borrowed(&bundle),
            })?;
        } else {
            out.line(format!("it is not declared any more what {bundle} holds"))?;
        }
        return Ok(Status::Done);
    }
    if args.of.is_empty() {
        return list(&connection, Some(&bundle), host, out);
    }
    let parts = args.of.iter().map(|part| id("module id", part.trim()));
    let parts = parts.collect::<Result<Vec<ModuleId>>>()?;
    let notes = host.declare_bundle(&connection, &bundle, &parts)?;
    if out.is_json() {
        out.json(&wire::BundleSet {
            connection: Cow::Borrowed(&connection),
            bundle: Cow::Borrowed(&bundle),
            parts: Cow::Borrowed(&parts),
            notes: Cow::Borrowed(&notes),
        })?;
    } else {
        out.notes(&notes);
        out.line(format!("bundle {bundle} holds {}", listed(&parts)))?;
    }
    Ok(Status::Done)
}

fn list(
    connection: &ConnectionName,
    only: Option<&ModuleId>,
    host: &Access,
    out: Output,
) -> Result<Status> {
    let mut bundles = host.bundles(connection)?;
    bundles.retain(|one| only.is_none_or(|only| *only == one.bundle));
    if out.is_json() {
        let names = host.names(Some(connection))?;
        let bundles = wire::Named::all(&bundles, connection, &names);
        out.json(&wire::Bundles {
            connection: Cow::Borrowed(connection),
            bundles,
        })?;
        return Ok(Status::Done);
    }
    let mut table = Table::new([Column::Left("BUNDLE"), Column::Words("HOLDS")]);
    for one in bundles {
        table.row([one.bundle.to_string(), listed(&one.parts)]);
    }
    out.table(table, "It is not declared what any bundle holds.")?;
    Ok(Status::Done)
}

fn listed(parts: &[ModuleId]) -> String {
    let ids: Vec<&str> = parts.iter().map(ModuleId::as_str).collect();
    ids.join(", ")
}
