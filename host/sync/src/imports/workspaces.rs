//! Workspaces: `{"workspaces":[{id,name,company,domain,kind,parent,status,demo?,nfr?}]}`.

use std::collections::{BTreeMap, HashMap, HashSet};

use psa_host_billing::brake::BrakeCode;
use psa_host_billing::{
    ErrorCode, NoteCode, Workspace, WorkspaceId, WorkspaceKind, WorkspaceStatus,
};
use psa_host_ledger::UnreadWorkspaces;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::{Access, Note, Power, Result, Scope, Source};

use super::json::{Node, Object, parse};
use super::tree::{Tree, mistake_at};
use super::whole::{Listed, not_whole};
use super::{Cleaned, Refusals, Unknown, refuse};

/// What an import of workspaces did.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct WorkspacesImported {
    /// Were not there before.
    pub added: usize,
    /// Were there and differ now.
    pub changed: usize,
    /// Were there like this.
    pub unchanged: usize,
    /// Rows that were refused while the others were kept, in the order of the file: until
    /// a whole list is imported nothing is posted.
    pub refused: Vec<Problem>,
    /// What a person should know.
    pub notes: Vec<Note>,
}

impl WorkspacesImported {
    /// Whether nothing is posted until somebody imports a whole list.
    pub fn needs_a_person(&self) -> bool {
        let unread = NoteCode::Brake(BrakeCode::WorkspacesUnread);
        self.notes.iter().any(|note| note.code == unread)
    }
}

