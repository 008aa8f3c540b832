//! What waits for a person.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use psa_host_billing::approval::Reason;
use psa_host_billing::form::{Day, Instant};
use psa_host_billing::{ConnectionName, Money, TenantKey, Units};
use psa_host_sync::{Names, NewAccountsView, QuestionRecord, QuestionState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Fix};
use crate::named::{Ids, NamesBeside};
use crate::number::{Number, units};

/// A question and what became of it.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Question<'a> {
    pub id: String,
    #[schemars(with = "String")]
    pub connection: Cow<'a, ConnectionName>,
    #[schemars(with = "String")]
    pub tenant: Cow<'a, TenantKey>,
    pub run: String,
    #[schemars(with = "String")]
    pub workspace: Cow<'a, psa_host_billing::WorkspaceId>,
    #[schemars(with = "String")]
    pub module: Cow<'a, psa_host_billing::ModuleId>,
    #[schemars(with = "String")]
    pub contract: Cow<'a, psa_host_billing::ContractId>,
    #[schemars(with = "String")]
    pub service: Cow<'a, psa_host_billing::ServiceId>,
    #[schemars(with = "String")]
    pub line: Cow<'a, psa_host_billing::LineId>,
    #[serde(flatten)]
    pub names: NamesBeside<'a>,
    #[schemars(with = "Units")]
    pub baseline: Number,
    #[schemars(with = "Units")]
    pub target: Number,
    #[schemars(with = "Day")]
    pub effective_date: Date,
    pub monthly_change: Option<Cow<'a, Money>>,
    pub reasons: Cow<'a, [Reason]>,
    pub rollback_of: Option<String>,
    pub state: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Fix>,
    #[schemars(with = "Instant")]
    pub asked_at: Timestamp,
    #[schemars(with = "Option<Instant>")]
    pub decided_at: Option<Timestamp>,
    pub decided_by: Option<Cow<'a, str>>,
    pub why: Option<Cow<'a, str>>,
}

impl<'a> Question<'a> {
    fn new(asked: &'a QuestionRecord, names: &'a Names) -> Self {
        let about = &asked.question;
        let waits = asked.state == QuestionState::Waiting;
        Self {
            id: asked.id.to_string(),
            connection: Cow::Borrowed(&asked.connection),
            tenant: Cow::Borrowed(&asked.tenant),
            run: asked.run.to_string(),
            workspace: Cow::Borrowed(&about.workspace),
            module: Cow::Borrowed(&about.module),
            contract: Cow::Borrowed(&about.key.contract),
            service: Cow::Borrowed(&about.key.service),
            line: Cow::Borrowed(&about.key.line),
            names: Ids::of(asked).named(Some(&asked.connection), names),
            baseline: units(about.baseline),
            target: units(about.target),
            effective_date: about.effective,
            monthly_change: about.money.as_ref().map(Cow::Borrowed),
            reasons: Cow::Borrowed(&about.reasons),
            rollback_of: about.rollback.map(|(run, _)| run.to_string()),
            state: Cow::Borrowed(asked.state.as_str()),
            action: waits.then(|| {
                let question = asked.id.to_string();
                Fix::from(Action::AnswerQuestion { question })
            }),
            asked_at: asked.asked_at,
            decided_at: asked.decided_at,
            decided_by: asked.decided_by.as_deref().map(Cow::Borrowed),
            why: asked.why.as_deref().map(Cow::Borrowed),
        }
    }
}

/// What is asked, line by line, and of new accounts in one sum.
#[derive(Debug, JsonSchema, Serialize, Deserialize)]
pub struct Questions<'a> {
    pub questions: Vec<Question<'a>>,
    pub new_accounts: Cow<'a, [NewAccountsView]>,
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
            new_accounts: Cow::Borrowed(new_accounts),
        }
    }
}
