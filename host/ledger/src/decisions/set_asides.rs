//! What people set aside, with the reason and the last day. An entry that has ended
//! stays until it is taken away.

use jiff::civil::Date;
use psa_host_billing::{ConnectionName, ModuleId, SetAside, SetAsideKind, WorkspaceId};
use serde_json::json;

use crate::connections::must_exist;
use crate::db::{Row, Sql, UnknownWord, date_opt, instant, params, parsed, parsed_opt};
use crate::history::chain::About;
use crate::{Ledger, LedgerError, Result};

/// An entry to make. Who and when are the ledger's to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSetAside {
    /// Whose use.
    pub workspace: WorkspaceId,
    /// Of what; none: of everything.
    pub module: Option<ModuleId>,
    /// Excluded or held.
    pub kind: SetAsideKind,
    /// The reason.
    pub why: String,
    /// The last day on which it counts; none: no end.
    pub until: Option<Date>,
}

impl Ledger {
    /// Set aside, all or none. An entry for the same workspace and module is replaced.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for the connection.
    pub fn set_aside(&self, connection: &ConnectionName, entries: &[NewSetAside]) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, connection)?;
            let mut put = change.prepare(
                "INSERT INTO set_asides (connection, workspace, module, kind, why, who, since,
                     until)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT DO UPDATE SET kind = excluded.kind, why = excluded.why,
                     who = excluded.who, since = excluded.since, until = excluded.until",
            )?;
            for entry in entries {
                put.execute(params![
                    id,
                    entry.workspace.as_str(),
                    entry.module.as_ref().map(ModuleId::as_str),
                    entry.kind.as_str(),
                    entry.why,
                    journal.who(),
                    journal.at().as_microsecond(),
                    entry.until.map(|until| until.to_string()),
                ])?;
                let detail = json!({
                    "workspace": entry.workspace, "module": entry.module,
                    "kind": entry.kind.as_str(), "why": entry.why, "until": entry.until,
                });
                let subject = connection.as_str();
                journal.write(
                    change,
                    About::Connection(id),
                    "mapping.set-aside",
                    subject,
                    &detail,
                )?;
            }
            Ok(())
        })
    }

    /// Take entries away, all or none: those for a workspace as a whole and those for
    /// its modules each by their own key.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] for the connection, or for an entry that is not there.
    pub fn restore(
        &self,
        connection: &ConnectionName,
        entries: &[(WorkspaceId, Option<ModuleId>)],
    ) -> Result<()> {
        self.write(|change, journal| {
            let id = must_exist(change, connection)?;
            for (workspace, module) in entries {
                let removed = change.execute(
                    "DELETE FROM set_asides
                     WHERE connection = ?1 AND workspace = ?2 AND module IS ?3",
                    params![
                        id,
                        workspace.as_str(),
                        module.as_ref().map(ModuleId::as_str)
                    ],
                )?;
                if removed == 0 {
                    let id = match module {
                        Some(module) => format!("{workspace} {module}"),
                        None => workspace.to_string(),
                    };
                    return Err(LedgerError::NotFound {
                        what: "set-aside entry",
                        id,
                    }
                    .into());
                }
                let detail = json!({ "workspace": workspace, "module": module });
                let subject = connection.as_str();
                journal.write(
                    change,
                    About::Connection(id),
                    "mapping.restored",
                    subject,
                    &detail,
                )?;
            }
            Ok(())
        })
    }

    /// All entries of a connection, ended ones too, by workspace and module.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn set_asides(&self, connection: &ConnectionName) -> Result<Vec<SetAside>> {
        self.read(|view| {
            let id = must_exist(view, connection)?;
            let mut rows = view.prepare(
                "SELECT * FROM set_asides WHERE connection = ?1
                 ORDER BY workspace, module",
            )?;
            Ok(rows.query_map([id], set_aside)?.collect::<Sql<_>>()?)
        })
    }
}

fn set_aside(row: &Row<'_>) -> Sql<SetAside> {
    Ok(SetAside {
        workspace: parsed(row, "workspace")?,
        module: parsed_opt(row, "module")?,
        kind: parsed::<KindWord>(row, "kind")?.0,
        why: row.get("why")?,
        who: row.get("who")?,
        since: instant(row, "since")?,
        until: date_opt(row, "until")?,
    })
}

struct KindWord(SetAsideKind);

impl std::str::FromStr for KindWord {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [SetAsideKind::Exclude, SetAsideKind::Hold]
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .map(Self)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}
