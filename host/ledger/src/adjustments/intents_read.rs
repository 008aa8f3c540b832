//! Looking intents up: what is not settled, what a run made, what a line was adjusted to.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;
use psa_host_billing::{
    Adjustment, LineId, LineKey, ModuleId, RejectionKind, TenantKey, WorkspaceId,
};

use crate::adjustments::intent::{Intent, IntentRecord};
use crate::adjustments::transition::OPEN_STATES;
use crate::db::{
    Optional, Row, Sql, Tx, date, instant, instant_opt, params, parsed, parsed_opt, units,
};
use crate::error::Inside;
use crate::ids::{IntentId, RunId};
use crate::{IntentState, Ledger, LedgerError, Refusal, Result};

impl Ledger {
    /// What is not settled in a tenant, oldest first.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn open_intents(&self, tenant: &TenantKey) -> Result<Vec<IntentRecord>> {
        self.read(|view| {
            let mut rows = view.prepare(&format!(
                "{SELECT} WHERE tenant = ?1 AND state IN ({OPEN_STATES}) ORDER BY id"
            ))?;
            Ok(rows
                .query_map([tenant.as_str()], record)?
                .collect::<Sql<_>>()?)
        })
    }

    /// All intents of a run, in order.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn run_intents(&self, run: RunId) -> Result<Vec<IntentRecord>> {
        self.read(|view| {
            let mut rows = view.prepare(&format!("{SELECT} WHERE run = ?1 ORDER BY row, id"))?;
            Ok(rows.query_map([run.0], record)?.collect::<Sql<_>>()?)
        })
    }

    /// All intents for a pair in a tenant, latest first.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn intents_of_pair(
        &self,
        tenant: &TenantKey,
        workspace: &WorkspaceId,
        module: &ModuleId,
    ) -> Result<Vec<IntentRecord>> {
        self.read(|view| {
            let mut rows = view.prepare(&format!(
                "{SELECT} WHERE tenant = ?1 AND workspace = ?2 AND module = ?3
                 ORDER BY id DESC"
            ))?;
            Ok(rows
                .query_map(
                    [tenant.as_str(), workspace.as_str(), module.as_str()],
                    record,
                )?
                .collect::<Sql<_>>()?)
        })
    }

    /// Earlier intents of the same change of the same line (units and date) that may have
    /// left and were found not to have been applied, oldest first.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn sent_in_vain_before(&self, record: &IntentRecord) -> Result<Vec<IntentRecord>> {
        let change = |intent: &Intent| (intent.baseline, intent.target);
        let wanted = &record.intent;
        self.read(|view| {
            let mut rows = view.prepare(&format!(
                "{SELECT} WHERE tenant = ?1 AND effective = ?2 AND line = ?3 AND id < ?4
                     AND state = 'not-applied' AND attempt > 0
                 ORDER BY id"
            ))?;
            let found = rows.query_map(
                params![
                    wanted.tenant.as_str(),
                    wanted.effective.to_string(),
                    wanted.key.line.as_str(),
                    record.id.0
                ],
                self::record,
            )?;
            let mut same = found.collect::<Sql<Vec<_>>>()?;
            same.retain(|earlier| change(&earlier.intent) == change(&record.intent));
            Ok(same)
        })
    }

    /// One intent.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    pub fn intent(&self, id: IntentId) -> Result<IntentRecord> {
        self.read(|view| find(view, id))
    }

    /// The dates from `since` on for which each line of a tenant was adjusted, or may
    /// have been, and those that the PSA refused as adjusted.
    ///
    /// # Errors
    /// A failing or damaged database.
    pub fn adjusted_since(
        &self,
        tenant: &TenantKey,
        since: Date,
    ) -> Result<HashMap<LineId, AdjustedDates>> {
        self.read(|view| {
            let mut rows = view.prepare(&format!(
                "{SELECT} WHERE tenant = ?1 AND effective >= ?2 ORDER BY id"
            ))?;
            let mut found: HashMap<LineId, AdjustedDates> = HashMap::new();
            for record in rows.query_map([tenant.as_str(), &since.to_string()], record)? {
                let record = record?;
                let taken = Some(Refusal::Rejected(RejectionKind::DateAlreadyAdjusted));
                let refused = record.state == IntentState::Rejected && record.refusal == taken;
                if refused || record.may_be_applied() {
                    let dates = found.entry(record.intent.key.line.clone()).or_default();
                    let of = match refused {
                        true => &mut dates.refused,
                        false => &mut dates.own,
                    };
                    of.insert(record.intent.effective);
                }
            }
            Ok(found)
        })
    }
}

/// The dates for which a line was adjusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdjustedDates {
    /// By this product, or perhaps.
    pub own: BTreeSet<Date>,
    /// By somebody else: the PSA refused these dates.
    pub refused: BTreeSet<Date>,
}

/// The intent with this number.
pub(crate) fn find(view: &Tx<'_>, id: IntentId) -> Inside<IntentRecord> {
    view.prepare(&format!("{SELECT} WHERE id = ?1"))?
        .query_row([id.0], record)
        .optional()?
        .ok_or_else(|| {
            LedgerError::NotFound {
                what: "adjustment",
                id: id.to_string(),
            }
            .into()
        })
}

/// By place, not by name: thousands are read in a run, each several times.
pub(crate) const SELECT: &str =
    "SELECT id, run, row, tenant, line, contract, service, workspace, module,
    baseline, target, effective, state, attempt, code, words, evidence, intended_at, sending_at,
    answered_at, resolved_at, account, marked_in, refusal, lifted_at FROM intents";

pub(crate) fn record(row: &Row<'_>) -> Sql<IntentRecord> {
    Ok(IntentRecord {
        id: IntentId(row.get(0)?),
        run: RunId(row.get(1)?),
        intent: Intent {
            row: row.get(2)?,
            tenant: parsed(row, 3)?,
            adjustment: Adjustment {
                key: LineKey {
                    line: parsed(row, 4)?,
                    contract: parsed(row, 5)?,
                    service: parsed(row, 6)?,
                    account: parsed(row, 21)?,
                },
                workspace: parsed(row, 7)?,
                module: parsed(row, 8)?,
                baseline: units(row, 9)?,
                target: units(row, 10)?,
                effective: date(row, 11)?,
            },
        },
        state: parsed(row, 12)?,
        attempt: row.get(13)?,
        code: row.get(14)?,
        words: row.get(15)?,
        evidence: row.get(16)?,
        intended_at: instant(row, 17)?,
        sending_at: instant_opt(row, 18)?,
        answered_at: instant_opt(row, 19)?,
        resolved_at: instant_opt(row, 20)?,
        marked_in: row.get(22)?,
        refusal: parsed_opt(row, 23)?,
        lifted: row.get::<Option<i64>>(24)?.is_some(),
    })
}
