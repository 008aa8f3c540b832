//! What people decide: about units that somebody changed in the PSA, about changes that
//! wait, and about the rules themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use psa_host_billing::approval::{NewAccounts, Reason};
use psa_host_billing::plan::Decision;
use psa_host_billing::rules::{EffectivePolicy, Rules};
use psa_host_billing::stance::Stance;
use psa_host_billing::{
    AccountId, ConnectionName, ErrorCode, HoldCode, LineId, ModuleId, Units, WorkspaceId,
};
use psa_host_ledger::{Answering, QuestionId, QuestionRecord, QuestionState, StanceRecord};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::unseen;
use crate::error::rule;
use crate::{Access, Done, Power, Result};

/// What a person decides about a line whose units somebody else changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineDecision {
    /// Right until the count changes.
    Adopt,
    /// The count is right.
    Overwrite,
    /// Leave it alone.
    Pin,
    /// Take an earlier decision back.
    Release,
}

/// What waits of a connection's new accounts: one question.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct NewAccountsView {
    /// Whose.
    pub connection: ConnectionName,
    /// When the first of it was asked.
    #[schemars(with = "psa_host_billing::form::Instant")]
    pub since: Timestamp,
    /// All of it in one sum.
    #[serde(flatten)]
    pub sums: NewAccounts,
}

fn is_of_new_account(asked: &QuestionRecord) -> bool {
    asked.question.reasons.contains(&Reason::NewAccount)
}

impl Access {
    /// A connection's rules.
    ///
    /// # Errors
    /// No such connection.
    pub fn rules(&self, name: &ConnectionName) -> Result<Rules> {
        self.may_on(name, Power::Read)?;
        self.connection(name)?;
        Ok(self.ledger().rules(name)?)
    }

    /// Set a connection's rules.
    ///
    /// # Errors
    /// No such connection; a number that makes no sense; a date that the PSA cannot keep.
    pub fn set_rules(&self, name: &ConnectionName, rules: &Rules) -> Result<()> {
        self.may_on(name, Power::Manage)?;
        let connection = self.connection(name)?;
        self.policy_is_possible(&connection.plugin, rules.effective.policy)?;
        if let Err(what) = rules.check() {
            return Err(rule(ErrorCode::RuleOutOfRange, what, "Correct the number."));
        }
        Ok(self.ledger().set_rules(name, rules)?)
    }

    /// What the plugin says of its PSA may rule a policy out: what is certain to be held is
    /// refused when it is set.
    fn policy_is_possible(&self, plugin: &str, policy: EffectivePolicy) -> Result<()> {
        // Of a file that this release cannot read nothing is known, and nothing is posted with it.
        let Ok(plugin) = self.installed(plugin) else {
            return Ok(());
        };
        let description = plugin.description;
        if description.quantity.effect.allows(policy) {
            return Ok(());
        }
        let message = format!(
            "with {} a change holds from the moment it is sent: it cannot be dated back to the \
             first day of the running period, as {policy} asks",
            description.label
        );
        let fix = "Use `--effective today`, or `--effective next-period`: a change is then sent on \
                   the next period's first day.";
        Err(rule(HoldCode::PolicyNotPossible, message, fix))
    }

