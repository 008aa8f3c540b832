//! Usage snapshots: `{"channel","taken_at","complete","items":[{workspace,module,users,
//! devices}]}`, or the items as CSV with the rest said beside it.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use psa_host_billing::brake::{self, BrakeCode};
use psa_host_billing::{ErrorCode, ModuleId, NoteCode, UnreadUsage, WorkspaceId, WorkspaceKind};
use psa_host_ledger::{ItemNames, Names, NewSnapshot, SnapshotId, UsageItem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Problem, rule};
use crate::{Access, Note, Power, Result, Source, modules};

use super::json::{Node, Object, parse};
use super::tree::Tree;
use super::usage_rows::{Concerned, ItemPosition, Read, RefusedRow};
use super::whole::{Listed, not_whole};
use super::{Cleaned, Refusals, Unknown, csv_usage, refuse};

/// How the file says what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageForm {
    /// Everything is in the file.
    Json,
    /// The items only.
    Csv {
        /// The channel workspace counted.
        channel: WorkspaceId,
        /// When it was counted.
        taken_at: Timestamp,
        /// Whether everything below the channel is in it.
        complete: bool,
    },
}

/// What an import of usage did.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct UsageImported {
    /// The snapshot's number (`u-000007`).
    pub snapshot: String,
    /// Its channel.
    pub channel: WorkspaceId,
    /// When it was counted.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub taken_at: Timestamp,
    /// Whether everything below the channel is in it.
    pub complete: bool,
    /// How many counts it has.
    pub items: usize,
    /// Of how many workspaces.
    pub workspaces: usize,
    /// Rows that were refused while the others were kept, in the order of the file. What
    /// they count is unread, and held.
    pub refused: Vec<Problem>,
    /// What a person should know.
    pub notes: Vec<Note>,
}

impl UsageImported {
    /// Whether rows were refused, or the file contradicts itself or another, so that
    /// nothing is posted from it.
    pub fn needs_a_person(&self) -> bool {
        let disagree = NoteCode::Brake(BrakeCode::SnapshotsDisagree);
        let contradicted = [NoteCode::NotWhole, disagree];
        !self.refused.is_empty()
            || self
                .notes
                .iter()
                .any(|note| contradicted.contains(&note.code))
    }
}

impl ItemPosition for Node<'_> {
    fn problem(&self, field: Option<&str>, code: ErrorCode, what: &str, fix: &str) -> Problem {
        let named = field.and_then(|field| self.object().ok()?.optional(field));
        Node::problem(named.as_ref().unwrap_or(self), code, what, fix)
    }

    fn at(&self) -> u64 {
        Node::at(self)
    }
}

impl Access {
    /// Import a usage snapshot, whole or not at all; of a source that keeps its good rows,
    /// those, and what the others count is unread.
    ///
    /// # Errors
    /// Anything wrong in the file, with its place: syntax, a missing or wrong field, a
    /// count that is none, a pair twice, an unknown workspace, or one that is not in
    /// the channel's tree; and a snapshot of the future.
    pub fn import_usage(&self, source: &Source, form: &UsageForm) -> Result<UsageImported> {
        self.may(Power::Manage)?;
        match form {
            UsageForm::Json => self.take_usage(source, read(source)?),
            UsageForm::Csv {
                channel,
                taken_at,
                complete,
            } => {
                let read = csv_usage::read(source, channel.clone(), *taken_at, *complete)?;
                self.take_usage(source, read)
            }
        }
    }

    fn take_usage<P: ItemPosition>(&self, source: &Source, read: Read<P>) -> Result<UsageImported> {
        let known = self.ledger().workspaces()?;
        let tree = Tree::new(&known);
        let channel = &read.channel;
        self.channel_workspace(channel)?;
        refuse_the_future(source, read.taken_at, self.now())?;
        let refused = refused_items(&read.items, &tree, channel);
        let refused: Vec<RefusedRow> = read.refused.into_iter().chain(refused).collect();
        let Unread {
            refusals,
            unread,
            anybody,
        } = Unread::of(refused, &tree, channel);
        let mut items = read.items;
        let unread_pairs: HashSet<_> = unread
            .iter()
            .map(|one| (&one.workspace, one.module.as_ref()))
            .collect();
        items.retain(
            |(
                _,
                UsageItem {
                    workspace, module, ..
                },
            )| {
                !unread_pairs.contains(&(workspace, Some(module)))
                    && !unread_pairs.contains(&(workspace, None))
            },
        );
        let nothing_left = items.is_empty() && !refusals.is_empty();
        if !source.partial || nothing_left {
            refuse(refusals.clone())?;
        }
        let kept: HashSet<_> = items
            .iter()
            .map(|(_, item)| (&item.workspace, &item.module))
            .collect();
        let mut names = read.names;
        names.retain(|named| kept.contains(&(&named.workspace, &named.module)));
        let workspaces: HashSet<_> = kept.iter().map(|(workspace, _)| *workspace).collect();
        let workspaces = workspaces.len();
        let mut notes = read.notes;
        notes.extend(remarks(&items));
        if anybody > 0 {
            let message = format!(
                "{anybody} of the refused rows do not say of whom they are: the snapshot was taken \
                 as not complete, and nothing is posted from it"
            );
            notes.push(Note::new(NoteCode::NotWhole, message));
        }
        let new = NewSnapshot {
            channel: read.channel,
            taken_at: read.taken_at,
            complete: read.complete && anybody == 0,
            source: format!("file {}", source.name),
            items: items.into_iter().map(|(_, item)| item).collect(),
            names,
            unread,
        };
        let id: SnapshotId = self.ledger().import_snapshot(&new)?;
        if let Some(brake) = self.disagreeing(&self.ledger().snapshot(id)?)? {
            let fix = brake.fix("");
            let message = format!("{}; {fix}", brake.message());
            notes.push(Note::new(brake.kind(), message));
        }
        Ok(UsageImported {
            snapshot: id.to_string(),
            channel: new.channel,
            taken_at: new.taken_at,
            complete: new.complete,
            items: new.items.len(),
            workspaces,
            refused: refusals.into_problems(),
            notes,
        })
    }

