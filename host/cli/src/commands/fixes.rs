//! What to do about many findings, and where: each kind once, the most frequent first.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::output::Output;

/// So many records of a kind are pointed to; JSON has the link of each.
const MOST_LINKS: usize = 3;

/// Fixes by code.
#[derive(Debug, Default)]
pub struct Fixes(BTreeMap<String, Kind>);

#[derive(Debug, Default)]
struct Kind {
    times: usize,
    fix: String,
    links: Vec<String>,
}

impl Fixes {
    /// One more of this code; its first fix stands for all.
    pub fn see(&mut self, code: &str, fix: &str, link: Option<&str>) {
        let kind = self.0.entry(code.to_owned()).or_default();
        kind.times += 1;
        if kind.times == 1 {
            fix.clone_into(&mut kind.fix);
        }
        if let Some(link) = link
            && !kind.links.iter().any(|known| known == link)
        {
            kind.links.push(link.to_owned());
        }
    }

    pub fn print(self, out: Output) -> Result<()> {
        let mut all: Vec<(String, Kind)> = self.0.into_iter().collect();
        all.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.times));
        if !all.is_empty() {
            out.line("")?;
            out.line("What to do")?;
        }
        for (code, Kind { times, fix, links }) in all {
            out.line(format!("  {code} ({times}): {fix}"))?;
            for link in links.iter().take(MOST_LINKS) {
                out.line(format!("    {link}"))?;
            }
            let more = links.len().saturating_sub(MOST_LINKS);
            if more > 0 {
                out.line(format!("    and {more} more: see --format json"))?;
            }
        }
        Ok(())
    }
}