    /// Decide about the line of a pair, as it stands in the PSA now.
    ///
    /// # Errors
    /// A pair without a line; a line that was not changed by others, where adopting or
    /// overwriting would mean nothing; a PSA that does not answer.
    pub async fn decide_line(
        &self,
        name: &ConnectionName,
        (workspace, module): (&WorkspaceId, &ModuleId),
        decision: LineDecision,
        why: &str,
    ) -> Result<Done> {
        self.may_on(name, Power::Approve)?;
        let planned = self.plan_pair(name, workspace, module).await?;
        let Some(line) = planned.line else {
            return Err(no_line(
                workspace,
                module,
                "nothing is used and nothing is billed",
            ));
        };
        let Some(key) = line.line.clone() else {
            let why = match &line.decision {
                Decision::Hold(hold) => hold.message.clone(),
                _ => "no contract has a line for it".to_owned(),
            };
            return Err(no_line(workspace, module, &why));
        };
        let id = &key.line;
        let units = line.baseline;
        let done = |result: &'static str, message| Done {
            result: result.into(),
            message,
            notes: Vec::new(),
        };
        if decision == LineDecision::Release {
            self.ledger().release_stance(&planned.tenant, id, why)?;
            let message = format!("line {id} is compared and posted like any other again");
            return Ok(done("released", message));
        }
        if !line.changed_by_others && decision != LineDecision::Pin {
            return Err(not_changed(id, units));
        }
        let (stance, message) = match (decision, units, line.target) {
            (LineDecision::Pin, units, _) => {
                let at = units
                    .map(|units| format!(" at {units} units"))
                    .unwrap_or_default();
                let message = format!("line {id} is left{at} until it is released");
                let why = why.to_owned();
                (Stance::Pin { why }, message)
            }
            (LineDecision::Adopt, Some(units), Some(target)) => (
                Stance::Adopt { units, target },
                format!("line {id} keeps its {units} units until the count ({target}) changes"),
            ),
            (LineDecision::Overwrite, Some(units), _) => (
                Stance::Overwrite { units },
                format!("the next sync may set line {id} from {units} units to the count, once"),
            ),
            _ => {
                let why = "its units or its count are not known";
                return Err(no_line(workspace, module, why));
            }
        };
        self.ledger()
            .set_stance(&planned.tenant, id, (workspace, module), &stance, why)?;
        let word = match decision {
            LineDecision::Adopt => "adopted",
            LineDecision::Overwrite => "overwrite",
            _ => "pinned",
        };
        Ok(done(word, message))
    }

    /// What was decided about a connection's lines.
    ///
    /// # Errors
    /// No such connection.
    pub fn line_decisions(&self, name: &ConnectionName) -> Result<Vec<StanceRecord>> {
        self.may_on(name, Power::Read)?;
        match self.connection(name)?.tenant {
            Some(tenant) => Ok(self.ledger().stances(&tenant)?),
            None => Ok(Vec::new()),
        }
    }

    /// Changes that wait for a person, or all questions ever asked; latest first.
    ///
    /// # Errors
    /// No such connection.
    pub fn questions(
        &self,
        name: Option<&ConnectionName>,
        all: bool,
    ) -> Result<Vec<QuestionRecord>> {
        self.may(Power::Read)?;
        if let Some(name) = name {
            self.connection(name)?;
        }
        let states: &[QuestionState] = match all {
            true => &[],
            false => &[QuestionState::Waiting],
        };
        let mut questions = self.ledger().questions(name, states)?;
        let mut seen = BTreeMap::new();
        for question in &questions {
            let name = &question.connection;
            if !seen.contains_key(name) {
                seen.insert(name.clone(), self.sees_connection(name)?);
            }
        }
        questions.retain(|question| seen.get(&question.connection) == Some(&true));
        Ok(questions)
    }

    /// What waits of new accounts, one sum a connection.
    ///
    /// # Errors
    /// No such connection.
    pub fn new_accounts(&self, name: Option<&ConnectionName>) -> Result<Vec<NewAccountsView>> {
        self.may(Power::Read)?;
        let mut views: Vec<NewAccountsView> = Vec::new();
        let mut asked = self.questions(name, false)?;
        asked.retain(is_of_new_account);
        asked.sort_by(|a, b| a.connection.cmp(&b.connection));
        for QuestionRecord {
            connection,
            question,
            asked_at,
            ..
        } in &asked
        {
            if views
                .last()
                .is_none_or(|last| last.connection != *connection)
            {
                views.push(NewAccountsView {
                    connection: connection.clone(),
                    since: *asked_at,
                    sums: NewAccounts::default(),
                });
            }
            if let Some(view) = views.last_mut() {
                view.since = view.since.min(*asked_at);
                let money = question.money.as_ref();
                let (baseline, target) = (question.baseline, question.target);
                view.sums.add(&question.workspace, baseline, target, money);
            }
        }
        Ok(views)
    }

    /// The questions about new accounts of a connection, or about one of them, that are in
    /// this state.
    ///
    /// # Errors
    /// No such connection; an account that is not mapped in it.
    pub fn questions_of_new_accounts(
        &self,
        name: &ConnectionName,
        account: Option<&AccountId>,
        state: QuestionState,
    ) -> Result<Vec<QuestionRecord>> {
        self.may_on(name, Power::Read)?;
        let mut asked = self.questions(Some(name), true)?;
        asked.retain(|question| question.state == state && is_of_new_account(question));
        if let Some(account) = account {
            let mapping = self.mapping_of_name(name)?;
            let Some(workspace) = mapping.workspace(account) else {
                return Err(rule(
                    ErrorCode::AccountUnmapped,
                    format!("account {account} is not mapped in connection {name}"),
                    format!("See `psa-host map list {name}`."),
                ));
            };
            asked.retain(|question| question.question.workspace == *workspace);
        }
        Ok(asked)
    }

    /// Answer questions, all or none.
    ///
    /// # Errors
    /// No question; one that is not open to this answer; no reason given.
    pub fn answer(&self, ids: &[QuestionId], answer: Answering, why: &str) -> Result<()> {
        self.may(Power::Approve)?;
        if ids.is_empty() {
            return Err(rule(
                ErrorCode::NoQuestion,
                "no question was named, and none is waiting",
                "See `psa-host approval list`.",
            ));
        }
        if self.is_scoped() {
            let seen = self.questions(None, true)?;
            let seen: BTreeSet<QuestionId> = seen.iter().map(|question| question.id).collect();
            if let Some(unseen_id) = ids.iter().find(|id| !seen.contains(id)) {
                return Err(unseen("question", unseen_id));
            }
        }
        Ok(self.ledger().answer(ids, answer, why)?)
    }
}

