//! What can be done about something, as data: each face renders it. The command line shows
//! [`Action::command`], a page makes a button of it, a program goes by the fields.

use psa_host_billing::{ConnectionName, ErrorCode, HoldCode, ModuleId, ReportCode, WorkspaceId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do, and to which thing.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Map a workspace to an account that a person chooses.
    MapAccount {
        /// Through this connection.
        connection: String,
        /// Coro's customer.
        workspace: String,
    },
    /// Map a module to a service that a person chooses.
    MapService {
        /// Through this connection.
        connection: String,
        /// Coro's module.
        module: String,
    },
    /// Choose the contract that a workspace is billed on.
    ChooseContract {
        /// Through this connection.
        connection: String,
        /// Coro's customer.
        workspace: String,
    },
    /// Decide about units that somebody else changed: adopt, overwrite or pin.
    DecideLine {
        /// Through this connection.
        connection: String,
        /// Coro's customer.
        workspace: String,
        /// Coro's module.
        module: String,
    },
    /// Let what the PSA refused be sent once more.
    RetryLine {
        /// Through this connection.
        connection: String,
        /// The PSA's line.
        line: String,
    },
    /// Say whether a change is to be posted.
    AnswerQuestion {
        /// The question.
        question: String,
    },
    /// Say whether the changes of new accounts are to be posted.
    AnswerNewAccounts {
        /// Of this connection.
        connection: String,
    },
    /// Take up again what a person set aside.
    Restore {
        /// Through this connection.
        connection: String,
        /// Coro's customer.
        workspace: String,
    },
    /// Say what became of an adjustment that nobody else can tell.
    ResolveLine {
        /// The run that sent it.
        run: String,
        /// The PSA's line.
        line: String,
    },
    /// Test the connection.
    Check {
        /// Which.
        connection: String,
    },
    /// Give new secrets.
    Rotate {
        /// To which connection.
        connection: String,
    },
    /// Run again.
    Sync {
        /// Which connection.
        connection: String,
    },
}

/// An action as it is said: as data, and as what to type.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Fix {
    /// What to do, and to which thing.
    #[serde(flatten)]
    pub action: Action,
    /// The same for a terminal. Words in capitals are for a person to fill in.
    pub command: String,
}

impl From<Action> for Fix {
    fn from(action: Action) -> Self {
        Self {
            command: action.command(),
            action,
        }
    }
}

/// What an action can be about: whatever is known of a line, a finding or an error.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub connection: Option<&'a ConnectionName>,
    pub workspace: Option<&'a WorkspaceId>,
    pub module: Option<&'a ModuleId>,
    pub line: Option<&'a str>,
    pub run: Option<&'a str>,
    pub question: Option<&'a str>,
}

impl Action {
    /// What can be done about a code; none where that is nothing that psa-host does.
    pub(crate) fn about(code: &str, about: About<'_>) -> Option<Self> {
        if let Some(hold) = HoldCode::named(code) {
            return Self::about_hold(hold, about);
        }
        let connection = about.connection?.to_string();
        let report = ReportCode::ALL.iter().find(|known| known.as_str() == code);
        match report {
            Some(ReportCode::ApprovalNeeded) => return Self::answer(about),
            Some(ReportCode::NewAccount) => return Some(Self::AnswerNewAccounts { connection }),
            Some(ReportCode::WorkspaceUnmapped | ReportCode::AccountRenamed) => {
                let workspace = about.workspace?.to_string();
                return Some(Self::MapAccount {
                    connection,
                    workspace,
                });
            }
            Some(ReportCode::ModuleUnmapped | ReportCode::ServiceRenamed) => {
                let module = about.module?.to_string();
                return Some(Self::MapService { connection, module });
            }
            _ => {}
        }
        match ErrorCode::named(code)? {
            ErrorCode::Authentication => Some(Self::Rotate { connection }),
            ErrorCode::Permission | ErrorCode::Transient | ErrorCode::NotChecked => {
                Some(Self::Check { connection })
            }
            ErrorCode::RunStalled | ErrorCode::RunEnded | ErrorCode::RunWithoutTenant => {
                Some(Self::Sync { connection })
            }
            _ => None,
        }
    }