    /// A workspace that is there and a channel.
    pub(crate) fn channel_workspace(
        &self,
        id: &WorkspaceId,
    ) -> Result<psa_host_billing::Workspace> {
        let seen = self.sees(id)?;
        let found = self.ledger().workspace(id)?;
        let Some(workspace) = found.filter(|_| seen) else {
            return Err(rule(
                ErrorCode::UnknownWorkspace,
                format!("{:?} is not a known workspace", id.as_str()),
                "Import the workspaces first with `psa-host workspace import`.",
            ));
        };
        if workspace.kind != WorkspaceKind::Channel {
            let kind = super::workspaces::kind_word(workspace.kind);
            return Err(rule(
                ErrorCode::NotAChannel,
                format!("workspace {id} is a {kind} workspace, not a channel"),
                "Name the channel workspace above it: connectors and usage snapshots belong to \
                 channels.",
            ));
        }
        Ok(workspace)
    }
}

/// What is wrong with rows that can be read.
fn refused_items<P: ItemPosition>(
    items: &[(P, UsageItem)],
    tree: &Tree<'_>,
    channel: &WorkspaceId,
) -> Vec<RefusedRow> {
    let mut refused = Vec::new();
    let mut seen = HashSet::with_capacity(items.len());
    for (place, item) in items {
        let UsageItem {
            workspace, module, ..
        } = item;
        let mut refuse = |field, code, what: String, fix: &str| {
            refused.push(RefusedRow {
                at: place.at(),
                problem: place.problem(field, code, &what, fix),
                of: Concerned::Pair(workspace.clone(), module.clone()),
            });
        };
        if !seen.insert((workspace, module)) {
            let what = format!("{workspace:?} and {module:?} are counted a second time");
            refuse(None, ErrorCode::DuplicateItem, what, "Count each once.");
        }
        if tree.get(workspace).is_none() {
            let what = format!("{workspace:?} is not a known workspace");
            let fix = "Import the workspaces first with `psa-host workspace import`.";
            refuse(Some("workspace"), ErrorCode::UnknownWorkspace, what, fix);
        } else if !tree.is_within(workspace, channel) {
            let what = format!("{workspace:?} is not in the tree of channel {channel:?}");
            let fix = "Leave it out, or correct its parent with `psa-host workspace import`.";
            let code = ErrorCode::WorkspaceOutsideChannel;
            refuse(Some("workspace"), code, what, fix);
        }
    }
    refused
}

/// What refused rows leave unread.
struct Unread {
    refusals: Refusals,
    unread: Vec<UnreadUsage>,
    /// Rows that may be anybody's.
    anybody: usize,
}

impl Unread {
    fn of(refused: Vec<RefusedRow>, tree: &Tree<'_>, channel: &WorkspaceId) -> Self {
        let mut found = Self {
            refusals: Refusals::default(),
            unread: Vec::new(),
            anybody: 0,
        };
        for RefusedRow { at, problem, of } in refused {
            let why = format!("its row could not be read: {}", problem.message);
            let (workspace, module) = match of {
                Concerned::Pair(workspace, module) => (Some(workspace), Some(module)),
                // An id that nobody has may be another one's, misread.
                Concerned::Workspace(workspace) => (
                    Some(workspace).filter(|id| tree.is_within(id, channel)),
                    None,
                ),
                Concerned::Anybody => (None, None),
            };
            match workspace {
                None => found.anybody += 1,
                Some(workspace) => found.unread.push(UnreadUsage {
                    workspace,
                    module,
                    why,
                }),
            }
            found.refusals.push(at, problem);
        }
        found
    }
}

/// Whose count a row is that is refused for something else.
fn concerned(entry: &Node<'_>) -> Concerned {
    let mut nobody_is_told = Cleaned::default();
    let Ok(mut object) = entry.object() else {
        return Concerned::Anybody;
    };
    let workspace = object
        .optional("workspace")
        .and_then(|node| node.id(&mut nobody_is_told).ok());
    let module = object
        .optional("module")
        .and_then(|node| node.id(&mut nobody_is_told).ok());
    match (workspace, module) {
        (Some(workspace), Some(module)) => Concerned::Pair(workspace, module),
        (Some(workspace), None) => Concerned::Workspace(workspace),
        (None, _) => Concerned::Anybody,
    }
}

