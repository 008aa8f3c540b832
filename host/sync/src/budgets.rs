//! The request budgets of tenants: what was spent, until when a PSA asked for a pause, and
//! a person's lift of such a pause.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use psa_host_billing::{ConnectionName, ErrorCode, TenantKey};
use psa_host_ledger::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::rule;
use crate::{Access, Power, Result};

/// A tenant's budget.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct BudgetView {
    /// The tenant; none for a connection that was never checked.
    pub tenant: Option<TenantKey>,
    /// The connections that spend from it.
    pub connections: Vec<ConnectionName>,
    /// Requests of this data directory in the present window.
    pub spent: u64,
    /// Requests of everybody, as the PSA said last.
    pub used: Option<UsedView>,
    /// The most that the PSA stands in its window, as the plugin declares.
    pub limit: Option<u32>,
    /// The window's length.
    pub window_seconds: Option<u32>,
    /// Until when nothing is sent, because the PSA asked for a pause.
    #[schemars(with = "Option<psa_host_billing::form::Instant>")]
    pub paused_until: Option<Timestamp>,
}

/// What the PSA said of its own count.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct UsedView {
    /// Requests of everybody in its window.
    pub used: u64,
    /// Allowed in it; none where it did not say.
    pub allowed: Option<u64>,
    /// When it said so.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub at: Timestamp,
}

impl Access {
    /// The budgets of all tenants, or of one connection's.
    ///
    /// # Errors
    /// No such connection; a failing or damaged database.
    pub fn budgets(&self, only: Option<&ConnectionName>) -> Result<Vec<BudgetView>> {
        self.may(Power::Read)?;
        let connections = match only {
            Some(name) => {
                let one = self.connection(name)?;
                let all = self.connections_seen()?.into_iter();
                let same = |c: &Connection| scope(c) == scope(&one);
                all.filter(same).collect()
            }
            None => self.connections_seen()?,
        };
        let mut by_scope: BTreeMap<String, Vec<Connection>> = BTreeMap::new();
        for connection in connections {
            by_scope
                .entry(scope(&connection))
                .or_default()
                .push(connection);
        }
        let budgets = by_scope.into_iter();
        budgets
            .map(|(scope, of)| self.budget(&scope, &of))
            .collect()
    }

    /// Lift the pause that a connection's PSA asked for. Says until when it would have held.
    ///
    /// # Errors
    /// No such connection; nothing is paused; no reason given.
    pub fn lift_pause(&self, name: &ConnectionName, why: &str) -> Result<Timestamp> {
        self.may_on(name, Power::Approve)?;
        let connection = self.connection(name)?;
        if why.trim().is_empty() {
            let fix = "Say with --why how you know that the PSA takes requests again.";
            return Err(rule(ErrorCode::WhyMissing, "no reason is given", fix));
        }
        let lifted = self.ledger().budget_lift(&scope(&connection), why)?;
        lifted.ok_or_else(|| {
            rule(
                ErrorCode::NotPaused,
                format!("the tenant of connection {name} is not paused"),
                "See `psa-host budget show`. A used-up request limit is no pause: it frees itself as \
                 time passes.",
            )
        })
    }

    fn budget(&self, scope: &str, connections: &[Connection]) -> Result<BudgetView> {
        let mut window = None;
        for connection in connections {
            // A plugin that cannot be read any more leaves what was counted.
            if let Ok(plugin) = self.installed_for(connection) {
                window = window.or(plugin.description.limits.window);
            }
        }
        let length = window.map_or(3_600, |window| i64::from(window.seconds));
        let since = self.now().checked_sub(SignedDuration::from_secs(length));
        let observed = self.ledger().budget_observed(scope)?;
        Ok(BudgetView {
            tenant: connections.first().and_then(|c| c.tenant.clone()),
            connections: connections.iter().map(|c| c.name.clone()).collect(),
            spent: self
                .ledger()
                .budget_spent(scope, since.unwrap_or(Timestamp::MIN))?,
            used: observed.map(|seen| UsedView {
                used: seen.used,
                allowed: Some(seen.allowed).filter(|allowed| *allowed > 0),
                at: seen.at,
            }),
            limit: window.map(|window| window.requests),
            window_seconds: window.map(|window| window.seconds),
            paused_until: self.ledger().budget_paused(scope)?,
        })
    }
}

/// The scope under which the sandbox counts the requests of a connection.
fn scope(connection: &Connection) -> String {
    match &connection.tenant {
        Some(tenant) => format!("tenant:{tenant}"),
        None => format!("connection:{}", connection.name),
    }
}
