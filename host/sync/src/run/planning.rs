//! From the newest snapshot and the PSA to a plan. The PSA is read chunk by chunk and
//! each chunk is planned and dropped at once.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Span;
use jiff::civil::Date;
use psa_host_billing::approval::{Answer, Question, Rollback};
use psa_host_billing::count::Days;
use psa_host_billing::elsewhere::Elsewhere;
use psa_host_billing::orphan::Chosen;
use psa_host_billing::plan::{
    Answered, Context, Decision, Due, DueNews, LinePast, Plan, PlanLine, Rejected, all_right,
    first_day_to_read, last_day_to_read,
};
use psa_host_billing::rules::Rules;
use psa_host_billing::trial::Tried;
use psa_host_billing::{
    AccountId, ConnectionName, Contract, ContractId, ErrorCode, LineId, Mapping, ModuleId,
    TenantKey, Workspace, WorkspaceId,
};
use psa_host_ledger::{
    Connection, Ledger, NameOf, NewQuestion, QuestionRecord, QuestionState, RightRow, RunLease,
    RunLine, Snapshot,
};
use tokio::task::JoinHandle;

use super::lines::RunLines;
use super::only::Only;
use super::report::LineReport;
use super::settling::open_adjustment;
use super::stored;
use crate::plan_inputs::{Listed, PlanInputs, Remembered};
use crate::progress::Watch;
use crate::snapshot::counts_of;
use crate::{Access, AccountContracts, OpenConnection, Result, Window, whole_lines};

/// What a run is to do.
pub(super) struct Planned {
    pub plan: Plan,
    /// One for each pair, in the order of the run's rows.
    pub lines: RunLines,
    /// Where the pairs stand that the run is not about.
    pub left_out: Chosen,
    /// Lines that this connection has posted to and on which no pair stands.
    pub without_pair: HashSet<LineId>,
    /// Changes to ask about, with their rows.
    pub questions: Vec<(usize, NewQuestion)>,
    /// Lines found right, where that is news.
    pub found_right: Vec<RightRow>,
    /// Days from which lines are to be changed, where that is news.
    pub due_days: Vec<(LineId, Option<Due>)>,
    /// New accounts all of whose lines were found right.
    pub accounts_right: Vec<AccountId>,
    pub unmapped_workspaces: usize,
    pub unmapped_modules: usize,
    /// Why there was nothing to plan at all.
    pub not_set_up: Option<String>,
}

/// What is planned for whom.
pub(super) struct Planning<'a> {
    pub open: &'a OpenConnection,
    pub tenant: &'a TenantKey,
    pub as_of: Date,
    pub snapshot: &'a Snapshot,
    pub rules: &'a Rules,
    /// How long a doubtful adjustment is left alone.
    pub quarantine: Duration,
    /// What is planned for the brakes alone is all but these.
    pub only: &'a Only,
    /// Told of all that is read and decided, where a file is on trial.
    pub tried: Option<&'a Mutex<Tried>>,
}

