//! `psa-host explain`, `line …` and `approval …`.

use std::borrow::Cow;

use anyhow::Result;
use psa_host_billing::approval::{NewAccounts, Reason};
use psa_host_billing::{AccountId, ConnectionName, ModuleId, WorkspaceId};
use psa_host_sync::run::needs_a_person;
use psa_host_sync::{
    Access, Answering, Earlier, Explanation, LineDecision, Names, NewAccountsView, QuestionId,
    QuestionRecord, QuestionState,
};
use psa_host_wire as wire;

use super::history::written;
use super::usage::names as print_names;
use super::{Status, confirm, id, or_dash};
use crate::args::{AnswerArgs, ApprovalCommand, ExplainArgs, LineArgs, LineCommand, RetryArgs};
use crate::output::{Column, Output, Table, Tone, WrongUse, named};

pub async fn explain(args: &ExplainArgs, host: &Access, out: Output) -> Result<Status> {
    let name: ConnectionName = id("connection name", &args.connection)?;
    let workspace: WorkspaceId = id("workspace id", &args.workspace)?;
    let module: ModuleId = id("module id", &args.module)?;
    let explained = host.explain(&name, &workspace, &module).await?;
    let names = host.names(Some(&name))?;
    if out.is_json() {
        let pair = (&workspace, &module);
        out.json(&wire::Explained::new(&explained, pair, &names))?;
    } else {
        print(&explained, &workspace, &module, &names, out)?;
    }
    let person = explained
        .line
        .is_some_and(|line| needs_a_person(line.outcome));
    Ok(if person {
        Status::NeedsPerson
    } else {
        Status::Done
    })
}

fn print(
    explained: &Explanation,
    workspace: &WorkspaceId,
    module: &ModuleId,
    names: &Names,
    out: Output,
) -> Result<()> {
    out.line(format!(
        "{}, {}, in {} (tenant {}) for {}",
        named(workspace, names.workspace(workspace)),
        named(module, names.module(module)),
        explained.connection,
        explained.tenant,
        explained.as_of
    ))?;
    let mut table = Table::new([Column::Left("STEP"), Column::Words("WHAT WAS FOUND")]);
    for step in &explained.steps {
        table.row([step.about.to_string(), step.says.clone()]);
    }
    out.table(table, "")?;
    if let Some(line) = &explained.line {
        if let Some(message) = &line.message {
            out.line(format!("note: {message}"))?;
        }
        if let Some(fix) = &line.fix {
            out.line(format!("fix: {fix}"))?;
        }
        if let Some(link) = &line.link {
            out.line(format!("record: {link}"))?;
        }
    }
    if let Some(counted) = &explained.counted {
        print_names(counted, out)?;
    }
    out.line("")?;
    out.line("Before")?;
    out.table(
        earlier(&explained.before),
        "Nothing was posted for this pair yet.",
    )?;
    Ok(())
}

fn earlier(before: &[Earlier]) -> Table {
    let mut table = Table::new([
        Column::Left("RUN"),
        Column::Left("AT"),
        Column::Right("FROM"),
        Column::Right("TO"),
        Column::Left("FROM DAY"),
        Column::Left("BECAME"),
    ]);
    for one in before {
        table.row([
            one.run.clone(),
            one.at.to_string(),
            one.from.to_string(),
            one.to.to_string(),
            one.effective_date.to_string(),
            one.state.to_string(),
        ]);
    }
    table
}

pub async fn line(command: LineCommand, host: &Access, out: Output) -> Result<Status> {
    let (args, decision) = match command {
        LineCommand::List { connection } => return list_lines(&connection, host, out),
        LineCommand::Retry(args) => return retry(&args, host, out),
        LineCommand::Adopt(args) => (args, LineDecision::Adopt),
        LineCommand::Overwrite(args) => (args, LineDecision::Overwrite),
        LineCommand::Pin(args) => (args, LineDecision::Pin),
        LineCommand::Release(args) => (args, LineDecision::Release),
    };
    let LineArgs {
        connection,
        workspace,
        module,
        why,
    } = &args;
    let name: ConnectionName = id("connection name", connection)?;
    let workspace: WorkspaceId = id("workspace id", workspace)?;
    let module: ModuleId = id("module id", module)?;
    let why = reason(why)?;
    let done = host
        .decide_line(&name, (&workspace, &module), decision, why)
        .await?;
    if out.is_json() {
        out.json(&wire::LineDecided {
            connection: Cow::Borrowed(&name),
            workspace: Cow::Borrowed(&workspace),
            module: Cow::Borrowed(&module),
            result: done.result,
            message: Cow::Borrowed(&done.message),
        })?;
    } else {
        out.line(done.message)?;
    }
    Ok(Status::Done)
}

