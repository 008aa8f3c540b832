//! `psa-host map suggest`, `map apply`

use anyhow::Result;
use psa_host_billing::ConnectionName;
use psa_host_billing::suggest::Confidence;
use psa_host_sync::{Access, Choice, Source, SuggestOptions, Suggestions};

use super::super::{Status, confirm, id};
use super::file::{show, told};
use crate::args::{DoubtWord, MapApply, MapSuggest};
use crate::output::{Bar, Column, Output, Table, Tone};

pub async fn suggest(args: &MapSuggest, host: &Access, out: Output) -> Result<Status> {
    let connection: ConnectionName = id("connection name", &args.connection)?;
    let options = SuggestOptions {
        accounts: !args.services,
        services: !args.accounts,
        min_score: args.min_score,
        weak: args.all,
    };
    let bar = Bar::new();
    let watch = |progress| bar.show(progress);
    let found = host.suggest(&connection, &options, &watch).await?;
    drop(bar);
    if out.is_json() {
        out.json(&found)?;
        return Ok(Status::Done);
    }
    if options.accounts {
        let mut table = table("WORKSPACE", "ACCOUNT");
        for one in &found.account_suggestions {
            let others = others(&one.also_fits, &one.also_claimed_by, "account", "workspace");
            let reason = format!("{}{others}", one.reason);
            let names = [&one.workspace_name, &one.account_name];
            row(&mut table, &one.id, names, one.score, one.verdict, reason);
        }
        let without = found.workspaces_without.len();
        out.table(table, "No account is suggested.")?;
        out.line(format!(
            "{without} workspaces that are not mapped have no suggestion"
        ))?;
    }
    if options.accounts && options.services {
        out.line("")?;
    }
    if options.services {
        let mut table = table("MODULE", "SERVICE");
        for one in &found.service_suggestions {
            let others = others(&one.also_fits, &one.also_claimed_by, "service", "module");
            let reason = format!("{}, by {}{others}", one.reason, one.metric);
            let names = [&one.module_name, &one.service_name];
            row(&mut table, &one.id, names, one.score, one.verdict, reason);
        }
        let without = found.modules_without.len();
        out.table(table, "No service is suggested.")?;
        out.line(format!(
            "{without} modules that are not mapped have no suggestion"
        ))?;
    }
    if safe(&found) > 0 {
        out.line("")?;
        out.line(format!(
            "{} are safe: take them with `psa-host map apply {connection} --safe`, or some by id",
            safe(&found)
        ))?;
    }
    Ok(Status::Done)
}

fn safe(found: &Suggestions) -> usize {
    let accounts = found.account_suggestions.iter().map(|one| one.verdict);
    let services = found.service_suggestions.iter().map(|one| one.verdict);
    accounts
        .chain(services)
        .filter(|verdict| *verdict == Confidence::Safe)
        .count()
}

fn table(coro: &'static str, psa: &'static str) -> Table {
    Table::new([
        Column::Left("ID"),
        Column::Words(coro),
        Column::Words(psa),
        Column::Right("SCORE"),
        Column::Left("VERDICT"),
        Column::Words("REASON"),
    ])
}

fn row(
    table: &mut Table,
    id: &str,
    [coro, psa]: [&String; 2],
    score: u8,
    verdict: Confidence,
    reason: String,
) {
    let verdict = match verdict {
        Confidence::Safe => ("safe", Tone::Good),
        Confidence::Likely => ("likely", Tone::Plain),
        Confidence::Ambiguous => ("ambiguous", Tone::Attention),
        Confidence::Weak => ("weak", Tone::Plain),
    };
    table.toned([
        (id.to_owned(), Tone::Plain),
        (coro.clone(), Tone::Plain),
        (psa.clone(), Tone::Plain),
        (score.to_string(), Tone::Plain),
        (verdict.0.to_owned(), verdict.1),
        (reason, Tone::Plain),
    ]);
}

/// Who else fits, in words.
fn others<C: ToString, P: ToString>(fits: &[P], claimed: &[C], psa: &str, coro: &str) -> String {
    let mut words = String::new();
    if !fits.is_empty() {
        let ids: Vec<String> = fits.iter().map(ToString::to_string).collect();
        words.push_str(&format!("; as good: {psa} {}", ids.join(", ")));
    }
    if !claimed.is_empty() {
        let ids: Vec<String> = claimed.iter().map(ToString::to_string).collect();
        words.push_str(&format!("; also claimed by {coro} {}", ids.join(", ")));
    }
    words
}

pub async fn apply(args: &MapApply, host: &Access, out: Output) -> Result<Status> {
    let connection: ConnectionName = id("connection name", &args.connection)?;
    let source = args.suggestions.as_deref().map(Source::read).transpose()?;
    let source = source.map(|source| source.accepting(&DoubtWord::doubts(&args.accept)));
    let choice = match &source {
        Some(source) => Choice::File {
            source,
            safe_only: args.safe,
        },
        None if args.safe => Choice::Safe,
        None => Choice::Ids(&args.ids),
    };
    let bar = Bar::new();
    let watch = |progress| bar.show(progress);
    let difference = host.choose_suggestions(&connection, choice, &watch).await?;
    drop(bar);
    show(&difference, usize::MAX, out)?;
    if args.safe && !difference.changes.is_empty() {
        let new = difference.changes.len();
        confirm(&format!("map these {new} in {connection}"), args.yes)?;
    }
    told(&host.apply_mappings(&connection, difference, true)?, out)
}
