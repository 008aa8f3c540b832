//! What a person can do about each error.

use crate::LedgerError;
use crate::files::access;

/// How `sudo` wants a user: by name, or `#` and the number.
fn sudo_name(user: &str) -> String {
    match user.strip_prefix("uid ") {
        Some(number) => format!("'#{number}'"),
        None => bare(user).to_owned(),
    }
}

/// A user's name alone, or the number where there is no name.
fn bare(user: &str) -> &str {
    let user = user.strip_prefix("uid ").unwrap_or(user);
    user.split(' ').next().unwrap_or(user)
}

impl LedgerError {
    /// What a person can do about it, as one sentence.
    pub fn fix(&self) -> String {
        match self {
            Self::NotALedger { path, .. } => format!(
                "Name another data directory, or move {} away.",
                path.display()
            ),
            Self::Damaged { path, .. } => format!(
                "Stop psa-host, keep a copy of {}, and restore the last backup.",
                path.display()
            ),
            Self::NewerSchema { .. } => {
                "Use the release of psa-host that wrote it, or a later one.".to_owned()
            }
            Self::DiskFull { path } => format!(
                "Free some space on the disk of {} and do it again.",
                path.display()
            ),
            Self::ReadOnly { path } => format!(
                "Make {} and its directory writable for this user, or name another data directory.",
                path.display()
            ),
            Self::Permission { path, user, owner } => match owner {
                Some(owner) if owner != user => {
                    let above = path.parent().and_then(access::owner);
                    match above.as_ref() == Some(user) {
                        // Made by mistake, with `sudo` for example.
                        true => format!(
                            "Give it to this user: `sudo chown {} {}`.",
                            bare(user),
                            path.display()
                        ),
                        false => format!(
                            "Run psa-host as {owner} (`sudo -u {} psa-host …`), or name another \
                             data directory.",
                            sudo_name(owner)
                        ),
                    }
                }
                _ => format!(
                    "Give this user the permission to read and write {}.",
                    path.display()
                ),
            },
            Self::NetworkShare { .. } => {
                "Name a directory on a disk of this computer: over a network neither the database \
                 nor the locks that keep a line from being posted twice can be relied on. A backup \
                 may well lie there."
                    .to_owned()
            }
            Self::Locked { .. } => {
                "Wait for the other process to finish and do it again.".to_owned()
            }
            Self::LeaseLost { .. } => {
                "Nothing is lost: what this run left open is settled by the next sync. Look at \
                 both with `psa-host run list`."
                    .to_owned()
            }
            Self::NoBackup { why, .. } => why.fix(),
            Self::Io { path, .. } => format!(
                "Look at the path and the disk of {}, and do it again.",
                path.display()
            ),
            Self::KeyInsideData { .. } => {
                "Name a key file elsewhere with --key-file or PSA_HOST_KEY_FILE.".to_owned()
            }
            Self::KeyExposed { key, .. } => format!("chmod 600 {}", key.display()),
            Self::DataExposed { path, .. } => format!("chmod 700 {}", path.display()),
            Self::KeyMalformed { key } => format!(
                "Restore {} from where you keep a copy; a new key cannot open old secrets.",
                key.display()
            ),
            Self::MissingKey { .. } | Self::WrongKey { .. } => {
                "Name the right key file with --key-file or PSA_HOST_KEY_FILE, or restore it \
                 from where you keep a copy. Without it the secrets must be entered again in \
                 a new data directory."
                    .to_owned()
            }
            Self::NoKeyPlace => "Name a key file with --key-file or PSA_HOST_KEY_FILE.".to_owned(),
            Self::NotFound { what, .. } => format!("List what there is and name a {what} of it."),
            Self::AlreadyExists { what, .. } => {
                format!("Choose another name, or change the {what} that is there.")
            }
            Self::Duplicate { .. } => "Remove one of the two and do it again.".to_owned(),
            Self::PluginInUse { .. } => "Remove those connections first.".to_owned(),
            Self::PluginNotApproved { plugin, sha256 } => format!(
                "See what it asks for and agree with `psa-host plugin approve {plugin} {sha256}`."
            ),
            Self::PluginChanged { .. } => {
                "Look at the plugin as it is now, and approve that if you agree.".to_owned()
            }
            Self::NotAChannel { .. } => {
                "Add the connection to the channel workspace above it.".to_owned()
            }
            Self::TenantChanged { connection, .. } => format!(
                "Where the vendor moved your PSA (the same companies at another place): \
                 `psa-host connection rebind {connection}` shows what is found there and moves \
                 everything. Where credentials or address were changed by mistake, put the former \
                 back. Where it is another PSA, add a new connection: mappings are not carried over."
            ),
            Self::TenantNotChanged { connection, .. } => {
                format!("There is nothing to rebind. See `psa-host connection check {connection}`.")
            }
            Self::TenantAdjusted { by, .. } => format!(
                "Two ledgers of adjustments cannot be put together: a line could be billed twice. \
                 Go on with {}, map there what is missing, and remove the former connections when \
                 nothing of theirs is open (`psa-host run resolve`).",
                match by.as_slice() {
                    [] => "a new connection".to_owned(),
                    names => names.join(" and "),
                }
            ),
            Self::TenantClaimed { connection, .. } => format!(
                "Where it is the very same PSA, so that request budget, lock and lines are shared: \
                 `psa-host connection tenant {connection} same --why TEXT`. Where it is another one \
                 with the same key: `psa-host connection tenant {connection} different --why TEXT`. \
                 Where you do not know the plugin, remove the connection."
            ),
            Self::NothingClaimed { connection } => format!(
                "Check it with `psa-host connection check {connection}`: only what that refuses as \
                 tenant-claimed is asked about."
            ),
            Self::SeveralTenants { .. } => {
                "Name a connection of the tenant that is meant, with --as.".to_owned()
            }
            Self::WorkspaceInTwoTenants { connection, .. } => format!(
                "Remove the mapping in {connection} first. Where the workspace is to be billed in \
                 both, say why: `psa-host map second-tenant N WORKSPACE --why TEXT`."
            ),
            Self::OpenIntents { .. } => {
                "Run sync once more, and settle what it cannot with `run resolve`.".to_owned()
            }
            Self::WorkspaceAlreadyMapped { workspace, .. } => {
                format!("Remove the mapping of workspace {workspace:?} first.")
            }
            Self::AccountAlreadyMapped { workspace, .. } => {
                format!(
                    "Remove the mapping of workspace {workspace:?} first, or choose another account."
                )
            }
            Self::ModuleAlreadyMapped { module, .. } => {
                format!("Remove the mapping of module {module:?} first.")
            }
            Self::ServiceAlreadyMapped { module, .. } => {
                format!("Remove the mapping of module {module:?} first, or choose another service.")
            }
            Self::LineClaimed { owner, .. } => format!(
                "Bill this line through connection {owner:?} only, or remove that connection."
            ),
            Self::WrongTransition { .. } => {
                "Look at it with `run show`: it may have been settled already.".to_owned()
            }
            Self::QuestionState { .. } => {
                "See `psa-host approval list --all`; a rejected one is asked again with \
                 `psa-host approval reopen`."
                    .to_owned()
            }
            Self::TooManyAttempts { .. } | Self::IntentOpen { .. } => {
                "Look at the line in the PSA and settle it with `run resolve`.".to_owned()
            }
            Self::SnapshotWithdrawn { .. } => {
                "See `psa-host usage list`; import it again if it was right after all.".to_owned()
            }
            Self::DaemonRuns { .. } => {
                "One daemon serves a data directory. Stop it before another \
                is started."
                    .to_owned()
            }
            Self::DateDone { .. } => {
                "Nothing needs to be done: a sync that a person asks for can always be run."
                    .to_owned()
            }
            Self::PostingStopped { .. } => "A dry run (`sync --dry-run`) is still possible. When \
                posting is safe again: `posting resume --why TEXT`."
                .to_owned(),
            Self::RunState { .. } => "Look at it with `run show`, and start a new run.".to_owned(),
            Self::TenantBusy { .. } => "Wait for it to finish and do it again.".to_owned(),
            Self::StorageQuota { .. } => {
                "Tell the plugin's author; what it stores can be dropped by removing the \
                 connection."
                    .to_owned()
            }
        }
    }
}