/// It would be the newest until its time has come, and whatever is counted until then
/// would not be looked at.
fn refuse_the_future(source: &Source, taken_at: Timestamp, now: Timestamp) -> Result<()> {
    if brake::in_future(taken_at, now).is_none() {
        return Ok(());
    }
    let message = format!(
        "{}: taken_at {taken_at} is in the future: it is {now:.0} now",
        source.name
    );
    let fix = "Write when it was counted, with its offset; if that is right, set the clock of this \
               computer.";
    let cause = "the clock or the time zone of the source or of this computer is wrong; as the \
                 newest snapshot it would stand before every later count";
    Err(Problem::new(ErrorCode::TakenInFuture, message, fix)
        .because(cause)
        .into())
}

/// What is unusual, but not wrong.
fn remarks<P>(items: &[(P, UsageItem)]) -> Vec<Note> {
    let mut unknown: BTreeMap<&ModuleId, usize> = BTreeMap::new();
    let mut silent = 0;
    for (_, item) in items {
        if !modules::is_known(&item.module) {
            *unknown.entry(&item.module).or_default() += 1;
        }
        silent += usize::from(item.users.is_none() && item.devices.is_none());
    }
    let mut notes: Vec<Note> = unknown
        .into_iter()
        .take(50)
        .map(|(module, times)| {
            let message = format!("module {module} is not known to this version ({times} counts)");
            Note::new(NoteCode::UnknownModule, message)
        })
        .collect();
    if silent > 0 {
        let message = format!("{silent} items have neither users nor devices");
        notes.push(Note::new(NoteCode::NoCounts, message));
    }
    notes
}

fn read(source: &Source) -> Result<Read<Node<'_>>> {
    let mut unknown = Unknown::default();
    let mut cleaned = Cleaned::default();
    let mut document = parse(source)?.object()?;
    let channel = document.required("channel")?.id(&mut cleaned)?;
    let node = document.required("taken_at")?;
    let taken_at = node.text()?.parse::<Timestamp>().map_err(|_| {
        let what = format!("is {}, which is no instant", node.shown());
        node.problem(ErrorCode::BadInstant, what, INSTANT_FIX)
    })?;
    let complete = document.required("complete")?.flag()?;
    let entries = document.required("items")?.list()?;
    let mut items = Vec::with_capacity(entries.len());
    let mut names = Vec::new();
    let mut refused = Vec::new();
    for entry in entries {
        let read = entry
            .object()
            .and_then(|object| item(object, &mut unknown, &mut cleaned));
        match read {
            Ok((item, behind)) => {
                if !behind.is_empty() {
                    names.push(ItemNames {
                        workspace: item.workspace.clone(),
                        module: item.module.clone(),
                        names: behind,
                    });
                }
                items.push((entry, item));
            }
            Err(problem) => refused.push(RefusedRow {
                at: entry.at(),
                of: concerned(&entry),
                problem,
            }),
        }
    }
    let mut workspaces: HashSet<_> = items.iter().map(|(_, item)| &item.workspace).collect();
    workspaces.extend(refused.iter().filter_map(|row| match &row.of {
        Concerned::Pair(workspace, _) | Concerned::Workspace(workspace) => Some(workspace),
        Concerned::Anybody => None,
    }));
    let listed = Listed {
        entries: items.len() + refused.len(),
        workspaces: workspaces.len(),
    };
    let signs = not_whole(&mut document, listed);
    document.rest(&mut unknown);
    let mut notes: Vec<Note> = unknown.notes().collect();
    notes.extend(cleaned.notes());
    if complete && !signs.is_empty() {
        let message = format!(
            "the file says that it is complete, and also that {}: it was taken as not complete. \
             If it is whole, leave that out and import it again",
            signs.join(", that ")
        );
        notes.push(Note::new(NoteCode::NotWhole, message));
    }
    Ok(Read {
        channel,
        taken_at,
        complete: complete && signs.is_empty(),
        items,
        refused,
        names,
        notes,
    })
}

/// How an instant is written.
pub(crate) const INSTANT_FIX: &str =
    "Write date, time and offset, as in 2026-10-01T04:30:00Z or 2026-10-01T06:30:00+02:00.";

fn item(
    mut object: Object<'_>,
    unknown: &mut Unknown,
    cleaned: &mut Cleaned,
) -> Result<(UsageItem, Names), Problem> {
    let mut count = |key| object.optional(key).map_or(Ok(None), |node| node.count());
    let (users, devices) = (count("users")?, count("devices")?);
    let item = UsageItem {
        workspace: object.required("workspace")?.id(cleaned)?,
        module: object.required("module")?.id(cleaned)?,
        users,
        devices,
    };
    let names = super::named::names(&mut object, users, devices, cleaned)?;
    object.rest(unknown);
    Ok((item, names))
}

#[cfg(test)]
mod tests;
