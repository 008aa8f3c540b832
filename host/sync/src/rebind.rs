//! A vendor moved the PSA: the plugin reports another tenant key, and nobody but a person
//! can say that it is the same tenant. What is known of it is looked for at the new place
//! and shown as proof; on a yes everything moves in one transaction.

use std::collections::BTreeMap;

use psa_host_billing::rebind::{KnownAccount, Proof};
use psa_host_billing::{AccountId, ConnectionName, ErrorCode, LineKey, TenantKey};
use psa_host_ledger::{Connection, NameOf, Rebound, TenantLock};
use psa_host_sandbox::Depth;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::rule;
use crate::wiring::OpenConnection;
use crate::{Access, Error, Power, Purpose, Result, Watch};

/// Lines that are looked for at most, spread over all: enough to tell one database from
/// another, whatever the tenant's size.
const LINES_LOOKED_FOR: usize = 500;

/// A tenant that is somewhere else now, as a person is asked about it.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct RebindProposal {
    /// Through which connection it was seen.
    pub connection: ConnectionName,
    /// The tenant, as everything is kept now.
    pub from: TenantKey,
    /// As everything would be kept. A yes names this.
    pub to: TenantKey,
    /// The key as the plugin reports it.
    pub reported: TenantKey,
    /// The new place, for a person.
    pub label: String,
    /// All connections of the tenant: they move together.
    pub connections: Vec<ConnectionName>,
    /// Connections that are at the new place already and would be merged.
    pub merged: Vec<ConnectionName>,
    /// Adjustments that are not settled: they are read there before anything is sent.
    pub open_adjustments: usize,
    /// What is there of that which is known.
    pub proof: Proof,
    /// How many requests looking took.
    pub requests: u64,
}

/// What moved.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct ReboundView {
    /// What everything is kept under now.
    pub tenant: TenantKey,
    /// The connections that moved.
    pub connections: Vec<ConnectionName>,
    /// Connections that were there already, with what they had found right.
    pub merged: Vec<ConnectionName>,
    /// Mappings of those that said the same as one that moved, and are gone.
    pub same_mappings: u64,
    /// Adjustments that the next run settles by reading.
    pub open_adjustments: u64,
}

impl Access {
    /// Look for what is known of a connection's tenant where the connection leads now.
    /// Nothing is changed.
    ///
    /// # Errors
    /// No such connection; its tenant has not changed; a run works on the tenant; the new
    /// key is somebody else's, or has adjustments; nothing of the tenant is there; whatever
    /// the PSA or the plugin answers.
    pub async fn propose_rebind(
        &self,
        name: &ConnectionName,
        watch: Watch<'_>,
    ) -> Result<RebindProposal> {
        self.may_on(name, Power::Operate)?;
        let connection = self.connection(name)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        let report = open
            .reader
            .check(Depth::Full)
            .await
            .map_err(|e| open.failed(e))?;
        let (from, to) = self.ledger().rebind_target(name, &report.tenant)?;
        // Said now, and not after a long reading.
        drop(self.both_locks(name, &from, &to)?);
        let all = self.ledger().connections()?;
        let of = |tenant: &TenantKey| -> Vec<&Connection> {
            let of = all.iter().filter(|c| c.tenant.as_ref() == Some(tenant));
            of.collect()
        };
        let names = |of: &[&Connection]| of.iter().map(|c| c.name.clone()).collect();
        let proof = self.proof(&open, &from, &of(&from), watch).await?;
        if !proof.is_some() {
            return Err(no_proof(&connection.name, &report.tenant, &proof));
        }
        Ok(RebindProposal {
            connection: name.clone(),
            connections: names(&of(&from)),
            merged: names(&of(&to)),
            open_adjustments: self.ledger().open_intents(&from)?.len(),
            from,
            to,
            reported: report.tenant,
            label: report.tenant_label,
            proof,
            requests: open.session.requests().total,
        })
    }

    /// Move the tenant as it was proposed.
    ///
    /// # Errors
    /// As for the proposal, where things have changed since; an account or workspace that
    /// is mapped otherwise by a connection which is there already.
    pub async fn accept_rebind(&self, proposal: &RebindProposal) -> Result<ReboundView> {
        self.may(Power::Operate)?;
        let name = &proposal.connection;
        let _locks = self.both_locks(name, &proposal.from, &proposal.to)?;
        let open = self.open_connection(name, Purpose::Look).await?;
        let report = open
            .reader
            .check(Depth::Brief)
            .await
            .map_err(|e| open.failed(e))?;
        if report.tenant != proposal.reported {
            return Err(rule(
                ErrorCode::RebindOutdated,
                format!(
                    "connection {name} leads to tenant {} now, and not to {} as when it was looked \
                     at; nothing was changed",
                    report.tenant, proposal.reported
                ),
                format!("Look again with `psa-host connection rebind {name}`."),
            ));
        }
        let proof = serde_json::json!({
            "accounts": proposal.proof.accounts,
            "accounts_same": proposal.proof.accounts_same,
            "accounts_renamed": proposal.proof.accounts_renamed.len(),
            "accounts_missing": proposal.proof.accounts_missing.len(),
            "lines": proposal.proof.lines,
            "lines_looked_for": proposal.proof.lines_looked_for,
            "lines_same": proposal.proof.lines_same,
        });
        let Rebound {
            tenant,
            connections,
            merged,
            same_mappings,
            open,
        } = self
            .ledger()
            .rebind_tenant(name, &proposal.from, &proposal.reported, &proof)?;
        Ok(ReboundView {
            tenant,
            connections,
            merged,
            same_mappings,
            open_adjustments: open,
        })
    }

