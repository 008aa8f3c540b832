//! What can be done about something, as data: each face renders it. The command line shows
//! [`Action::command`], a page makes a button of it, a program goes by the fields.

use psa_host_billing::brake::BrakeCode;
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
    /// Run again, and once more when what is in doubt may be read: what is missing is sent.
    Settle {
        /// Of which connection.
        connection: String,
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
    /// Let runs at the connection again.
    Resume {
        /// Which connection.
        connection: String,
    },
    /// Run once as if a brake were not on, because what it stops at is right.
    ReleaseBrake {
        /// Which connection.
        connection: String,
        /// The brake's code.
        brake: String,
    },
    /// Look at the limits and policies, to change what does not fit.
    ChangeRules {
        /// Of which connection.
        connection: String,
    },
    /// Import counts.
    ImportUsage,
    /// Import a whole list of workspaces.
    ImportWorkspaces,
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
    pub question: Option<&'a str>,
}

impl Action {
    /// What can be done about a code; none where that is nothing that psa-host does.
    pub(crate) fn about(code: &str, about: About<'_>) -> Option<Self> {
        if let Some(hold) = HoldCode::named(code) {
            return Self::about_hold(hold, about);
        }
        if let Ok(brake) = code.parse() {
            return Self::about_brake(brake, about);
        }
        let connection = about.connection?.to_string();
        let report = ReportCode::ALL.iter().find(|known| known.as_str() == code);
        match report {
            Some(ReportCode::ApprovalNeeded) => return Self::answer(about),
            Some(ReportCode::NewAccount) => return Some(Self::AnswerNewAccounts { connection }),
            Some(ReportCode::LimitsAdded) => return Some(Self::ChangeRules { connection }),
            Some(ReportCode::NotApplied | ReportCode::RunKilled | ReportCode::RunAbandoned) => {
                return Some(Self::Sync { connection });
            }
            // Nothing is known before the quarantine has passed.
            Some(ReportCode::NotReadBack | ReportCode::NoClearAnswer) => {
                return Some(Self::Settle { connection });
            }
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
            ErrorCode::ConnectionPaused => Some(Self::Resume { connection }),
            _ => None,
        }
    }