/// Send what the PSA refused once more.
fn retry(args: &RetryArgs, host: &Access, out: Output) -> Result<Status> {
    let name: ConnectionName = id("connection name", &args.connection)?;
    let lines = args.lines.iter().map(|line| id("line id", line));
    let lines: Vec<_> = lines.collect::<Result<_>>()?;
    let named = (!args.all).then_some(lines.as_slice());
    let lifted = host.retry_lines(&name, named, reason(&args.why)?)?;
    if out.is_json() {
        out.json(&wire::LinesRetried {
            connection: Cow::Borrowed(&name),
            lines: Cow::Borrowed(&lifted),
            result: Cow::Borrowed("retried"),
        })?;
    } else {
        for line in lifted {
            out.line(format!(
                "the next sync may send the change of line {line} again"
            ))?;
        }
    }
    Ok(Status::Done)
}

fn list_lines(connection: &str, host: &Access, out: Output) -> Result<Status> {
    let name: ConnectionName = id("connection name", connection)?;
    let decisions = host.line_decisions(&name)?;
    let names = host.names(Some(&name))?;
    if out.is_json() {
        out.json(&wire::LineDecisions::new(&name, &decisions, &names))?;
        return Ok(Status::Done);
    }
    let mut table = Table::new([
        Column::Left("LINE"),
        Column::Left("WORKSPACE"),
        Column::Left("MODULE"),
        Column::Left("DECISION"),
        Column::Left("BY"),
        Column::Left("AT"),
        Column::Words("WHY"),
    ]);
    for one in decisions {
        table.row([
            one.line.to_string(),
            named(&one.workspace, names.workspace(&one.workspace)),
            named(&one.module, names.module(&one.module)),
            one.stance.as_str().to_owned(),
            one.who,
            one.at.to_string(),
            one.why,
        ]);
    }
    out.table(table, "Nothing was decided about any line.")?;
    Ok(Status::Done)
}

pub fn approval(command: ApprovalCommand, host: &Access, out: Output) -> Result<Status> {
    let (args, answer) = match command {
        ApprovalCommand::List {
            connection,
            all,
            lines,
        } => {
            let name = connection
                .map(|name| id::<ConnectionName>("connection name", &name))
                .transpose()?;
            let asked = host.questions(name.as_ref(), all)?;
            let new_accounts = host.new_accounts(name.as_ref())?;
            let names = host.names(name.as_ref())?;
            return list_questions(&asked, &new_accounts, &names, lines || all, out);
        }
        ApprovalCommand::Export {
            connection,
            all,
            file,
        } => {
            let name = connection
                .map(|name| id::<ConnectionName>("connection name", &name))
                .transpose()?;
            let (path, form) = file.form()?;
            let done = host.export_questions(name.as_ref(), all, (path, form, file.force))?;
            written(&done, "question", out)?;
            return Ok(Status::Done);
        }
        ApprovalCommand::Approve(args) => (args, Answering::Grant),
        ApprovalCommand::Reject(args) => (args, Answering::Reject),
        ApprovalCommand::Reopen(args) => (args, Answering::Reopen),
    };
    let why = reason(&args.why)?;
    let ids = answered(&args, answer, host)?;
    host.answer(&ids, answer, why)?;
    let word = match answer {
        Answering::Grant => "approved",
        Answering::Reject => "rejected",
        Answering::Reopen => "asked again",
    };
    let then = match answer {
        Answering::Grant => ": the next sync looks at what it is then, and posts it",
        Answering::Reject | Answering::Reopen => "",
    };
    if out.is_json() {
        out.json(&wire::QuestionsAnswered {
            questions: ids.iter().map(ToString::to_string).collect(),
            result: Cow::Borrowed(word),
        })?;
    } else if args.new_accounts.is_some() {
        out.line(format!("{} {word}{then}", number_of_changes(ids.len())))?;
    } else {
        for id in ids {
            out.line(format!("{id} {word}{then}"))?;
        }
    }
    Ok(Status::Done)
}

fn number_of_changes(count: usize) -> String {
    match count {
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    }
}

