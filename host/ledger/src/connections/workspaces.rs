//! Coro workspaces and the tree they stand in.

use std::collections::HashSet;

use psa_host_billing::{Workspace, WorkspaceId, WorkspaceKind, WorkspaceStatus};
use serde_json::json;

use crate::db::{Optional, Row, Sql, UnknownWord, Value, not_as_written, parsed, parsed_opt};
use crate::history::chain::About;
use crate::usage::unread::{self, UnreadWorkspaces};
use crate::{Ledger, LedgerError, Result};

/// What an import changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upserted {
    /// Were not there.
    pub added: usize,
    /// Were there and differ now.
    pub changed: usize,
    /// Were there like this.
    pub unchanged: usize,
}

impl Ledger {
    /// Take a list of workspaces over, all or none. Those not listed stay.
    ///
    /// # Errors
    /// [`LedgerError::Duplicate`] for an id that is listed twice.
    pub fn upsert_workspaces(&self, workspaces: &[Workspace]) -> Result<Upserted> {
        self.upsert_some_workspaces(workspaces, None)
    }

    /// The same, of a list of which some rows could not be read: that is remembered until
    /// a list without such rows comes.
    ///
    /// # Errors
    /// As [`Ledger::upsert_workspaces`].
    pub fn upsert_some_workspaces(
        &self,
        workspaces: &[Workspace],
        unread: Option<&UnreadWorkspaces>,
    ) -> Result<Upserted> {
        let mut seen = HashSet::with_capacity(workspaces.len());
        for workspace in workspaces {
            if !seen.insert(&workspace.id) {
                return Err(LedgerError::Duplicate {
                    what: "workspace",
                    id: workspace.id.to_string(),
                });
            }
        }
        self.write(|change, journal| {
            let mut done = Upserted::default();
            let mut present = change.prepare("SELECT * FROM workspaces WHERE id = ?1")?;
            let mut news = Vec::new();
            for new in workspaces {
                match present.query_row([new.id.as_str()], workspace).optional()? {
                    Some(old) if old == *new => {
                        done.unchanged += 1;
                        continue;
                    }
                    Some(_) => done.changed += 1,
                    None => done.added += 1,
                }
                news.push(new);
            }
            change.insert_rows(
                "INSERT OR REPLACE INTO workspaces
                     (id, name, company, domain, kind, parent, status, demo, nfr)
                 VALUES :rows",
                news.iter().map(|new| Ok(columns(new))),
            )?;
            let unread_is_news = unread::keep_workspaces(change, unread)?;
            if !news.is_empty() || unread_is_news {
                let mut detail = json!({ "added": done.added, "changed": done.changed });
                if let Some(unread) = unread {
                    detail["unread"] = unread.rows.into();
                }
                journal.write(
                    change,
                    About::Installation,
                    "workspaces.imported",
                    "",
                    &detail,
                )?;
            }
            Ok(done)
        })
    }

    /// All workspaces, by id.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        self.read(|view| {
            let mut rows = view.prepare("SELECT * FROM workspaces ORDER BY id")?;
            Ok(rows.query_map([], workspace)?.collect::<Sql<_>>()?)
        })
    }

    /// One workspace, if it is known.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>> {
        self.read(|view| {
            Ok(view
                .prepare("SELECT * FROM workspaces WHERE id = ?1")?
                .query_row([id.as_str()], workspace)
                .optional()?)
        })
    }

    /// All workspaces below a channel, at any depth and by id, without the channel
    /// itself. A tree that runs in a circle ends where it began.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn workspaces_below(&self, channel: &WorkspaceId) -> Result<Vec<Workspace>> {
        self.read(|view| {
            // UNION, not UNION ALL: a workspace already found is not followed again.
            let mut rows = view.prepare(
                "WITH RECURSIVE below (id) AS (
                     SELECT id FROM workspaces WHERE parent = ?1
                     UNION
                     SELECT w.id FROM workspaces AS w JOIN below ON w.parent = below.id
                 )
                 SELECT w.* FROM workspaces AS w JOIN below USING (id)
                 WHERE w.id <> ?1 ORDER BY w.id",
            )?;
            Ok(rows
                .query_map([channel.as_str()], workspace)?
                .collect::<Sql<_>>()?)
        })
    }
}

pub(crate) fn kind_word(kind: WorkspaceKind) -> &'static str {
    match kind {
        WorkspaceKind::Channel => "channel",
        WorkspaceKind::Child => "child",
        WorkspaceKind::Regular => "regular",
    }
}

fn columns(workspace: &Workspace) -> [Value<'_>; 9] {
    [
        workspace.id.as_str().into(),
        (&workspace.name).into(),
        workspace.company.as_ref().into(),
        workspace.domain.as_ref().into(),
        kind_word(workspace.kind).into(),
        workspace.parent.as_ref().map(WorkspaceId::as_str).into(),
        workspace.status.as_str().into(),
        workspace.demo.into(),
        workspace.nfr.into(),
    ]
}

fn workspace(row: &Row<'_>) -> Sql<Workspace> {
    let kind: String = row.get("kind")?;
    let kind = match kind.as_str() {
        "channel" => WorkspaceKind::Channel,
        "child" => WorkspaceKind::Child,
        "regular" => WorkspaceKind::Regular,
        _ => {
            return Err(not_as_written(0, UnknownWord(kind)));
        }
    };
    Ok(Workspace {
        id: parsed(row, "id")?,
        name: row.get("name")?,
        company: row.get("company")?,
        domain: row.get("domain")?,
        kind,
        parent: parsed_opt(row, "parent")?,
        status: WorkspaceStatus::from(row.get::<String>("status")?),
        demo: row.get("demo")?,
        nfr: row.get("nfr")?,
    })
}