    fn about_hold(hold: HoldCode, about: About<'_>) -> Option<Self> {
        let connection = about.connection?.to_string();
        let workspace = || about.workspace.map(ToString::to_string);
        let module = || about.module.map(ToString::to_string);
        Some(match hold {
            HoldCode::AccountMissing | HoldCode::AccountInactive => Self::MapAccount {
                connection,
                workspace: workspace()?,
            },
            HoldCode::ServiceMissing | HoldCode::ServiceInactive => Self::MapService {
                connection,
                module: module()?,
            },
            HoldCode::SeveralContracts
            | HoldCode::PinnedContractUnusable
            | HoldCode::ContractKindUnconfirmed => Self::ChooseContract {
                connection,
                workspace: workspace()?,
            },
            HoldCode::ForeignEdit => Self::DecideLine {
                connection,
                workspace: workspace()?,
                module: module()?,
            },
            HoldCode::RejectedTwice => Self::RetryLine {
                connection,
                line: about.line?.to_owned(),
            },
            HoldCode::SetAside => Self::Restore {
                connection,
                workspace: workspace()?,
            },
            HoldCode::OpenAdjustment => Self::ResolveLine {
                run: about.run?.to_owned(),
                line: about.line?.to_owned(),
            },
            HoldCode::BaselineMoved
            | HoldCode::DecisionChanged
            | HoldCode::DateChanged
            | HoldCode::RunCancelled => Self::Sync { connection },
            HoldCode::RunStopped => Self::Check { connection },
            _ => return None,
        })
    }

    fn answer(about: About<'_>) -> Option<Self> {
        let question = about.question?.to_owned();
        Some(Self::AnswerQuestion { question })
    }

    /// As a command; what a person chooses stands in capitals.
    pub fn command(&self) -> String {
        match self {
            Self::MapAccount {
                connection,
                workspace,
            } => format!("psa-host map account {connection} {workspace} ACCOUNT"),
            Self::MapService { connection, module } => {
                format!("psa-host map service {connection} {module} SERVICE")
            }
            Self::ChooseContract {
                connection,
                workspace,
            } => format!("psa-host map contract {connection} {workspace} CONTRACT"),
            Self::DecideLine {
                connection,
                workspace,
                module,
            } => format!("psa-host line adopt {connection} {workspace} {module} --why TEXT"),
            Self::RetryLine { connection, line } => {
                format!("psa-host line retry {connection} {line} --why TEXT")
            }
            Self::AnswerQuestion { question } => {
                format!("psa-host approval approve {question} --why TEXT")
            }
            Self::AnswerNewAccounts { connection } => {
                format!("psa-host approval approve --new-accounts {connection} --why TEXT")
            }
            Self::Restore {
                connection,
                workspace,
            } => format!("psa-host map restore {connection} --workspace {workspace}"),
            Self::ResolveLine { run, line } => {
                format!("psa-host run resolve {run} {line} confirmed")
            }
            Self::Check { connection } => format!("psa-host connection check {connection}"),
            Self::Rotate { connection } => format!("psa-host connection rotate {connection}"),
            Self::Sync { connection } => format!("psa-host sync {connection}"),
        }
    }

    /// One of each, for those who render them and test that they can.
    pub fn examples() -> Vec<Self> {
        let [connection, workspace, module, line, run, question] =
            ["acme", "ws-17", "edr", "4711", "r-000012", "q-000007"].map(str::to_owned);
        let (c, w, m) = (
            || connection.clone(),
            || workspace.clone(),
            || module.clone(),
        );
        vec![
            Self::MapAccount {
                connection: c(),
                workspace: w(),
            },
            Self::MapService {
                connection: c(),
                module: m(),
            },
            Self::ChooseContract {
                connection: c(),
                workspace: w(),
            },
            Self::DecideLine {
                connection: c(),
                workspace: w(),
                module: m(),
            },
            Self::RetryLine {
                connection: c(),
                line: line.clone(),
            },
            Self::AnswerQuestion { question },
            Self::AnswerNewAccounts { connection: c() },
            Self::Restore {
                connection: c(),
                workspace: w(),
            },
            Self::ResolveLine { run, line },
            Self::Check { connection: c() },
            Self::Rotate { connection: c() },
            Self::Sync { connection: c() },
        ]
    }
}