fn answered(args: &AnswerArgs, answer: Answering, host: &Access) -> Result<Vec<QuestionId>> {
    let wanted = match answer {
        Answering::Reopen => QuestionState::Rejected,
        _ => QuestionState::Waiting,
    };
    let verb = match answer {
        Answering::Grant => "approve",
        Answering::Reject => "reject",
        Answering::Reopen => "ask again about",
    };
    if let Some(connection) = &args.new_accounts {
        let name: ConnectionName = id("connection name", connection)?;
        let account = args.account.as_ref();
        let account: Option<AccountId> = account.map(|a| id("account id", a)).transpose()?;
        let asked = host.questions_of_new_accounts(&name, account.as_ref(), wanted)?;
        if !asked.is_empty() {
            let mut sums = NewAccounts::default();
            for QuestionRecord { question, .. } in &asked {
                let money = question.money.as_ref();
                let (baseline, target) = (question.baseline, question.target);
                sums.add(&question.workspace, baseline, target, money);
            }
            confirm(&format!("{verb} {sums}"), args.yes)?;
        }
        return Ok(asked.into_iter().map(|question| question.id).collect());
    }
    let Some(connection) = &args.all_of else {
        let parse = |text: &String| {
            let id = text.parse::<QuestionId>();
            Ok(id.map_err(psa_host_sync::Error::from)?)
        };
        return args.ids.iter().map(parse).collect();
    };
    let name: ConnectionName = id("connection name", connection)?;
    let mut asked = host.questions(Some(&name), true)?;
    asked.retain(|question| question.state == wanted);
    if !asked.is_empty() {
        confirm(
            &format!("{verb} {} changes of {name}", asked.len()),
            args.yes,
        )?;
    }
    Ok(asked.into_iter().map(|question| question.id).collect())
}

fn list_questions(
    asked: &[QuestionRecord],
    new_accounts: &[NewAccountsView],
    names: &Names,
    lines: bool,
    out: Output,
) -> Result<Status> {
    let in_sum = |one: &QuestionRecord| {
        let of_new_account = one.question.reasons.contains(&Reason::NewAccount);
        of_new_account && one.state == QuestionState::Waiting
    };
    if out.is_json() {
        out.json(&wire::Questions::new(asked, new_accounts, names))?;
    } else {
        for NewAccountsView {
            connection, sums, ..
        } in new_accounts
        {
            out.line(format!("{connection}: {sums}"))?;
            out.line(format!(
                "  answer with `psa-host approval approve --new-accounts {connection} --why TEXT`, \
                 or `approval reject`; see each line with `psa-host approval list {connection} \
                 --lines`"
            ))?;
        }
        let mut table = Table::new([
            Column::Left("ID"),
            Column::Left("CONNECTION"),
            Column::Left("WORKSPACE"),
            Column::Left("MODULE"),
            Column::Left("LINE"),
            Column::Right("FROM"),
            Column::Right("TO"),
            Column::Right("A MONTH"),
            Column::Left("FROM DAY"),
            Column::Left("STATE"),
            Column::Words("WHY"),
        ]);
        for one in asked.iter().filter(|one| lines || !in_sum(one)) {
            let about = &one.question;
            let mut why: Vec<String> = about.reasons.iter().map(ToString::to_string).collect();
            if let (Some(who), Some(said)) = (&one.decided_by, &one.why) {
                why.push(format!("{who}: {said}"));
            }
            let tone = match one.state {
                QuestionState::Waiting => Tone::Attention,
                QuestionState::Granted | QuestionState::Posted => Tone::Good,
                QuestionState::Rejected => Tone::Bad,
                QuestionState::Superseded => Tone::Plain,
            };
            table.toned([
                (one.id.to_string(), Tone::Plain),
                (one.connection.to_string(), Tone::Plain),
                (
                    named(&about.workspace, names.workspace(&about.workspace)),
                    Tone::Plain,
                ),
                (
                    named(&about.module, names.module(&about.module)),
                    Tone::Plain,
                ),
                (about.key.line.to_string(), Tone::Plain),
                (about.baseline.to_string(), Tone::Plain),
                (about.target.to_string(), Tone::Plain),
                (or_dash(about.money.as_ref()), Tone::Plain),
                (about.effective.to_string(), Tone::Plain),
                (one.state.to_string(), tone),
                (why.join("; "), Tone::Plain),
            ]);
        }
        let none = match new_accounts.is_empty() {
            true => "Nothing is waiting for a person.",
            false => "Nothing else is waiting for a person.",
        };
        out.table(table, none)?;
    }
    let waiting = asked.iter().any(|one| one.state == QuestionState::Waiting);
    Ok(if waiting {
        Status::NeedsPerson
    } else {
        Status::Done
    })
}

/// A reason that says something.
pub(super) fn reason(why: &str) -> Result<&str> {
    match why.trim() {
        "" => Err(WrongUse::new("--why is empty", "Say why: it is kept in the history.").into()),
        why => Ok(why),
    }
}
