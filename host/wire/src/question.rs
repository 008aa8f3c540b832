//! What waits for a person.

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::approval::Reason;
use psa_host_billing::form::{Day, Instant};
use psa_host_billing::{ConnectionName, Money, TenantKey, Units};
use psa_host_sync::{Names, NewAccountsView, QuestionRecord, QuestionState};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::action::Action;
use crate::named::{Ids, NamesBeside};
use crate::number::units;

/// A question and what became of it.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Question<'a> {
    id: String,
    #[schemars(with = "String")]
    connection: &'a ConnectionName,
    #[schemars(with = "String")]
    tenant: &'a TenantKey,
    run: String,
    #[schemars(with = "String")]
    workspace: &'a psa_host_billing::WorkspaceId,
    #[schemars(with = "String")]
    module: &'a psa_host_billing::ModuleId,
    #[schemars(with = "String")]
    contract: &'a psa_host_billing::ContractId,
    #[schemars(with = "String")]
    service: &'a psa_host_billing::ServiceId,
    #[schemars(with = "String")]
    line: &'a psa_host_billing::LineId,
    #[serde(flatten)]
    names: NamesBeside<'a>,
    #[schemars(with = "Units")]
    baseline: Value,
    #[schemars(with = "Units")]
    target: Value,
    #[schemars(with = "Day")]
    effective_date: Date,
    monthly_change: Option<&'a Money>,
    reasons: &'a [Reason],
    rollback_of: Option<String>,
    state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Action>,
    #[schemars(with = "Instant")]
    asked_at: Timestamp,
    #[schemars(with = "Option<Instant>")]
    decided_at: Option<Timestamp>,
    decided_by: Option<&'a str>,
    why: Option<&'a str>,
}

impl<'a> Question<'a> {
    fn new(asked: &'a QuestionRecord, names: &'a Names) -> Self {
        let about = &asked.question;
        let waits = asked.state == QuestionState::Waiting;
        Self {
            id: asked.id.to_string(),
            connection: &asked.connection,
            tenant: &asked.tenant,
            run: asked.run.to_string(),
            workspace: &about.workspace,
            module: &about.module,
            contract: &about.key.contract,
            service: &about.key.service,
            line: &about.key.line,
            names: Ids::of(asked).named(Some(&asked.connection), names),
            baseline: units(about.baseline),
            target: units(about.target),
            effective_date: about.effective,
            monthly_change: about.money.as_ref(),
            reasons: &about.reasons,
            rollback_of: about.rollback.map(|(run, _)| run.to_string()),
            state: asked.state.as_str(),
            action: waits.then(|| Action::AnswerQuestion {
                question: asked.id.to_string(),
            }),
            asked_at: asked.asked_at,
            decided_at: asked.decided_at,
            decided_by: asked.decided_by.as_deref(),
            why: asked.why.as_deref(),
        }
    }
}

/// What is asked, line by line, and of new accounts in one sum.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Questions<'a> {
    questions: Vec<Question<'a>>,
    new_accounts: &'a [NewAccountsView],
}

impl<'a> Questions<'a> {
    /// With names.
    pub fn new(
        asked: &'a [QuestionRecord],
        new_accounts: &'a [NewAccountsView],
        names: &'a Names,
    ) -> Self {
        Self {
            questions: asked.iter().map(|one| Question::new(one, names)).collect(),
            new_accounts,
        }
    }
}
