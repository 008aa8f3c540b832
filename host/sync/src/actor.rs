//! Who acts: a person at the command line, a user, an API token or the scheduler; in which
//! channels, and with which role.

use std::fmt;

use psa_host_billing::WorkspaceId;

/// Who does something, what they may do, and where.
///
/// ```
/// use psa_host_sync::{Actor, Power, Role, Scope};
///
/// let ann = Actor::new("ann", Role::Mapper, Scope::Channels(vec!["msp".parse()?]));
/// assert!(ann.role().has(Power::Map));
/// assert!(!ann.role().has(Power::Approve), "who maps does not approve what follows");
/// # Ok::<(), psa_host_billing::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    who: String,
    role: Role,
    scope: Scope,
}

impl Actor {
    /// `who` is written beside everything that is done, for the history (`cli:ann`).
    pub fn new(who: impl Into<String>, role: Role, scope: Scope) -> Self {
        Self {
            who: who.into(),
            role,
            scope,
        }
    }

    /// Whoever can read the key of this data directory: everything, everywhere.
    pub fn operator(who: impl Into<String>) -> Self {
        Self::new(who, Role::Operator, Scope::Everything)
    }

    /// The name in the history.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// What they may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Where.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// What somebody is to the MSP. No role contains another but by what it [has](Role::has).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Looks, and changes nothing.
    Viewer,
    /// Maps workspaces and modules, and says what is counted.
    Mapper,
    /// Approves what is posted, starts runs, and takes back.
    Approver,
    /// Runs a channel: connections, rules, and all that mappers and approvers do.
    Admin,
    /// Runs the installation: plugins, tenants, all channels.
    Operator,
}

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Power {
    /// To look, also at what the PSA has now: requests count for the tenant's budget.
    Read,
    /// To change what belongs together and what is counted.
    Map,
    /// To let units be posted, or not.
    Approve,
    /// To change a connection, its rules, and the counts of a channel.
    Manage,
    /// To change what all channels stand on.
    Operate,
}

impl Role {
    /// All of them, from the least to the most.
    pub const ALL: [Self; 5] = [
        Self::Viewer,
        Self::Mapper,
        Self::Approver,
        Self::Admin,
        Self::Operator,
    ];

    /// Which role may do what.
    pub fn has(self, power: Power) -> bool {
        use Power::{Approve, Manage, Map, Operate, Read};

        let powers: &[Power] = match self {
            Self::Viewer => &[Read],
            Self::Mapper => &[Read, Map],
            Self::Approver => &[Read, Approve],
            Self::Admin => &[Read, Map, Approve, Manage],
            Self::Operator => &[Read, Map, Approve, Manage, Operate],
        };
        powers.contains(&power)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Mapper => "mapper",
            Self::Approver => "approver",
            Self::Admin => "admin",
            Self::Operator => "operator",
        })
    }
}

impl Power {
    /// What it lets one do, after "may not".
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Read => "look",
            Self::Map => "change what is mapped and counted",
            Self::Approve => "decide what is posted",
            Self::Manage => "change connections, rules and counts",
            Self::Operate => "change plugins, tenants and what all channels share",
        }
    }

    /// Who may.
    pub(crate) fn holders(self) -> &'static str {
        match self {
            Self::Read => "anybody with a role",
            Self::Map => "a mapper or an admin of the channel",
            Self::Approve => "an approver or an admin of the channel",
            Self::Manage => "an admin of the channel",
            Self::Operate => "the operator",
        }
    }
}

/// Where somebody may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// In every channel, and where there is none yet.
    Everything,
    /// In these channel workspaces and in what lies below.
    Channels(Vec<WorkspaceId>),
}
