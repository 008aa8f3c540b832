//! What to do about many findings: each kind once, the most frequent first.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::output::Output;

/// Fixes by code.
#[derive(Debug, Default)]
pub struct Fixes(BTreeMap<String, (usize, String)>);

impl Fixes {
    /// One more of this code; its first fix stands for all.
    pub fn see(&mut self, code: &str, fix: &str) {
        let entry = self
            .0
            .entry(code.to_owned())
            .or_insert_with(|| (0, fix.to_owned()));
        entry.0 += 1;
    }

    pub fn print(self, out: Output) -> Result<()> {
        let mut all: Vec<(String, (usize, String))> = self.0.into_iter().collect();
        all.sort_by_key(|(_, (times, _))| std::cmp::Reverse(*times));
        if !all.is_empty() {
            out.line("")?;
            out.line("What to do")?;
        }
        for (code, (times, fix)) in all {
            out.line(format!("  {code} ({times}): {fix}"))?;
        }
        Ok(())
    }
}
