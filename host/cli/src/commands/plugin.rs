//! `psa-host plugin …`

use std::borrow::Cow;

use std::io::IsTerminal;

use anyhow::Result;
use psa_host_sandbox::{Description, FieldKind, FieldScope};
use psa_host_sync::{Access, PluginProposal, PluginView};
use psa_host_wire as wire;

use super::{Status, confirm, or_dash, plugin_trial};
use crate::args::PluginCommand;
use crate::output::{Column, Output, Table, Tone, WrongUse, plain};
use crate::secrets::{self, Wanted};

pub async fn run(command: PluginCommand, host: &Access, out: Output) -> Result<Status> {
    match command {
        PluginCommand::Add { file } => add(&file, host, out).await?,
        PluginCommand::List => list(&host.plugins()?, out)?,
        PluginCommand::Inspect { target } => {
            let plugin = host.inspect_plugin(&target).await?;
            if out.is_json() {
                out.json(&plugin)?;
            } else {
                inspect(&plugin, out)?;
            }
        }
        PluginCommand::Approve {
            name,
            sha256,
            hosts,
            yes,
            accept_difference,
        } => {
            let sha256 = sha256.as_deref().or(yes.as_deref());
            let proposal = host.propose_plugin(&name, sha256, &hosts)?;
            agree(&proposal, yes.as_deref(), out)?;
            return approve(&proposal, accept_difference, host, out).await;
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
        PluginCommand::Remove { name, file, yes } => remove(&name, file, yes, host, out)?,
    }
    Ok(Status::Done)
}

async fn add(file: &str, host: &Access, out: Output) -> Result<()> {
    let added = host.add_plugin(file).await?;
    if out.is_json() {
        out.json(&added)?;
        return Ok(());
    }
    let plugin = &added.plugin;
    let name = &plugin.name;
    let version = &added.description.version;
    out.line(match added.result.as_ref() {
        "same" => format!("{name} is there already: the very same file"),
        "candidate" => format!(
            "added {name} {version} as a candidate; {name} {} stays in use",
            plugin.description.version
        ),
        _ => format!("added {name} {version}"),
    })?;
    out.line(format!("sha256 {}", added.sha256))?;
    let of_file = plugin.files.iter().find(|file| file.sha256 == added.sha256);
    if of_file.is_some_and(|file| file.approval.is_none()) {
        asks_for(&added.description, out)?;
        out.line(match added.result.as_ref() {
            "candidate" => format!(
                "Nothing that runs has changed. See what differs with `psa-host plugin \
                 approve {name}`."
            ),
            _ => format!("It does nothing before `psa-host plugin approve {name}`."),
        })?;
    }
    Ok(())
}

/// The plugin, or one of its files.
fn remove(name: &str, file: Option<String>, yes: bool, host: &Access, out: Output) -> Result<()> {
    let (file, said) = match file {
        Some(sha256) => {
            confirm(&format!("remove file {sha256} of plugin {name}"), yes)?;
            let sha256 = host.remove_plugin_file(name, &sha256)?;
            let said = format!("removed file {sha256} of {name}");
            (Some(sha256), said)
        }
        None => {
            confirm(&format!("remove plugin {name}"), yes)?;
            host.remove_plugin(name)?;
            (None, format!("removed {name}"))
        }
    };
    if !out.is_json() {
        return Ok(out.line(said)?);
    }
    Ok(out.json(&wire::PluginRemoved {
        removed: Cow::Borrowed(name),
        file: file.map(Cow::Owned),
    })?)
}

/// Try the file, and move to it what may move.
async fn approve(
    proposal: &PluginProposal,
    accept: Option<String>,
    host: &Access,
    out: Output,
) -> Result<Status> {
    let name = &proposal.name;
    let mut done = host.accept_plugin(proposal, accept.as_deref()).await?;
    let asks = done.result == "differs" && !out.is_json() && std::io::stdin().is_terminal();
    if asks && let Some(digest) = done.trial.digest.clone() {
        plugin_trial::show(&done.trial, out)?;
        confirm(&format!("accept these differences of {name}"), false)?;
        done = host.accept_plugin(proposal, Some(&digest)).await?;
    }
    if out.is_json() {
        out.json(&done)?;
        return Ok(plugin_trial::status(&done));
    }
    plugin_trial::show(&done.trial, out)?;
    if done.result != "switched" {
        plugin_trial::not_switched(proposal, &done, out)?;
        return Ok(plugin_trial::status(&done));
    }
    let plugin = &done.plugin;
    out.line(match proposal.approved_before && proposal.is_switch() {
        true => format!("{name} {} is in use again", plugin.description.version),
        false => format!("approved {name} {}", plugin.description.version),
    })?;
    out.line(format!("sha256 {}", plugin.sha256))?;
    if let Some(approval) = &plugin.approval {
        out.line(format!("it may reach {}", approval.hosts.join(", ")))?;
    }
    for connection in &done.moved {
        out.line(format!("connection {connection} moved to it"))?;
    }
    for connection in &done.stayed {
        out.line(format!(
            "connection {connection} stays on {:.12}: when the reason is gone, let it move with \
             `psa-host connection keep-on {connection} in-use`",
            proposal.in_use
        ))?;
    }
    tell_missing(plugin, out)?;
    Ok(plugin_trial::status(&done))
}

/// Show what differs, and get a yes to it where one is needed.
fn agree(proposal: &PluginProposal, yes: Option<&str>, out: Output) -> Result<()> {
    if !proposal.needs_yes() {
        return Ok(());
    }
    if let Some(yes) = yes {
        if yes.eq_ignore_ascii_case(&proposal.sha256) {
            return Ok(());
        }
        let message = format!("--yes names {yes}, and the file is {}", proposal.sha256);
        let fix = "Give the whole SHA-256 of the file that you looked at.";
        return Err(WrongUse::new(message, fix).into());
    }
    // For whoever is asked: on a terminal beside the question, else beside the refusal.
    let tell = |line: String| eprintln!("{}", plain(&line));
    tell(format!(
        "{}: another file than the one in use",
        proposal.name
    ));
    tell(format!("  in use     {}", proposal.in_use));
    tell(format!("  candidate  {}", proposal.sha256));
    for difference in &proposal.differences {
        tell(format!("{} differ", difference.part));
        let before = difference.before.iter().map(|entry| format!("  - {entry}"));
        let after = difference.after.iter().map(|entry| format!("  + {entry}"));
        before.chain(after).for_each(tell);
    }
    if proposal.differences.is_empty() {
        tell("It says the same of itself; its code is another.".to_owned());
    }
    if !proposal.operator_secrets.is_empty() {
        let secrets = proposal.operator_secrets.join(", ");
        tell(format!(
            "It would be given the use of your secrets: {secrets}"
        ));
    }
    for connection in &proposal.connections {
        let secrets = or_dash(Some(connection.secrets.join(", ")).filter(|s| !s.is_empty()));
        tell(format!(
            "Connection {} would move to it, with the use of its secrets: {secrets}",
            connection.name
        ));
    }
    for kept in &proposal.kept {
        tell(format!(
            "Connection {kept} stays on the file it is kept on."
        ));
    }
    if out.is_json() || !std::io::stdin().is_terminal() {
        let message = format!(
            "approving another file of {} asks for a yes, and there is no terminal",
            proposal.name
        );
        let fix = format!("Look at what differs, and add --yes {}.", proposal.sha256);
        return Err(WrongUse::new(message, fix).into());
    }
    confirm(
        &format!("approve it, and move {} to it", proposal.name),
        false,
    )
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
        return Ok(out.json(&wire::Plugins {
            plugins: Cow::Borrowed(plugins),
        })?);
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
            Some(_) if plugin.needs_new_file => ("needs a new file".to_owned(), Tone::Bad),
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
        for file in plugin.files.iter().filter(|file| !file.in_use) {
            let state = match (&file.approval, file.needs_new_file) {
                (_, true) => "before, of an earlier contract".to_owned(),
                (Some(approval), _) => format!("by {}, not in use", approval.who),
                (None, _) => "candidate".to_owned(),
            };
            table.toned([
                (format!("  {}", plugin.name), Tone::Plain),
                (String::new(), Tone::Plain),
                (or_dash(file.version.as_ref()), Tone::Plain),
                (state, Tone::Attention),
                (String::new(), Tone::Plain),
                (file.sha256.chars().take(12).collect(), Tone::Plain),
            ]);
        }
    }
    Ok(out.table(
        table,
        "No plugins. Add one with `psa-host plugin add FILE`.",
    )?)
}

fn asks_for(description: &Description, out: Output) -> Result<()> {
    let hosts: Vec<String> = description.hosts.iter().map(ToString::to_string).collect();
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
    if let Some(trial) = &plugin.last_trial {
        plugin_trial::show_record(trial, out)?;
    }
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