    fn about_brake(brake: BrakeCode, about: About<'_>) -> Option<Self> {
        Some(match brake {
            BrakeCode::WorkspacesUnread => Self::ImportWorkspaces,
            // Which of the two is wrong, a person says.
            BrakeCode::SnapshotsDisagree => return None,
            BrakeCode::NoSnapshot
            | BrakeCode::SnapshotIncomplete
            | BrakeCode::SnapshotInFuture
            | BrakeCode::SnapshotStale
            | BrakeCode::SnapshotOlderThanLast
            | BrakeCode::SnapshotAllZero
            | BrakeCode::TooMuchUnread => Self::ImportUsage,
            BrakeCode::TooManyAccounts
            | BrakeCode::TooManyUnits
            | BrakeCode::CountsAlike
            | BrakeCode::TooMuchMoney
            | BrakeCode::MoneyUnknown
            | BrakeCode::AccountsVanished
            | BrakeCode::LinesVanished => Self::ReleaseBrake {
                connection: about.connection?.to_string(),
                brake: brake.as_str().to_owned(),
            },
        })
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
            HoldCode::OpenAdjustment => Self::Settle { connection },
            // Which run sent it, the message says, and what became of it only the PSA.
            HoldCode::UnexpectedUnits | HoldCode::NotAppliedTwice => return None,
            HoldCode::BaselineMoved
            | HoldCode::DecisionChanged
            | HoldCode::DateChanged
            | HoldCode::NotSent
            | HoldCode::RunParked
            | HoldCode::RunCancelled => Self::Sync { connection },
            HoldCode::UsageMissing | HoldCode::UsageUnread | HoldCode::CountImplausible => {
                Self::ImportUsage
            }
            HoldCode::NotBilled | HoldCode::FallToZero | HoldCode::PolicyNotPossible => {
                Self::ChangeRules { connection }
            }
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
            Self::Settle { connection } => format!("psa-host sync {connection} --wait"),
            Self::Check { connection } => format!("psa-host connection check {connection}"),
            Self::Rotate { connection } => format!("psa-host connection rotate {connection}"),
            Self::Sync { connection } => format!("psa-host sync {connection}"),
            Self::Resume { connection } => format!("psa-host connection resume {connection}"),
            Self::ReleaseBrake { connection, brake } => {
                format!("psa-host sync {connection} --release {brake} --why TEXT")
            }
            Self::ChangeRules { connection } => format!("psa-host rules show {connection}"),
            Self::ImportUsage => "psa-host usage import FILE".to_owned(),
            Self::ImportWorkspaces => "psa-host workspace import FILE".to_owned(),
        }
    }

    /// One of each, for those who render them and test that they can.
    pub fn examples() -> Vec<Self> {
        let [connection, workspace, module, line, question] =
            ["acme", "ws-17", "edr", "4711", "q-000007"].map(str::to_owned);
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
                line,
            },
            Self::AnswerQuestion { question },
            Self::AnswerNewAccounts { connection: c() },
            Self::Restore {
                connection: c(),
                workspace: w(),
            },
            Self::Settle { connection: c() },
            Self::Check { connection: c() },
            Self::Rotate { connection: c() },
            Self::Sync { connection: c() },
            Self::Resume { connection: c() },
            Self::ReleaseBrake {
                connection: c(),
                brake: BrakeCode::TooManyAccounts.as_str().to_owned(),
            },
            Self::ChangeRules { connection: c() },
            Self::ImportUsage,
            Self::ImportWorkspaces,
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    /// What can be done about every code there is, as it is checked in: a code that loses its
    /// action shows in the review.
    #[test]
    fn the_table_of_what_can_be_done_about_each_code_is_up_to_date() {
        let connection = ConnectionName::new("NAME").unwrap();
        let workspace = WorkspaceId::new("WORKSPACE").unwrap();
        let module = ModuleId::new("MODULE").unwrap();
        let about = About {
            connection: Some(&connection),
            workspace: Some(&workspace),
            module: Some(&module),
            line: Some("LINE"),
            question: Some("QUESTION"),
        };
        let errors = ErrorCode::ALL.iter().map(|code| code.as_str());
        let holds = HoldCode::ALL.iter().map(|code| code.as_str());
        let reports = ReportCode::ALL.iter().map(|code| code.as_str());
        let brakes = BrakeCode::ALL.iter().map(|code| code.as_str());
        let mut table = String::new();
        for (title, codes) in [
            ("brakes", brakes.collect::<Vec<_>>()),
            ("holds", holds.collect()),
            ("reports", reports.collect()),
            ("errors", errors.collect()),
        ] {
            let mut in_words = Vec::new();
            writeln!(table, "{title}").unwrap();
            for code in codes {
                match Action::about(code, about) {
                    Some(action) => writeln!(table, "  {code}: {}", action.command()).unwrap(),
                    None => in_words.push(code),
                }
            }
            writeln!(table, "  in words alone: {}", in_words.join(", ")).unwrap();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("actions.txt");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &table).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == table,
            "actions.txt is out of date: run with UPDATE_DOCS=1"
        );
    }

    #[test]
    fn an_action_says_nothing_of_what_is_not_known() {
        let connection = ConnectionName::new("acme").unwrap();
        let about = About {
            connection: Some(&connection),
            ..About::default()
        };
        assert_eq!(Action::about("several-contracts", about), None);
        assert_eq!(Action::about("foreign-edit", about), None);
        assert_eq!(Action::about("too-many-accounts", About::default()), None);
        assert_eq!(Action::about("no-such-code", about), None);
        let release = Action::about("too-many-accounts", about).map(|action| action.command());
        let command = "psa-host sync acme --release too-many-accounts --why TEXT";
        assert_eq!(release.as_deref(), Some(command));
    }
}
