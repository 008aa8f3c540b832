//! What to do about many findings, and where: each kind once, the most frequent first.

use std::collections::BTreeMap;

use anyhow::Result;
use psa_host_wire::Action;

use crate::output::Output;

/// So many commands and records of a kind are shown; JSON has those of each.
const MOST: usize = 3;

/// Fixes by code.
#[derive(Debug, Default)]
pub struct Fixes(BTreeMap<String, Kind>);

#[derive(Debug, Default)]
struct Kind {
    times: usize,
    fix: String,
    /// What to type, then where to look.
    commands: Vec<String>,
    links: Vec<String>,
}

impl Fixes {
    /// One more of this code; its first fix stands for all.
    pub fn see(&mut self, code: &str, fix: &str, action: Option<Action>, link: Option<&str>) {
        let kind = self.0.entry(code.to_owned()).or_default();
        kind.times += 1;
        if kind.times == 1 {
            fix.clone_into(&mut kind.fix);
        }
        let command = action.map(|action| action.command());
        for (list, new) in [
            (&mut kind.commands, command),
            (&mut kind.links, link.map(str::to_owned)),
        ] {
            if let Some(new) = new
                && !list.contains(&new)
            {
                list.push(new);
            }
        }
    }

    pub fn print(self, out: Output) -> Result<()> {
        let mut all: Vec<(String, Kind)> = self.0.into_iter().collect();
        all.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.times));
        if !all.is_empty() {
            out.line("")?;
            out.line("What to do")?;
        }
        for (code, kind) in all {
            out.line(format!("  {code} ({}): {}", kind.times, kind.fix))?;
            // A fix that has the command in its own words says it well enough.
            let commands = kind.commands.iter().filter(|one| !kind.fix.contains(*one));
            some(commands.map(|one| format!("`{one}`")).collect(), out)?;
            some(kind.links, out)?;
        }
        Ok(())
    }
}

fn some(list: Vec<String>, out: Output) -> Result<()> {
    for one in list.iter().take(MOST) {
        out.line(format!("    {one}"))?;
    }
    let more = list.len().saturating_sub(MOST);
    if more > 0 {
        out.line(format!("    and {more} more: see --format json"))?;
    }
    Ok(())
}
