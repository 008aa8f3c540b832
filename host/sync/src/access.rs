//! A host as one actor may use it. Every call asks first whether the actor's role allows it
//! ([`Access::may`]); what a call touches must lie in the actor's channels, and what lies in
//! others is not there for them.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use psa_host_billing::{ConnectionName, ErrorCode, WorkspaceId};
use psa_host_ledger::{Ledger, LedgerError};
use psa_host_sandbox::{BudgetStore, Sandbox};

use crate::error::rule;
use crate::{Actor, Error, Host, HostOptions, Power, Result, Scope};

/// What one actor may do with a host: all calls of this crate are made on it. Clones are
/// cheap.
///
/// ```no_run
/// use psa_host_sync::{Actor, Host, HostOptions};
///
/// let host = Host::open_existing(HostOptions::new("/var/lib/psa-host"))?;
/// for connection in host.access(Actor::operator("cli:ann")).connections()? {
///     println!("{}", connection.name);
/// }
/// # Ok::<(), psa_host_sync::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Access {
    host: Host,
    /// Writes the actor's name beside what is done.
    ledger: Ledger,
    actor: Arc<Actor>,
}

impl Host {
    /// What one actor may do with it.
    pub fn access(&self, actor: Actor) -> Access {
        Access::new(self.clone(), actor)
    }
}

impl Access {
    fn new(host: Host, actor: Actor) -> Self {
        Self {
            ledger: host.ledger().with_actor(actor.who()),
            host,
            actor: Arc::new(actor),
        }
    }

    /// Who it is.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What it is an access to.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The state, whatever the actor's role and channels: for what a call does once it was
    /// allowed, and for tests.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How the host was opened.
    pub fn options(&self) -> &HostOptions {
        self.host.options()
    }

    /// The time now, by the host's clock.
    pub fn now(&self) -> Timestamp {
        self.host.now()
    }

    pub(crate) fn sandbox(&self) -> Result<&Sandbox> {
        self.host.sandbox()
    }

    pub(crate) fn budget_store(&self) -> &Arc<dyn BudgetStore> {
        self.host.budget_store()
    }

    /// Whether the actor's role allows a call.
    pub(crate) fn may(&self, power: Power) -> Result<()> {
        let role = self.actor.role();
        if role.has(power) {
            // What all channels stand on is nobody's who has only some.
            return match power {
                Power::Operate => self.sees_everything("this"),
                _ => Ok(()),
            };
        }
        Err(rule(
            ErrorCode::NotAllowed,
            format!("{} ({role}) may not {}", self.actor.who(), power.verb()),
            format!("Ask {}.", power.holders()),
        ))
    }

    /// The same for a call on a connection, which must be in one of the actor's channels.
    pub(crate) fn may_on(&self, name: &ConnectionName, power: Power) -> Result<()> {
        self.may(power)?;
        match self.is_scoped() {
            true => self.connection(name).map(drop),
            false => Ok(()),
        }
    }

    /// Whether a connection is in one of the actor's channels. One that was removed is in
    /// nobody's.
    pub(crate) fn sees_connection(&self, name: &ConnectionName) -> Result<bool> {
        if !self.is_scoped() {
            return Ok(true);
        }
        match self.ledger.connection(name) {
            Ok(connection) => self.sees(&connection.channel),
            Err(LedgerError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a channel is one of the actor's, or below one.
    pub(crate) fn sees(&self, channel: &WorkspaceId) -> Result<bool> {
        let Scope::Channels(own) = self.actor.scope() else {
            return Ok(true);
        };
        if own.contains(channel) {
            return Ok(true);
        }
        for top in own {
            let below = self.ledger.workspaces_below(top)?;
            if below.iter().any(|workspace| workspace.id == *channel) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the actor sees some channels only.
    pub(crate) fn is_scoped(&self) -> bool {
        matches!(self.actor.scope(), Scope::Channels(_))
    }

    /// For what concerns all channels at once.
    pub(crate) fn sees_everything(&self, what: &str) -> Result<()> {
        if !self.is_scoped() {
            return Ok(());
        }
        let who = self.actor.who();
        Err(rule(
            ErrorCode::NotAllowed,
            format!("{who} may act in some channels; {what} concerns all of them"),
            "Ask the operator.",
        ))
    }
}

/// What lies in somebody else's channel is not there.
pub(crate) fn unseen(what: &'static str, id: impl ToString) -> Error {
    let id = id.to_string();
    LedgerError::NotFound { what, id }.into()
}
