//! What can go wrong, said so that a person can act on it: each error names the thing,
//! the cause and the fix, and has a code that never changes.

mod code;
mod fault;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::files::access;

pub(crate) use fault::{Fault, Inside};

/// Any failure of the ledger. Nothing was changed when one is returned, unless the
/// verb says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file is something else.
    #[error("{} is not a psa-host ledger: {why}", path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// The file is a ledger, but cannot be read as one.
    #[error("the ledger {} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not add up.
        why: String,
    },
    /// Made by a later release.
    #[error(
        "the ledger {} has schema version {found}, this release knows up to {known}",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// No space left.
    #[error("the disk that holds {} is full; nothing was changed", path.display())]
    DiskFull {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// The disk or the file cannot be written.
    #[error("{} is read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// This user may not.
    #[error(
        "this user, {user}, may not use {}{}",
        path.display(),
        owner.as_ref().map(|owner| format!(", which belongs to {owner}")).unwrap_or_default()
    )]
    Permission {
        /// The file or directory.
        path: PathBuf,
        /// Who tried.
        user: String,
        /// Whose it is, or what is above it; none: that cannot be seen.
        owner: Option<String>,
    },
    /// Neither the database nor locks can be relied on there.
    #[error("the data directory {} lies on a network share, {kind}", path.display())]
    NetworkShare {
        /// The directory.
        path: PathBuf,
        /// Which kind.
        kind: &'static str,
    },
    /// Another process held the write lock longer than the busy timeout.
    #[error("{} is being written by another process and did not become free", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// There is no copy of the ledger to go back to, so it was not upgraded.
    #[error(
        "the ledger was not upgraded, because it could not be copied to {} before: {why}",
        path.display()
    )]
    NoBackup {
        /// The copy.
        path: PathBuf,
        /// What went wrong.
        why: Box<LedgerError>,
    },
    /// Another run, or a person, has taken the tenant since: this one writes no more.
    #[error(
        "run {run} writes nothing more to tenant {tenant}: {by} took it at {since:.0}, while \
         this process was stopped or was taken for dead"
    )]
    LeaseLost {
        /// The run that has lost it.
        run: String,
        /// The tenant.
        tenant: String,
        /// Who has it now, or had it after this one.
        by: String,
        /// Since when.
        since: Timestamp,
    },
    /// Any other failure of the disk.
    #[error("{} could not be used: {why}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's words.
        why: String,
    },

    /// The key file lies where the ciphertext lies.
    #[error(
        "the key file {} lies inside the data directory {}: who copies one has the other",
        key.display(),
        data.display()
    )]
    KeyInsideData {
        /// The key file.
        key: PathBuf,
        /// The data directory.
        data: PathBuf,
    },
    /// The key file can be read by others.
    #[error("the key file {} can be read by others (mode {mode:04o})", key.display())]
    KeyExposed {
        /// The key file.
        key: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others can write into the data directory.
    #[error("others can write into the data directory {} (mode {mode:04o})", path.display())]
    DataExposed {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file holds no key.
    #[error("the key file {} does not hold a key: 32 bytes as hex or base64", key.display())]
    KeyMalformed {
        /// The key file.
        key: PathBuf,
    },
    /// The ledger has secrets, the key file is not there.
    #[error(
        "the key file {} is missing, and this ledger's secrets are under key {fingerprint}",
        key.display()
    )]
    MissingKey {
        /// Where it was looked for.
        key: PathBuf,
        /// Which key it must be.
        fingerprint: String,
    },
    /// The ledger has secrets under another key.
    #[error(
        "the key file {} holds key {found}, but this ledger's secrets are under key {expected}",
        key.display()
    )]
    WrongKey {
        /// The key file.
        key: PathBuf,
        /// Which key it holds.
        found: String,
        /// Which key it must be.
        expected: String,
    },
    /// Neither a key file was named nor is there a home to put one.
    #[error("there is no place for the key file: neither XDG_CONFIG_HOME nor HOME is set")]
    NoKeyPlace,

    /// No such thing.
    #[error("there is no {what} {id:?}")]
    NotFound {
        /// Its kind, in one or two words.
        what: &'static str,
        /// Its name.
        id: String,
    },
    /// The name is taken.
    #[error("there is already a {what} {id:?}")]
    AlreadyExists {
        /// Its kind, in one or two words.
        what: &'static str,
        /// Its name.
        id: String,
    },
    /// Twice in one list.
    #[error("the {what} {id:?} is listed twice")]
    Duplicate {
        /// Its kind.
        what: &'static str,
        /// Its name.
        id: String,
    },
    /// A connection still uses the plugin.
    #[error("the plugin {plugin:?} is used by {}", connections.join(", "))]
    PluginInUse {
        /// The plugin.
        plugin: String,
        /// By whom.
        connections: Vec<String>,
    },
    /// Nobody agreed to what the file asks for.
    #[error("the file {sha256} of plugin {plugin:?} is not approved")]
    PluginNotApproved {
        /// The plugin.
        plugin: String,
        /// The file.
        sha256: String,
    },
    /// The file in use is not the one that was looked at.
    #[error("the plugin {plugin:?} is now {current}, not {asked}")]
    PluginChanged {
        /// The plugin.
        plugin: String,
        /// The SHA-256 that was looked at.
        asked: String,
        /// The SHA-256 of the present file.
        current: String,
    },
    /// A connector may be added to a channel workspace only.
    #[error("the workspace {workspace:?} is a {kind} workspace, not a channel")]
    NotAChannel {
        /// The workspace.
        workspace: String,
        /// What it is.
        kind: String,
    },
    /// The PSA instance behind a connection is another one than before.
    #[error(
        "the connection {connection:?} belongs to tenant {bound:?}, the PSA now answers as {reported:?}"
    )]
    TenantChanged {
        /// The connection.
        connection: String,
        /// Where its mappings were made.
        bound: String,
        /// What is there now.
        reported: String,
    },
    /// A connection whose tenant has the key that it had.
    #[error(
        "the connection {connection:?} {}",
        tenant.as_ref().map_or_else(
            || "was never bound to a tenant".to_owned(),
            |tenant| format!("is at its tenant {tenant:?}, as before"),
        )
    )]
    TenantNotChanged {
        /// The connection.
        connection: String,
        /// Its tenant.
        tenant: Option<String>,
    },
    /// Somebody has posted to the tenant under its new key.
    #[error(
        "tenant {tenant:?} has {adjustments} adjustments of its own already{}",
        if by.is_empty() { String::new() } else { format!(", by {}", by.join(", ")) }
    )]
    TenantAdjusted {
        /// The tenant at the new place.
        tenant: String,
        /// How many adjustments.
        adjustments: u64,
        /// Connections there.
        by: Vec<String>,
    },
    /// Another lineage of plugins, or another channel, has the tenant's key already.
    #[error(
        "the plugin of connection {connection:?} says that its PSA is tenant {tenant:?}, which is \
         known from elsewhere{}",
        if by.is_empty() { String::new() } else { format!(": {}", by.join(", ")) }
    )]
    TenantClaimed {
        /// Who reports it.
        connection: String,
        /// The key.
        tenant: String,
        /// Whose it is, with plugins and channels.
        by: Vec<String>,
    },
    /// No key was refused that an operator could say something about.
    #[error("connection {connection:?} has reported no tenant that is known from elsewhere")]
    NothingClaimed {
        /// The connection.
        connection: String,
    },
    /// The key means more than one tenant by now.
    #[error("there is not exactly one tenant with the key {tenant:?}: {}", by.join(", "))]
    SeveralTenants {
        /// The key.
        tenant: String,
        /// Their connections.
        by: Vec<String>,
    },
    /// A workspace that is billed in another tenant already.
    #[error(
        "the workspace {workspace:?} is mapped in tenant {tenant:?} already, by connection \
         {connection:?} of the same channel"
    )]
    WorkspaceInTwoTenants {
        /// The workspace.
        workspace: String,
        /// The other connection.
        connection: String,
        /// Its tenant.
        tenant: String,
    },
    /// Something sent is not yet known to have arrived or not.
    #[error("the connection {connection:?} has {open} adjustments that are not settled")]
    OpenIntents {
        /// The connection.
        connection: String,
        /// How many.
        open: u64,
    },

    /// The workspace has an account.
    #[error(
        "the workspace {workspace:?} is already mapped to account {account:?} in connection {connection:?}"
    )]
    WorkspaceAlreadyMapped {
        /// The workspace.
        workspace: String,
        /// Its account.
        account: String,
        /// In which connection.
        connection: String,
    },
    /// The account has a workspace.
    #[error(
        "the account {account:?} is already mapped to workspace {workspace:?} in connection {connection:?}"
    )]
    AccountAlreadyMapped {
        /// The account.
        account: String,
        /// Its workspace.
        workspace: String,
        /// In which connection.
        connection: String,
    },
    /// The module has a service.
    #[error("the module {module:?} is already mapped to service {service:?}")]
    ModuleAlreadyMapped {
        /// The module.
        module: String,
        /// Its service.
        service: String,
    },
    /// The service has a module.
    #[error("the service {service:?} is already mapped to module {module:?}")]
    ServiceAlreadyMapped {
        /// The service.
        service: String,
        /// Its module.
        module: String,
    },
    /// A line belongs to one connection.
    #[error("the line {line:?} of tenant {tenant:?} belongs to connection {owner:?}")]
    LineClaimed {
        /// The tenant.
        tenant: String,
        /// The line.
        line: String,
        /// Whose it is.
        owner: String,
    },

    /// An intent cannot go from where it is to where it was to go.
    #[error("adjustment {intent} is {from} and cannot become {to}")]
    WrongTransition {
        /// The intent.
        intent: i64,
        /// Its state.
        from: &'static str,
        /// The state asked for.
        to: &'static str,
    },
    /// It was sent as often as it may be.
    #[error("adjustment {intent} was sent {attempts} times and is not sent again")]
    TooManyAttempts {
        /// The intent.
        intent: i64,
        /// How often.
        attempts: u32,
    },
    /// A question that is not open to this answer.
    #[error("question {question} is {state} and cannot be answered so")]
    QuestionState {
        /// The question.
        question: String,
        /// Where it is.
        state: &'static str,
    },
    /// Once is for good.
    #[error("the usage snapshot {snapshot} was withdrawn already")]
    SnapshotWithdrawn {
        /// The snapshot.
        snapshot: String,
    },
    /// Another adjustment of the line is not settled.
    #[error(
        "the line {line:?} of tenant {tenant:?} has an adjustment that is not settled ({intent})"
    )]
    IntentOpen {
        /// The tenant.
        tenant: String,
        /// The line.
        line: String,
        /// The one that is open.
        intent: i64,
    },
    /// The run ended, or is another connection's.
    #[error("the run {run} {why}")]
    RunState {
        /// The run.
        run: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A date, or a later one, was done before.
    #[error("{date} is done for the connection {connection:?}, or too late for it")]
    DateDone {
        /// The connection.
        connection: String,
        /// The civil date, in its zone.
        date: Date,
    },
    /// Somebody stopped all posting.
    #[error("{who} stopped all posting at {at}: {why}")]
    PostingStopped {
        /// By whom.
        who: String,
        /// When.
        at: Timestamp,
        /// The reason.
        why: String,
    },
    /// Another process is the daemon of the data directory.
    #[error("a daemon (process {pid}) serves this data directory already")]
    DaemonRuns {
        /// Its process; 0 when the lock file does not say.
        pid: u32,
    },
    /// Another process works on the tenant.
    #[error("tenant {tenant:?} is being worked on by {who:?} (process {pid}, since {})",
        since.map_or_else(|| "an unknown time".to_owned(), |t| t.to_string()))]
    TenantBusy {
        /// The tenant.
        tenant: String,
        /// Its process; 0 when the lock file does not say.
        pid: u32,
        /// What it said it is.
        who: String,
        /// When it began.
        since: Option<Timestamp>,
    },
    /// A plugin's storage is full.
    #[error("the storage of plugin {plugin:?} in connection {connection:?} is full: {why}")]
    StorageQuota {
        /// The plugin.
        plugin: String,
        /// The connection.
        connection: String,
        /// Which limit.
        why: String,
    },
}

impl LedgerError {
    pub(crate) fn permission(path: PathBuf) -> Self {
        Self::Permission {
            user: access::this_user(),
            owner: access::owner(&path),
            path,
        }
    }

    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::PermissionDenied => Self::permission(path),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path },
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::Io {
                path,
                why: error.to_string(),
            },
        }
    }
}