    /// Nobody else works on either tenant while these are held.
    fn both_locks(
        &self,
        name: &ConnectionName,
        from: &TenantKey,
        to: &TenantKey,
    ) -> Result<[TenantLock; 2]> {
        let who = format!("connection rebind {name}");
        let lock = |tenant| self.ledger().tenant_lock(tenant, &who);
        Ok([lock(from)?, lock(to)?])
    }

    async fn proof(
        &self,
        open: &OpenConnection,
        tenant: &TenantKey,
        connections: &[&Connection],
        watch: Watch<'_>,
    ) -> Result<Proof> {
        let known = self.known_accounts_of(connections)?;
        let there = match known.is_empty() {
            true => Vec::new(),
            false => {
                let read = open.reader.accounts(watch).await;
                read.map_err(|error| open.failed(error))?
            }
        };
        let there = there
            .iter()
            .map(|account| (&account.id, account.name.as_str()));
        let proof = Proof::default().with_accounts(known, there);
        let lines = self.ledger().known_lines(tenant)?;
        let sample = spread(&lines, LINES_LOOKED_FOR);
        let today = self.today(&open.connection)?;
        let read = open.reader.lines(&sample, today).await;
        let read = read.map_err(|error| open.failed(error))?;
        let there = read.lines.iter().map(|line| &line.key);
        Ok(proof.with_lines(lines.len(), sample, there))
    }

    /// The accounts that connections are mapped to, each once, with their known names.
    fn known_accounts_of(&self, connections: &[&Connection]) -> Result<Vec<KnownAccount>> {
        let mut known: BTreeMap<AccountId, Option<String>> = BTreeMap::new();
        for connection in connections {
            let names = self
                .ledger()
                .mapped_names(&connection.name, NameOf::Account)?;
            for mapped in self.ledger().mappings(&connection.name)?.accounts {
                let name = names.get(mapped.account.as_str()).cloned();
                let entry = known.entry(mapped.account).or_default();
                *entry = entry.take().or(name);
            }
        }
        let known = known.into_iter();
        Ok(known.map(|(id, name)| KnownAccount { id, name }).collect())
    }
}

/// So many of a list, evenly from all of it.
fn spread(lines: &[LineKey], at_most: usize) -> Vec<LineKey> {
    if lines.len() <= at_most {
        return lines.to_vec();
    }
    let places = (0..at_most).map(|n| n * lines.len() / at_most);
    places
        .filter_map(|place| lines.get(place).cloned())
        .collect()
}

fn no_proof(name: &ConnectionName, reported: &TenantKey, proof: &Proof) -> Error {
    if proof.accounts == 0 && proof.lines == 0 {
        return rule(
            ErrorCode::RebindNoProof,
            format!(
                "nothing is known of the tenant of connection {name} that could be looked for at \
                 {reported}: no account is mapped, and no line was posted or found right"
            ),
            "There is nothing to lose: remove the connection, and add it anew.",
        );
    }
    rule(
        ErrorCode::RebindNoProof,
        format!(
            "{reported} is not where the tenant of connection {name} was moved to: none of {} \
             mapped accounts is there under its name, and {} of {} known lines",
            proof.accounts, proof.lines_same, proof.lines_looked_for
        ),
        "Put the former credentials and address back. Where this is another PSA, add a new \
         connection for it: mappings are not carried over. Where the API user may not see the \
         companies, give it the right in the PSA.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all_lines_and_has_each_once() {
        let lines: Vec<LineKey> = (0..1_203)
            .map(|n| LineKey {
                line: n.to_string().parse().unwrap(),
                contract: "9".parse().unwrap(),
                service: "8".parse().unwrap(),
                account: "7".parse().unwrap(),
            })
            .collect();
        let sample = spread(&lines, 500);
        assert_eq!(sample.len(), 500);
        assert_eq!(sample[0], lines[0]);
        assert!(sample[499].line.as_str().parse::<usize>().unwrap() > 1_190);
        let mut ids: Vec<_> = sample.iter().map(|key| key.line.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 500);
        assert_eq!(spread(&lines[..3], 500).len(), 3);
    }
}
