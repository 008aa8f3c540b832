//! `psa-host plugin …`

use anyhow::Result;
use psa_host_sandbox::{Description, FieldKind, FieldScope};
use psa_host_sync::{Host, PluginView};
use serde_json::json;

use super::{Status, confirm, or_dash};
use crate::args::PluginCommand;
use crate::output::{Column, Output, Table, Tone, WrongUse};
use crate::secrets::{self, Wanted};

pub async fn run(command: PluginCommand, host: &Host, out: Output) -> Result<Status> {
    match command {
        PluginCommand::Add { file } => {
            let added = host.add_plugin(&file).await?;
            if out.is_json() {
                out.json(&added)?;
                return Ok(Status::Done);
            }
            let plugin = &added.plugin;
            let name = &plugin.name;
            out.line(match added.result {
                "same" => format!("{name} is there already: the very same file"),
                "replaced" => format!("{name} now is another file; its approval is void"),
                _ => format!("added {name} {}", plugin.description.version),
            })?;
            out.line(format!("sha256 {}", plugin.sha256))?;
            if plugin.approval.is_none() {
                asks_for(plugin, out)?;
                out.line(format!(
                    "It does nothing before `psa-host plugin approve {name}`."
                ))?;
            }
        }
        PluginCommand::List => list(&host.plugins()?, out)?,
        PluginCommand::Inspect { target } => {
            let plugin = host.inspect_plugin(&target).await?;
            if out.is_json() {
                out.json(&plugin)?;
            } else {
                inspect(&plugin, out)?;
            }
        }
        PluginCommand::Approve { name } => {
            let plugin = host.approve_plugin(&name)?;
            if out.is_json() {
                out.json(&plugin)?;
                return Ok(Status::Done);
            }
            out.line(format!("approved {name} {}", plugin.description.version))?;
            out.line(format!("sha256 {}", plugin.sha256))?;
            if let Some(approval) = &plugin.approval {
                out.line(format!("it may reach {}", approval.hosts.join(", ")))?;
            }
            tell_missing(&plugin, out)?;
        }
        PluginCommand::Set { name, values } => {
            let wanted: Vec<Wanted> = match values.settings.is_empty() && values.secrets.is_empty()
            {
                false => Vec::new(),
                true => host
                    .missing_plugin_secrets(&name)?
                    .into_iter()
                    .map(|field| Wanted {
                        key: field.key,
                        label: field.label,
                    })
                    .collect(),
            };
            let values = secrets::values(&values, &wanted)?;
            if values.is_empty() {
                let fix = "Give --set KEY=VALUE or --secret KEY=@FILE.";
                return Err(WrongUse::new("nothing is given to set", fix).into());
            }
            let plugin = host.set_plugin(&name, &values)?;
            if out.is_json() {
                out.json(&plugin)?;
                return Ok(Status::Done);
            }
            out.line(format!("set {name}"))?;
            tell_missing(&plugin, out)?;
        }
        PluginCommand::Remove { name, yes } => {
            confirm(&format!("remove plugin {name}"), yes)?;
            host.remove_plugin(&name)?;
            if out.is_json() {
                out.json(&json!({ "removed": name }))?;
            } else {
                out.line(format!("removed {name}"))?;
            }
        }
    }
    Ok(Status::Done)
}

fn tell_missing(plugin: &PluginView, out: Output) -> Result<()> {
    if !plugin.missing.is_empty() {
        let missing = plugin.missing.join(", ");
        let name = &plugin.name;
        out.line(format!(
            "still to be set with `psa-host plugin set {name}`: {missing}"
        ))?;
    }
    Ok(())
}

