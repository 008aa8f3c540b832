//! Workspaces: `{"workspaces":[{id,name,company,domain,kind,parent,status,demo?,nfr?}]}`.

use std::collections::{BTreeMap, HashMap, HashSet};

use psa_host_billing::{Workspace, WorkspaceId, WorkspaceKind, WorkspaceStatus};
use serde::Serialize;

use crate::error::Problem;
use crate::{Access, Note, Power, Result, Scope, Source};

use super::json::{Node, Object, parse};
use super::tree::{Tree, mistake_at};
use super::whole::{Listed, not_whole};
use super::{Unknown, numbers_as_ids, refuse};

/// What an import of workspaces did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkspacesImported {
    /// Were not there before.
    pub added: usize,
    /// Were there and differ now.
    pub changed: usize,
    /// Were there like this.
    pub unchanged: usize,
    /// What a person should know.
    pub notes: Vec<Note>,
}

impl Access {
    /// Take a list of workspaces over, all or none. Those not listed stay.
    ///
    /// # Errors
    /// Anything wrong in the file, with its place: syntax, a missing or wrong field, an
    /// id twice, an unknown parent, a circle; or a channel with connections that would
    /// stop being one.
    pub fn import_workspaces(&self, source: &Source) -> Result<WorkspacesImported> {
        self.may(Power::Manage)?;
        self.sees_everything("the tree of workspaces")?;
        let mut notes = Vec::new();
        let listed = read(source, &mut notes)?;
        let known = self.ledger().workspaces()?;
        let new: Vec<&Workspace> = listed.iter().map(|(_, workspace)| workspace).collect();
        let tree = Tree::new(known.iter().chain(new.iter().copied()));
        let mut channels: HashMap<WorkspaceId, String> = HashMap::new();
        for connection in self.ledger().connections()? {
            channels.insert(connection.channel, connection.name.to_string());
        }
        let mut problems = Vec::new();
        for (place, workspace) in &listed {
            if let Some((code, what)) = mistake_at(&tree, workspace) {
                let fix = "Correct the parent, or import the workspaces above as well.";
                problems.push(place.problem(code, format!("parent {what}"), fix));
            }
            if workspace.kind != WorkspaceKind::Channel
                && let Some(connection) = channels.get(&workspace.id)
            {
                let what = format!(
                    "makes {:?} a {} workspace, but connection {connection} is in it",
                    workspace.id,
                    kind_word(workspace.kind)
                );
                let fix = "Remove the connection first, or leave the workspace a channel.";
                problems.push(place.problem("channel-in-use", what, fix));
            }
        }
        problems.extend(children_of_former_channels(&known, &listed, &tree));
        refuse(problems)?;
        for workspace in &new {
            notes.extend(remarks(&tree, workspace));
        }
        let list: Vec<Workspace> = listed.into_iter().map(|(_, workspace)| workspace).collect();
        let done = self.ledger().upsert_workspaces(&list)?;
        Ok(WorkspacesImported {
            added: done.added,
            changed: done.changed,
            unchanged: done.unchanged,
            notes,
        })
    }

    /// All workspaces, by id.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        self.may(Power::Read)?;
        let Scope::Channels(own) = self.actor().scope() else {
            return Ok(self.ledger().workspaces()?);
        };
        let mut seen = BTreeMap::new();
        for channel in own {
            let below = self.ledger().workspaces_below(channel)?;
            let all = self.ledger().workspace(channel)?.into_iter().chain(below);
            seen.extend(all.map(|workspace| (workspace.id.clone(), workspace)));
        }
        Ok(seen.into_values().collect())
    }
}

/// `channel`, `child` or `regular`.
pub(crate) fn kind_word(kind: WorkspaceKind) -> &'static str {
    match kind {
        WorkspaceKind::Channel => "channel",
        WorkspaceKind::Child => "child",
        WorkspaceKind::Regular => "regular",
    }
}