impl Access {
    /// Take a list of workspaces over, all or none; of a source that keeps its good rows,
    /// those. Workspaces not listed stay.
    ///
    /// # Errors
    /// Anything wrong in the file, with its place: syntax, a missing or wrong field, an
    /// id twice, an unknown parent, a circle; or a channel with connections that would
    /// stop being one.
    pub fn import_workspaces(&self, source: &Source) -> Result<WorkspacesImported> {
        self.may(Power::Manage)?;
        self.sees_everything("the tree of workspaces")?;
        let mut notes = Vec::new();
        let Read {
            rows: mut listed,
            mut refused,
            is_page,
        } = read(source, &mut notes)?;
        let known = self.ledger().workspaces()?;
        let mut channels: HashMap<WorkspaceId, String> = HashMap::new();
        for connection in self.ledger().connections()? {
            channels.insert(connection.channel, connection.name.to_string());
        }
        // A row that is refused may be the parent of another one, which then is too.
        loop {
            let found = misplaced(&known, &listed, &channels);
            if found.is_empty() {
                break;
            }
            let mut of: HashSet<u64> = HashSet::new();
            for (place, problem) in found {
                of.insert(place);
                refused.push(place, problem);
            }
            listed.retain(|(place, _)| !of.contains(&place.at()));
        }
        if !source.partial || (listed.is_empty() && !refused.is_empty()) {
            refuse(refused.clone())?;
        }
        let new = listed.iter().map(|(_, workspace)| workspace);
        let tree = Tree::new(known.iter().chain(new.clone()));
        for workspace in new {
            notes.extend(remarks(&tree, workspace));
        }
        let list: Vec<Workspace> = listed.into_iter().map(|(_, workspace)| workspace).collect();
        // Of a page nobody knows how many rows it lacks: one at least.
        let lacking = refused.len() as u64 + u64::from(is_page);
        let unread = (lacking > 0).then(|| UnreadWorkspaces {
            source: format!("file {}", source.name),
            rows: lacking,
        });
        let done = self
            .ledger()
            .upsert_some_workspaces(&list, unread.as_ref())?;
        if unread.is_some() {
            let message = "the list is not whole: nothing is posted until a whole one is imported";
            notes.push(Note::new(BrakeCode::WorkspacesUnread, message));
        }
        Ok(WorkspacesImported {
            added: done.added,
            changed: done.changed,
            unchanged: done.unchanged,
            refused: refused.into_problems(),
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

/// Rows that do not fit into the tree, or to the connections there are, with their places.
fn misplaced(
    known: &[Workspace],
    listed: &[(Node<'_>, Workspace)],
    channels: &HashMap<WorkspaceId, String>,
) -> Vec<(u64, Problem)> {
    let new = listed.iter().map(|(_, workspace)| workspace);
    let tree = Tree::new(known.iter().chain(new));
    let mut problems = Vec::new();
    for (place, workspace) in listed {
        if let Some((code, what)) = mistake_at(&tree, workspace) {
            let fix = "Correct the parent, or import the workspaces above as well.";
            let problem = place.problem(code, format!("parent {what}"), fix);
            problems.push((place.at(), problem));
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
            let problem = place.problem(ErrorCode::ChannelInUse, what, fix);
            problems.push((place.at(), problem));
        }
    }
    problems.extend(children_of_former_channels(known, listed, &tree));
    problems
}

/// A workspace that stays may not be left below what is no channel any more.
fn children_of_former_channels(
    known: &[Workspace],
    listed: &[(Node<'_>, Workspace)],
    tree: &Tree<'_>,
) -> Vec<(u64, Problem)> {
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
            problems.push((place.at(), place.problem(code, what, fix)));
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
        notes.push(Note::new(NoteCode::UnknownStatus, message));
    }
    match (&workspace.parent, workspace.kind) {
        (None, WorkspaceKind::Child) => {
            let message = format!("child workspace {id} has no parent: it is in no channel's tree");
            notes.push(Note::new(NoteCode::NoParent, message));
        }
        (Some(parent), WorkspaceKind::Channel) if tree.get(parent).is_none() => {
            let message = format!("the parent of channel {id}, {parent}, is not known");
            notes.push(Note::new(NoteCode::ParentOutside, message));
        }
        _ => {}
    }
    notes
}

/// Rows with their places.
type Rows<'a> = Vec<(Node<'a>, Workspace)>;

/// What a file has.
struct Read<'a> {
    rows: Rows<'a>,
    refused: Refusals,
    /// It says itself that it is a page or a part of a list.
    is_page: bool,
}

fn read<'a>(source: &'a Source, notes: &mut Vec<Note>) -> Result<Read<'a>> {
    let mut unknown = Unknown::default();
    let mut cleaned = Cleaned::default();
    let mut refused = Refusals::default();
    let mut document = parse(source)?.object()?;
    let entries = document.required("workspaces")?.list()?;
    let mut listed: Vec<(Node<'a>, Workspace)> = Vec::with_capacity(entries.len());
    let mut seen = HashSet::with_capacity(entries.len());
    let mut twice = HashSet::new();
    let listed_in_all = entries.len();
    for entry in entries {
        let read = entry
            .object()
            .and_then(|object| workspace(object, &mut unknown, &mut cleaned));
        match read {
            Ok(workspace) if !seen.insert(workspace.id.clone()) => {
                let what = format!("is workspace {:?} a second time", workspace.id);
                let problem = entry.problem(ErrorCode::DuplicateWorkspace, what, "List each once.");
                refused.push(entry.at(), problem);
                twice.insert(workspace.id);
            }
            Ok(workspace) => listed.push((entry, workspace)),
            Err(problem) => refused.push(entry.at(), problem),
        }
    }
    // Which of the two is right is not known.
    listed.retain(|(_, workspace)| !twice.contains(&workspace.id));
    let all = Listed {
        entries: listed_in_all,
        workspaces: listed_in_all,
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
        notes.push(Note::new(NoteCode::NotWhole, message));
    }
    notes.extend(cleaned.notes());
    Ok(Read {
        rows: listed,
        refused,
        is_page: !signs.is_empty(),
    })
}

fn workspace(
    mut object: Object<'_>,
    unknown: &mut Unknown,
    cleaned: &mut Cleaned,
) -> Result<Workspace, Problem> {
    // "" as much as null says that there is none.
    let mut text = |object: &mut Object<'_>, key| match object.optional(key) {
        Some(node) if !node.is_empty_text() => node.name(cleaned).map(Some),
        _ => Ok(None),
    };
    let (company, domain) = (text(&mut object, "company")?, text(&mut object, "domain")?);
    let parent = match object.optional("parent") {
        Some(node) if !node.is_empty_text() => Some(node.id(cleaned)?),
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
            return Err(kind.problem(ErrorCode::UnknownKind, what, fix));
        }
    };
    let status = object.required("status")?.text()?;
    let mut flag = |key| object.optional(key).map_or(Ok(false), |node| node.flag());
    let (demo, nfr) = (flag("demo")?, flag("nfr")?);
    let workspace = Workspace {
        id: object.required("id")?.id(cleaned)?,
        name: object.required("name")?.name(cleaned)?,
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