fn list(plugins: &[PluginView], out: Output) -> Result<()> {
    if out.is_json() {
        return Ok(out.json(&json!({ "plugins": plugins }))?);
    }
    let mut table = Table::new([
        Column::Left("NAME"),
        Column::Left("LABEL"),
        Column::Left("VERSION"),
        Column::Left("APPROVED"),
        Column::Left("TO BE SET"),
        Column::Left("SHA256"),
    ]);
    for plugin in plugins {
        let approved = match &plugin.approval {
            Some(approval) => (format!("by {}", approval.who), Tone::Good),
            None => ("no".to_owned(), Tone::Attention),
        };
        let description = &plugin.description;
        table.toned([
            (plugin.name.clone(), Tone::Plain),
            (description.label.clone(), Tone::Plain),
            (description.version.clone(), Tone::Plain),
            approved,
            (
                or_dash(Some(plugin.missing.join(", ")).filter(|m| !m.is_empty())),
                Tone::Attention,
            ),
            (plugin.sha256.chars().take(12).collect(), Tone::Plain),
        ]);
    }
    Ok(out.table(
        table,
        "No plugins. Add one with `psa-host plugin add FILE`.",
    )?)
}

fn asks_for(plugin: &PluginView, out: Output) -> Result<()> {
    let hosts: Vec<String> = plugin
        .description
        .hosts
        .iter()
        .map(ToString::to_string)
        .collect();
    out.line(format!("it asks to reach {}", hosts.join(", ")))?;
    Ok(())
}

fn inspect(plugin: &PluginView, out: Output) -> Result<()> {
    let Description {
        label,
        version,
        fields,
        authentication,
        hosts,
        routes,
        limits,
        quantity,
        terms,
        ..
    } = &plugin.description;
    out.line(format!("{} {version} ({label})", plugin.name))?;
    out.line(format!("  sha256      {}", plugin.sha256))?;
    if let Some(size) = plugin.size {
        out.line(format!("  size        {size} bytes"))?;
    }
    out.line(match (&plugin.added, &plugin.approval) {
        (None, _) => "  state       not added".to_owned(),
        (Some(added), None) => format!("  state       added by {}, not approved", added.who),
        (Some(_), Some(approval)) => {
            format!(
                "  state       approved by {} at {}",
                approval.who, approval.when
            )
        }
    })?;
    out.line(format!(
        "  words       {}, {}, {}, {}",
        terms.account, terms.service, terms.contract, terms.line
    ))?;
    out.line("Hosts it wants to reach")?;
    for host in hosts {
        let granted = plugin
            .approval
            .as_ref()
            .is_some_and(|approval| approval.hosts.contains(&host.to_string()));
        out.line(format!(
            "  {host}{}",
            if granted { "  (granted)" } else { "" }
        ))?;
    }
    out.line("Fields")?;
    for field in fields {
        let kind = match field.kind {
            FieldKind::Text => "text",
            FieldKind::Url => "https address",
            FieldKind::Secret => "secret, never given to the plugin",
        };
        let whose = match field.scope {
            FieldScope::Plugin => "once, of the operator",
            FieldScope::Connection => "per connection",
        };
        let required = if field.required {
            "required"
        } else {
            "optional"
        };
        let set =
            match plugin.settings.contains_key(&field.key) || plugin.secrets.contains(&field.key) {
                true => ", set",
                false => "",
            };
        out.line(format!(
            "  {}: {} ({kind}; {whose}; {required}{set})",
            field.key, field.label
        ))?;
        if !field.help.is_empty() {
            out.line(format!("      {}", field.help))?;
        }
    }
    out.line("Authentication that the host adds")?;
    pretty(authentication, out)?;
    out.line("Requests it makes")?;
    for route in routes {
        out.line(format!("  {}", compact(route)))?;
    }
    out.line("Limits it declares")?;
    pretty(limits, out)?;
    out.line("How its PSA counts")?;
    pretty(quantity, out)?;
    if let Some(imports) = &plugin.imports {
        out.line("Interfaces it imports")?;
        for import in imports {
            out.line(format!("  {import}"))?;
        }
    }
    Ok(())
}

/// A part of the description, field by field.
fn pretty(part: &impl serde::Serialize, out: Output) -> Result<()> {
    if let serde_json::Value::Object(fields) = serde_json::to_value(part)? {
        for (key, value) in fields {
            out.line(format!("  {}: {}", key.replace('_', "-"), compact(&value)))?;
        }
    }
    Ok(())
}

fn compact(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Object(fields))
            if fields
                .values()
                .all(|value| !value.is_object() && !value.is_array()) =>
        {
            let parts: Vec<String> = fields.values().map(compact).collect();
            parts.join("  ")
        }
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    }
}