/// A workspace that stays may not be left below what is no channel any more.
fn children_of_former_channels(
    known: &[Workspace],
    listed: &[(Node<'_>, Workspace)],
    tree: &Tree<'_>,
) -> Vec<Problem> {
    let places: HashMap<&WorkspaceId, &Node<'_>> =
        listed.iter().map(|(place, w)| (&w.id, place)).collect();
    let stays = |workspace: &&Workspace| !places.contains_key(&workspace.id);
    let mut problems = Vec::new();
    for workspace in known.iter().filter(stays) {
        if let Some((code, _)) = mistake_at(tree, workspace)
            && let Some(place) = workspace.parent.as_ref().and_then(|id| places.get(id))
        {
            let what = format!(
                "would leave {:?} in the wrong place of the tree",
                workspace.id
            );
            let fix = "List the workspaces below it as well, with their new parent.";
            problems.push(place.problem(code, what, fix));
        }
    }
    problems
}

fn remarks(tree: &Tree<'_>, workspace: &Workspace) -> Vec<Note> {
    let id = &workspace.id;
    let mut notes = Vec::new();
    if let WorkspaceStatus::Other(word) = &workspace.status {
        let short: String = word.chars().take(40).collect();
        let message =
            format!("workspace {id} has status {short:?}, which is not known and is not billed");
        notes.push(Note::new("unknown-status", message));
    }
    match (&workspace.parent, workspace.kind) {
        (None, WorkspaceKind::Child) => {
            let message = format!("child workspace {id} has no parent: it is in no channel's tree");
            notes.push(Note::new("no-parent", message));
        }
        (Some(parent), WorkspaceKind::Channel) if tree.get(parent).is_none() => {
            let message = format!("the parent of channel {id}, {parent}, is not known");
            notes.push(Note::new("parent-outside", message));
        }
        _ => {}
    }
    notes
}

fn read<'a>(source: &'a Source, notes: &mut Vec<Note>) -> Result<Vec<(Node<'a>, Workspace)>> {
    let mut unknown = Unknown::default();
    let mut numbers = 0;
    let mut problems = Vec::new();
    let mut document = parse(source)?.object()?;
    let entries = document.required("workspaces")?.list()?;
    let mut listed: Vec<(Node<'a>, Workspace)> = Vec::with_capacity(entries.len());
    let mut seen = HashSet::with_capacity(entries.len());
    for entry in entries {
        let read = entry
            .object()
            .and_then(|object| workspace(object, &mut unknown, &mut numbers));
        match read {
            Ok(workspace) if !seen.insert(workspace.id.clone()) => {
                let what = format!("is workspace {:?} a second time", workspace.id);
                problems.push(entry.problem("duplicate-workspace", what, "List each once."));
            }
            Ok(workspace) => listed.push((entry, workspace)),
            Err(problem) => problems.push(problem),
        }
    }
    refuse(problems)?;
    let all = Listed {
        entries: listed.len(),
        workspaces: listed.len(),
    };
    let signs = not_whole(&mut document, all);
    document.rest(&mut unknown);
    notes.extend(unknown.notes());
    if !signs.is_empty() {
        let message = format!(
            "the file says that {}: it may not have all workspaces. Those that it lacks stay as \
             they are",
            signs.join(", that ")
        );
        notes.push(Note::new("not-whole", message));
    }
    notes.extend(numbers_as_ids(numbers));
    Ok(listed)
}

fn workspace(
    mut object: Object<'_>,
    unknown: &mut Unknown,
    numbers: &mut usize,
) -> Result<Workspace, Problem> {
    // "" as much as null says that there is none.
    let text = |object: &mut Object<'_>, key| match object.optional(key) {
        Some(node) if !node.is_empty_text() => node.text().map(Some),
        _ => Ok(None),
    };
    let (company, domain) = (text(&mut object, "company")?, text(&mut object, "domain")?);
    let parent = match object.optional("parent") {
        Some(node) if !node.is_empty_text() => Some(node.id(numbers)?),
        _ => None,
    };
    let kind = object.required("kind")?;
    let kind = match kind.word()?.as_str() {
        "channel" => WorkspaceKind::Channel,
        "child" => WorkspaceKind::Child,
        "regular" => WorkspaceKind::Regular,
        _ => {
            let what = format!("is {}, which is no kind of workspace", kind.shown());
            let fix = "Use channel, child or regular.";
            return Err(kind.problem("unknown-kind", what, fix));
        }
    };
    let status = object.required("status")?.text()?;
    let mut flag = |key| object.optional(key).map_or(Ok(false), |node| node.flag());
    let (demo, nfr) = (flag("demo")?, flag("nfr")?);
    let workspace = Workspace {
        id: object.required("id")?.id(numbers)?,
        name: object.required("name")?.text()?,
        company,
        domain,
        kind,
        parent,
        status: WorkspaceStatus::from(status),
        demo,
        nfr,
    };
    object.rest(unknown);
    Ok(workspace)
}

#[cfg(test)]
mod tests;
