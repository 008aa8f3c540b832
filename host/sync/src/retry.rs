//! A person's word that what a PSA refused may be sent again.

use psa_host_billing::rejection::MAX_REJECTIONS;
use psa_host_billing::{ConnectionName, LineId};

use crate::error::rule;
use crate::{Access, Power, Result};

impl Access {
    /// Let changes be sent again that the PSA refused too often: those of these lines, or of
    /// all lines of the connection. The lines are returned.
    ///
    /// # Errors
    /// No such connection; a line of which nothing was refused.
    pub fn retry_lines(
        &self,
        name: &ConnectionName,
        lines: Option<&[LineId]>,
        why: &str,
    ) -> Result<Vec<LineId>> {
        self.may_on(name, Power::Approve)?;
        let nothing = |what: String| {
            rule(
                "nothing-refused",
                format!("{what} is held because the PSA refused a change"),
                "See `psa-host run show` for lines with the code rejected-twice.",
            )
        };
        let Some(tenant) = self.connection(name)?.tenant else {
            return Err(nothing(format!("no line of connection {name}")));
        };
        let refused = self.ledger().rejections(&tenant)?;
        let own = self.ledger().lines(&tenant)?.into_iter();
        let own = own.filter(|line| line.connection.as_ref() == Some(name));
        let mut held: Vec<LineId> = own
            .map(|line| line.key.line)
            .filter(|line| {
                let refused = refused.get(line);
                refused.is_some_and(|refused| refused.times >= MAX_REJECTIONS)
            })
            .collect();
        if let Some(lines) = lines {
            if let Some(other) = lines.iter().find(|line| !held.contains(line)) {
                return Err(nothing(format!(
                    "line {other} is none of connection {name} that"
                )));
            }
            held.retain(|line| lines.contains(line));
        }
        if held.is_empty() {
            return Err(nothing(format!("no line of connection {name}")));
        }
        self.ledger().lift_rejections(&tenant, &held, why)?;
        Ok(held)
    }
}