impl Planning<'_> {
    fn tell(&self, tell: impl FnOnce(&mut Tried)) {
        if let Some(tried) = self.tried {
            tell(&mut tried.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Access {
    /// The newest snapshot of a connection's channel.
    pub(super) fn newest_snapshot(&self, open: &OpenConnection) -> Result<Option<Snapshot>> {
        Ok(self.ledger().latest_snapshot(&open.connection.channel)?)
    }

    /// Read the PSA and decide on every mapped pair, whose rows are written meanwhile.
    pub(super) async fn plan(
        &self,
        planning: &Planning<'_>,
        rows: &mut Rows,
        watch: Watch<'_>,
    ) -> Result<Planned> {
        let Planning {
            open,
            tenant,
            as_of,
            snapshot,
            rules,
            quarantine,
            only,
            tried: _,
        } = *planning;
        let (ledger, usage) = (self.ledger().clone(), snapshot.clone());
        let counts = tokio::task::spawn_blocking(move || counts_of(&ledger, &usage));
        let mut remembered = self.remembered(open, tenant, as_of, quarantine)?;
        let without_pair = std::mem::take(&mut remembered.posted);
        let (mapping, workspaces) = (&remembered.mapping, &remembered.workspaces);
        let reader = &open.reader;
        let mapped: Vec<AccountId> = mapping
            .accounts()
            .filter(|(workspace, _)| workspaces.contains_key(*workspace))
            .map(|(_, account)| account.clone())
            .collect();
        let passed = self.ledger().passed(&open.connection.name, as_of)?;
        // RunScope before the lists that it does not need.
        let start = first_day_to_read(&remembered.past, as_of);
        let horizon = Some(last_day_to_read(as_of));
        let mut chunks = reader.chunks(&mapped, Window { start, horizon });
        let accounts = reader.accounts(watch).await.map_err(|e| open.failed(e))?;
        let services = reader.services(watch).await.map_err(|e| open.failed(e))?;
        let name = &open.connection.name;
        let accounts_now = accounts
            .iter()
            .map(|one| (one.id.as_str(), one.name.as_str()));
        let wanted = mapped.iter().map(AccountId::as_str).collect();
        self.remember_unnamed(name, NameOf::Account, &wanted, accounts_now)?;
        let services_now = services
            .iter()
            .map(|one| (one.id.as_str(), one.name.as_str()));
        let wanted = mapping
            .services()
            .map(|pair| pair.service.as_str())
            .collect();
        self.remember_unnamed(name, NameOf::Service, &wanted, services_now)?;
        let counts = counts.await.map_err(super::ended)??;
        let listed = Listed::new(accounts, services);
        let inputs = PlanInputs::new(open, as_of, rules, &counts, &remembered, &listed);
        let no_days = Days::default();
        let context = inputs.context(&no_days);
        let asked: BTreeSet<AccountId> = mapped.into_iter().collect();
        let answered = Answered {
            snapshot: &counts,
            asked: &asked,
        };
        let mut planned = Planned {
            plan: Plan::new(&context, answered, passed),
            lines: RunLines::default(),
            left_out: Chosen::default(),
            without_pair,
            questions: Vec::new(),
            found_right: Vec::new(),
            due_days: Vec::new(),
            accounts_right: Vec::new(),
            unmapped_workspaces: 0,
            unmapped_modules: 0,
            not_set_up: None,
        };
        let mut called: HashMap<ContractId, String> = HashMap::new();
        while let Some(chunk) = chunks.next(watch).await {
            let mut chunk = chunk.map_err(|error| open.failed(error))?;
            let days = self.days_of_chunk(inputs.look_back(), &chunk)?;
            let context = inputs.context(&days);
            let decided = whole_lines::decide(reader, &context, workspaces, &mut chunk, start);
            let decided = decided.await.map_err(|error| open.failed(error))?;
            if rows.is_of_a_run() {
                for (read, lines) in chunk.iter().zip(&decided) {
                    called.extend(names_of_contracts(&read.contracts, lines));
                }
            }
            let decided = chunk.into_iter().zip(decided);
            rows.write(planned.take(planning, &remembered, decided))
                .await?;
        }
        reader.drop_idle();
        rows.finish().await?;
        self.remember_contracts(name, &called)?;
        (planned.unmapped_workspaces, planned.unmapped_modules) =
            unmapped(&self.elsewhere(&open.connection)?, &context, only);
        if planned.lines.rows() == 0 && only.is_all() {
            planned.not_set_up = not_set_up(&context, &asked);
        }
        Ok(planned)
    }

    /// Keep what mapped accounts and services are called that nobody has a name of: a rename is told of
    /// later, and where the vendor moves the PSA the names are proof that it is the same.
    fn remember_unnamed<'a>(
        &self,
        name: &ConnectionName,
        of: NameOf,
        mapped: &HashSet<&str>,
        listed: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<()> {
        let known = self.ledger().mapped_names(name, of)?;
        let unnamed = |id: &str| mapped.contains(id) && !known.contains_key(id);
        let now: Vec<(&str, &str)> = listed.filter(|(id, _)| unnamed(id)).collect();
        Ok(self.ledger().remember_names(name, of, &now, false)?)
    }

    /// Keep what the contracts are called that a report speaks of: it shows names beside ids.
    pub(crate) fn remember_contracts(
        &self,
        name: &ConnectionName,
        called: &HashMap<ContractId, String>,
    ) -> Result<()> {
        if called.is_empty() {
            return Ok(());
        }
        let known = self.ledger().mapped_names(name, NameOf::Contract)?;
        let news = |(id, now): &(&ContractId, &String)| known.get(id.as_str()) != Some(*now);
        let now = called.iter().filter(news);
        let now: Vec<(&str, &str)> = now.map(|(id, now)| (id.as_str(), now.as_str())).collect();
        Ok(self
            .ledger()
            .remember_names(name, NameOf::Contract, &now, true)?)
    }

    /// A connection's mappings, as the rules take them.
    pub(crate) fn mapping_of(&self, open: &OpenConnection) -> Result<Mapping> {
        self.mapping_of_name(&open.connection.name)
    }

    /// The same, by the connection's name.
    pub(crate) fn mapping_of_name(&self, name: &ConnectionName) -> Result<Mapping> {
        let stored = self.ledger().mappings(name)?;
        let mut mapping = Mapping::default();
        let broken = |error: psa_host_billing::NotOneToOne| {
            crate::error::rule(
                ErrorCode::MappingDamaged,
                format!("the stored mapping is not one to one: {error}"),
                "Remove one of the two with `psa-host map remove`.",
            )
        };
        for pair in stored.accounts {
            mapping
                .map_account(pair.workspace, pair.account)
                .map_err(broken)?;
        }
        for pair in stored.services {
            mapping.map_service(pair).map_err(broken)?;
        }
        for pin in stored.contracts {
            mapping.pin_contract(pin.workspace, pin.contract);
        }
        for declared in self.ledger().bundles(name)? {
            for part in declared.parts {
                mapping.declare_part(declared.bundle.clone(), part);
            }
        }
        Ok(mapping)
    }

    /// What the other connections of a connection's channel bill.
    pub(crate) fn elsewhere(&self, connection: &Connection) -> Result<Elsewhere> {
        let mut elsewhere = Elsewhere::default();
        for other in self.ledger().connections()? {
            if other.channel != connection.channel || other.name == connection.name {
                continue;
            }
            let mappings = self.ledger().mappings(&other.name)?;
            let modules = mappings.services.into_iter().map(|pair| pair.module);
            let workspaces = mappings.accounts.into_iter().map(|pair| pair.workspace);
            elsewhere.add(workspaces, modules);
        }
        Ok(elsewhere)
    }

    /// The channel of a connection and everything below it.
    pub(crate) fn workspaces_of(
        &self,
        open: &OpenConnection,
    ) -> Result<HashMap<WorkspaceId, Workspace>> {
        let channel = &open.connection.channel;
        let mut all = self.ledger().workspaces_below(channel)?;
        all.extend(self.ledger().workspace(channel)?);
        Ok(all
            .into_iter()
            .map(|workspace| (workspace.id.clone(), workspace))
            .collect())
    }

    /// What is remembered of a tenant's lines; and those to which the connection has posted.
    pub(crate) fn past_of_lines(
        &self,
        open: &OpenConnection,
        tenant: &TenantKey,
        as_of: Date,
        quarantine: Duration,
    ) -> Result<(HashMap<LineId, LinePast>, HashSet<LineId>)> {
        let own = &open.connection.name;
        let mut past: HashMap<LineId, LinePast> = HashMap::new();
        let mut posted = HashSet::new();
        let mut accounts = self.ledger().accounts_of_lines(tenant)?;
        for line in self.ledger().lines(tenant)? {
            let account = accounts.remove(&line.key.line);
            if line.posted_for.is_some() && line.connection.as_ref() == Some(own) {
                posted.insert(line.key.line.clone());
            }
            let contract = line.key.contract;
            let entry = past.entry(line.key.line).or_default();
            (entry.account, entry.contract) = (account, Some(contract));
            entry.taken_by = line.connection.filter(|owner| owner != own);
            entry.pair = line.posted_for;
            entry.confirmed = line.units.zip(line.effective);
            entry.posted = line.units.is_some();
        }
        // Later than what was confirmed: a confirmed change takes its place.
        self.ledger().each_seen_right(tenant, |seen| {
            let entry = past.entry(seen.line).or_default();
            entry.pair = Some((seen.workspace, seen.module));
            entry.confirmed = Some((seen.units, seen.since));
            entry.contract = seen.contract.or(entry.contract.take());
        })?;
        // Long enough for the start of a yearly period.
        let since = as_of.saturating_sub(Span::new().days(400));
        for (line, dates) in self.ledger().adjusted_since(tenant, since)? {
            let past = past.entry(line).or_default();
            past.adjusted = dates.own;
            past.refused = dates.refused;
        }
        for intent in self.ledger().open_intents(tenant)? {
            let open = open_adjustment(&intent, quarantine);
            past.entry(intent.intent.adjustment.key.line)
                .or_default()
                .open = Some(open);
        }
        for (line, rejected) in self.ledger().rejections(tenant)? {
            past.entry(line).or_default().rejected = Some(Rejected {
                target: rejected.target,
                times: rejected.times,
                words: rejected.words,
            });
        }
        for decided in self.ledger().stances(tenant)? {
            past.entry(decided.line).or_default().stance = Some(decided.stance);
        }
        for asked in self.ledger().live_questions(tenant)? {
            let (line, question) = approval_question(asked);
            past.entry(line).or_default().question = Some(question);
        }
        for (line, due) in self.ledger().due_days(tenant)? {
            past.entry(line).or_default().due = Some(due);
        }
        Ok((past, posted))
    }
}

impl Planned {
    /// The brakes count it, and nothing else comes of it.
    fn leave_out(&mut self, line: &PlanLine) {
        self.plan.leave_out(line);
        if let Some(key) = &line.line {
            let pair = &line.pair;
            self.without_pair.remove(&key.line);
            self.left_out.add(&pair.workspace, &pair.module, &key.line);
        }
    }

    /// Accounts that were read, with what was decided of their pairs; their rows.
    fn take(
        &mut self,
        planning: &Planning<'_>,
        remembered: &Remembered,
        accounts: impl Iterator<Item = (AccountContracts, Vec<PlanLine>)>,
    ) -> Vec<RunLine> {
        let mut rows = Vec::new();
        for (read, lines) in accounts {
            if let Ok(contracts) = &read.contracts {
                self.plan.saw(&read.account, contracts);
                planning.tell(|tried| tried.read(contracts, planning.as_of));
            }
            let workspace = remembered.mapping.workspace(&read.account);
            if workspace.is_some_and(|workspace| !planning.only.has(workspace)) {
                lines.iter().for_each(|line| self.leave_out(line));
                continue;
            }
            let known = remembered.accounts.contains(&read.account);
            let right = (!known && all_right(&lines)).then_some(read.account);
            self.accounts_right.extend(right);
            for line in lines {
                planning.tell(|tried| tried.planned(&line));
                rows.push(self.add(line));
            }
        }
        rows
    }

    /// Take a pair into the plan; its row.
    fn add(&mut self, line: PlanLine) -> RunLine {
        let row = self.lines.rows();
        self.plan.add(row, &line);
        // What was found is the target, as its row has it.
        if let Some((_, since)) = line.found_right {
            let row = u32::try_from(row).unwrap_or(u32::MAX);
            self.found_right.push(RightRow { row, since });
        }
        if let Some(key) = &line.line {
            self.without_pair.remove(&key.line);
            let due = |from| Due {
                workspace: line.pair.workspace.clone(),
                module: line.pair.module.clone(),
                from,
            };
            match line.due {
                DueNews::AsItWas => {}
                DueNews::From(day) => self.due_days.push((key.line.clone(), Some(due(day)))),
                DueNews::Settled => self.due_days.push((key.line.clone(), None)),
            }
        }
        if let (Decision::Ask(reasons), Some(key), Some(baseline), Some(target)) =
            (&line.decision, &line.line, line.baseline, line.target)
        {
            let question = NewQuestion {
                workspace: line.pair.workspace.clone(),
                module: line.pair.module.clone(),
                key: key.clone(),
                baseline,
                target,
                effective: line.effective,
                money: line.monthly.clone(),
                reasons: reasons.clone(),
                rollback: None,
            };
            self.questions.push((row, question));
        }
        let report = LineReport::planned(line);
        match report.speaks() {
            true => {
                let written = stored::row(report.clone());
                self.lines.keep(report);
                written
            }
            false => {
                self.lines.pass();
                stored::row(report)
            }
        }
    }
}

/// Writes a run's rows while the PSA is being read.
pub(super) struct Rows {
    ledger: Ledger,
    run: Option<RunLease>,
    under_way: Option<JoinHandle<psa_host_ledger::Result<u32>>>,
}

impl Rows {
    /// Those of a run; none for a file on trial.
    pub fn new(ledger: &Ledger, run: Option<RunLease>) -> Self {
        Self {
            ledger: ledger.clone(),
            run,
            under_way: None,
        }
    }

    /// Whether there is a run whose rows they are.
    fn is_of_a_run(&self) -> bool {
        self.run.is_some()
    }

    /// Begin to write, once what came before is written: rows keep their order.
    async fn write(&mut self, rows: Vec<RunLine>) -> Result<()> {
        self.finish().await?;
        let Some(run) = self.run else { return Ok(()) };
        let ledger = self.ledger.clone();
        let write = move || ledger.add_run_lines(run, &rows);
        self.under_way = Some(tokio::task::spawn_blocking(write));
        Ok(())
    }

    /// All is written.
    pub async fn finish(&mut self) -> Result<()> {
        if let Some(written) = self.under_way.take() {
            written.await.map_err(super::ended)??;
        }
        Ok(())
    }
}

/// A question as the rules take it.
fn approval_question(asked: QuestionRecord) -> (LineId, Question) {
    let answer = match asked.state {
        QuestionState::Granted => Answer::Granted,
        QuestionState::Rejected => Answer::Rejected {
            words: format!(
                "{} was rejected by {}: {}",
                asked.id,
                asked.decided_by.unwrap_or_default(),
                asked.why.unwrap_or_default()
            ),
        },
        _ => Answer::Waiting,
    };
    let question = asked.id.to_string();
    let rollback = asked.question.rollback.map(|(run, effective)| Rollback {
        question,
        run: run.to_string(),
        effective,
    });
    let question = Question {
        baseline: asked.question.baseline,
        target: asked.question.target,
        effective: asked.question.effective,
        monthly: asked.question.money,
        reasons: asked.question.reasons,
        answer,
        rollback,
    };
    (asked.question.key.line, question)
}

/// What the contracts are called that lines with something to say stand on.
fn names_of_contracts<'a, E>(
    contracts: &'a std::result::Result<Vec<Contract>, E>,
    lines: &'a [PlanLine],
) -> impl Iterator<Item = (ContractId, String)> + 'a {
    let spoken_of = lines.iter().filter_map(|line| match &line.decision {
        Decision::Unchanged if !line.left => None,
        Decision::Hold(hold) => {
            let chosen = line.line.as_ref().map(|key| &key.contract);
            chosen.or(hold.contract.as_ref())
        }
        _ => line.line.as_ref().map(|key| &key.contract),
    });
    let known = contracts.as_ref().map_or(&[][..], Vec::as_slice);
    spoken_of.filter_map(|id| {
        let contract = known.iter().find(|contract| contract.id == *id)?;
        Some((id.clone(), contract.name.clone()))
    })
}

/// What is missing from a connection of which nothing can be posted; none where its
/// customers use nothing.
fn not_set_up(context: &Context<'_>, asked: &BTreeSet<AccountId>) -> Option<String> {
    let mapping = context.mapping;
    if mapping.accounts().len() == 0 {
        return Some("no workspace is mapped to an account".to_owned());
    }
    if mapping.services().len() == 0 {
        return Some("no module is mapped to a service".to_owned());
    }
    if asked.is_empty() {
        return Some("no mapped workspace is below the connection's channel".to_owned());
    }
    let pairs = mapping.accounts().flat_map(|(workspace, _)| {
        let services = mapping.services();
        services.map(move |service| (workspace, &service.module))
    });
    let excluded = |(workspace, module): (&WorkspaceId, &ModuleId)| {
        context
            .set_asides
            .excludes(workspace, module, context.as_of)
    };
    let all = pairs.into_iter().all(excluded);
    all.then(|| "every mapped workspace and module is excluded".to_owned())
}

/// Workspaces and modules with counts above zero that nobody mapped.
fn unmapped(elsewhere: &Elsewhere, context: &Context<'_>, only: &Only) -> (usize, usize) {
    let mut workspaces: BTreeSet<&WorkspaceId> = BTreeSet::new();
    let mut modules: BTreeSet<&ModuleId> = BTreeSet::new();
    for item in context.snapshot.items() {
        let unused = item.users.unwrap_or(0) == 0 && item.devices.unwrap_or(0) == 0;
        let asides = context.set_asides;
        let aside = asides.excludes(&item.workspace, &item.module, context.as_of);
        if unused || aside || !only.has(&item.workspace) {
            continue;
        }
        if elsewhere.lacks_account(context.mapping, &item.workspace) {
            workspaces.insert(&item.workspace);
        }
        if elsewhere.lacks_service(context.mapping, &item.workspace, &item.module) {
            modules.insert(&item.module);
        }
    }
    (workspaces.len(), modules.len())
}
