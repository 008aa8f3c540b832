//! Brakes that a person releases for one run: by whom and why is in the history and in
//! the report.

use std::collections::BTreeSet;

use psa_host_billing::brake::{Brake, BrakeCode};
use psa_host_billing::rules::BrakeLimits;
use psa_host_billing::{ConnectionName, ErrorCode};
use psa_host_ledger::{RunId, Snapshot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::RunScope;
use crate::error::rule;
use crate::sentence::sentence;
use crate::{Access, Result};

/// What a person orders: at least one brake, each of them one that may be released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    codes: BTreeSet<BrakeCode>,
    why: String,
}

impl Release {
    /// Order it, with the reason.
    ///
    /// # Errors
    /// A brake that nobody may release; a reason that is none.
    pub fn new(codes: impl IntoIterator<Item = BrakeCode>, why: &str) -> Result<Self> {
        let codes: BTreeSet<BrakeCode> = codes.into_iter().collect();
        for code in &codes {
            if let Some(held) = code.never_released() {
                return Err(rule(
                    ErrorCode::BrakeNotReleasable,
                    format!("the brake {code} cannot be released: {held}"),
                    "See docs/holds.md for what to do instead.",
                ));
            }
        }
        let why = sentence("why", why)?;
        Ok(Self { codes, why })
    }

    /// Which brakes.
    pub fn codes(&self) -> &BTreeSet<BrakeCode> {
        &self.codes
    }
}

/// A brake that a person released for a run.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Released {
    /// Which brake.
    pub code: BrakeCode,
    /// By whom.
    pub by: String,
    /// The reason.
    pub why: String,
    /// What the brake said; none: it was not on.
    pub message: Option<String>,
}

/// The brakes that a person released, and what became of them.
#[derive(Debug, Default)]
pub(super) struct Releases(pub Vec<Released>);

impl Releases {
    /// Take away what was released, and keep what it said.
    pub fn still_on(&mut self, on: Vec<Brake>) -> Vec<Brake> {
        let released = |brake: &Brake| {
            let found = self.0.iter_mut().find(|one| one.code == brake.kind());
            found.map(|one| one.message = Some(brake.message()))
        };
        let mut released = released;
        on.into_iter()
            .filter(|brake| released(brake).is_none())
            .collect()
    }

    /// Which brakes.
    pub fn codes(&self) -> BTreeSet<BrakeCode> {
        self.0.iter().map(|one| one.code).collect()
    }
}

impl Access {
    /// Keep in the history what a run goes without.
    pub(super) fn release_brakes(
        &self,
        connection: &ConnectionName,
        run: RunId,
        dry_run: bool,
        order: Option<&Release>,
    ) -> Result<Releases> {
        let Some(Release { codes, why }) = order else {
            return Ok(Releases::default());
        };
        let detail =
            json!({ "connection": connection, "brakes": codes, "why": why, "dry_run": dry_run });
        let subject = run.to_string();
        self.ledger()
            .record_event_of(connection, "brake.released", &subject, &detail)?;
        let released = codes.iter().map(|code| Released {
            code: *code,
            by: self.actor().who().to_owned(),
            why: why.clone(),
            message: None,
        });
        Ok(Releases(released.collect()))
    }

    /// The snapshot to plan from, or what stands against it and was not released.
    pub(super) fn usable<'s>(
        &self,
        begun: &RunScope<'_>,
        snapshot: Option<&'s Snapshot>,
        limits: &BrakeLimits,
        released: &mut Releases,
    ) -> Result<std::result::Result<&'s Snapshot, Vec<Brake>>> {
        let Some(snapshot) = snapshot else {
            return Ok(Err(vec![Brake::NoSnapshot]));
        };
        let connection = &begun.open.connection;
        let on = self.brakes_of_snapshot(connection, snapshot, begun.zone, limits)?;
        let on = released.still_on(on);
        if !on.is_empty() {
            return Ok(Err(on));
        }
        Ok(match snapshot.complete {
            true => Ok(snapshot),
            false => Err(vec![Brake::SnapshotIncomplete]),
        })
    }
}