fn no_line(workspace: &WorkspaceId, module: &ModuleId, why: &str) -> crate::Error {
    rule(
        ErrorCode::NoLine,
        format!("workspace {workspace} and module {module} have no line to decide about: {why}"),
        "See `psa-host explain`.",
    )
}

/// Adopting and overwriting are about units that somebody else has put there.
fn not_changed(line: &LineId, units: Option<Units>) -> crate::Error {
    let units = units.map_or_else(String::new, |units| format!(" ({units} units)"));
    rule(
        ErrorCode::NotChangedByOthers,
        format!("nobody else is known to have changed line {line}{units}"),
        "To leave it as it is, use `psa-host line pin`; else the next sync goes by its count.",
    )
}

#[cfg(test)]
mod tests {
    use psa_host_billing::Effect;

    use super::*;
    use crate::testing::{Fixture, description};

    /// Connected to a PSA that takes changes this way.
    async fn connected(effect: Effect) -> (Fixture, ConnectionName) {
        let fixture = Fixture::with_workspaces();
        let mut plugin = description();
        (plugin.quantity.delta, plugin.quantity.effect) = (false, effect);
        let plugin = serde_json::to_string(&plugin).unwrap();
        let ledger = fixture.host.ledger();
        ledger.add_plugin("fake", b"no component", &plugin).unwrap();
        let name = fixture.connect().await;
        (fixture, name)
    }

    #[tokio::test]
    async fn a_policy_that_the_psa_cannot_keep_is_refused_when_it_is_set() {
        for effect in [Effect::Dated, Effect::Immediate, Effect::NextInvoice] {
            let (fixture, name) = connected(effect).await;
            let host = &fixture.host;
            // What a new connection begins with is possible everywhere.
            let begun = host.rules(&name).unwrap();
            host.set_rules(&name, &begun).unwrap();
            for policy in EffectivePolicy::ALL {
                let mut rules = begun.clone();
                rules.effective.policy = *policy;
                let refused = host.set_rules(&name, &rules).err();
                let code = refused.map(|error| error.problem().code);
                let impossible =
                    (effect, *policy) == (Effect::Immediate, EffectivePolicy::PeriodStart);
                let expected = impossible.then_some(HoldCode::PolicyNotPossible.into());
                assert_eq!(code, expected, "{effect:?}, {policy}");
                let set = host.rules(&name).unwrap().effective.policy;
                assert_eq!(set == *policy, !impossible, "{effect:?}, {policy}");
            }
        }
    }
}
