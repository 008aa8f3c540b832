//! `psa-host schedule …` and `psa-host posting …`

use anyhow::Result;
use psa_host_billing::ConnectionName;
use psa_host_sync::{Access, DateView, Error, PostingStopView, Schedule, ScheduleView};
use psa_host_wire as wire;

use super::{Status, id, or_dash};
use crate::args::{PostingCommand, ScheduleCommand};
use crate::output::{Column, Output, Table, Tone};

pub fn run(command: ScheduleCommand, host: &Access, out: Output) -> Result<Status> {
    let name = |text: &str| id::<ConnectionName>("connection name", text);
    match command {
        ScheduleCommand::List => list(host.schedules()?, out)?,
        ScheduleCommand::Show { connection, limit } => {
            let connection = name(&connection)?;
            let dates = host.dates(&connection, limit)?;
            if out.is_json() {
                out.json(&wire::Dates { connection, dates })?;
            } else {
                show(dates, out)?;
            }
        }
        ScheduleCommand::Set {
            connection,
            schedule,
        } => {
            let schedule: Schedule = schedule.parse().map_err(Error::from)?;
            let schedule = host.set_schedule(&name(&connection)?, &schedule)?;
            if out.is_json() {
                out.json(&wire::Schedule { schedule })?;
            } else {
                let next = match schedule.next {
                    Some(next) => format!("next on {next:.0}"),
                    None => "never by itself".to_owned(),
                };
                out.line(format!(
                    "{}: {} in {}, {next}",
                    schedule.connection, schedule.schedule, schedule.time_zone
                ))?;
            }
        }
    }
    Ok(Status::Done)
}

fn list(schedules: Vec<ScheduleView>, out: Output) -> Result<()> {
    if out.is_json() {
        return Ok(out.json(&wire::Schedules { schedules })?);
    }
    let mut table = Table::new([
        Column::Left("CONNECTION"),
        Column::Left("SCHEDULE"),
        Column::Left("TIME ZONE"),
        Column::Left("NEXT"),
        Column::Left("LAST DATE"),
    ]);
    for one in schedules {
        let next = match (one.paused, one.next) {
            (true, _) => "paused".to_owned(),
            (false, next) => next.map_or_else(|| "never".to_owned(), |next| format!("{next:.0}")),
        };
        let newest = one.newest.as_ref();
        let tone = newest.map_or(Tone::Plain, tone_of);
        let last = newest.map(|date| format!("{} {}", date.date, date.state));
        table.toned([
            (one.connection.to_string(), Tone::Plain),
            (one.schedule, Tone::Plain),
            (one.time_zone, Tone::Plain),
            (next, Tone::Plain),
            (or_dash(last), tone),
        ]);
    }
    let none = "No connections. Add one with `psa-host connection add`.";
    Ok(out.table(table, none)?)
}

fn show(dates: Vec<DateView>, out: Output) -> Result<()> {
    let mut table = Table::new([
        Column::Left("DATE"),
        Column::Left("STATE"),
        Column::Left("DUE"),
        Column::Right("ATTEMPTS"),
        Column::Left("RUN"),
        Column::Left("WHY NOT"),
    ]);
    for date in dates {
        let tone = tone_of(&date);
        let why = match (&date.code, date.next_at) {
            (Some(code), Some(next)) => Some(format!("{code}; again at {next:.0}")),
            (Some(code), None) => Some(code.clone()),
            (None, _) => None,
        };
        table.toned([
            (date.date.to_string(), Tone::Plain),
            (date.state.to_string(), tone),
            (format!("{:.0}", date.due_at), Tone::Plain),
            (date.attempts.to_string(), Tone::Plain),
            (or_dash(date.closed_by), Tone::Plain),
            (or_dash(why), Tone::Plain),
        ]);
    }
    let none = "No date yet: `psa-host serve` has not seen the connection fall due.";
    Ok(out.table(table, none)?)
}

fn tone_of(date: &DateView) -> Tone {
    match date.state.as_ref() {
        "closed" => Tone::Plain,
        _ => Tone::Attention,
    }
}

pub fn posting(command: PostingCommand, host: &Access, out: Output) -> Result<Status> {
    let posting = match command {
        PostingCommand::Show => host.posting_stop()?,
        PostingCommand::Stop { why } => host.stop_posting(&why)?,
        PostingCommand::Resume { why } => host.resume_posting(&why)?,
    };
    if out.is_json() {
        out.json(&wire::PostingStop { posting })?;
    } else {
        out.line(sentence(&posting))?;
    }
    Ok(Status::Done)
}

fn sentence(posting: &PostingStopView) -> String {
    match (posting.stopped, posting.since) {
        (true, Some(since)) => format!(
            "nothing is posted anywhere since {since:.0}: {} ({})",
            or_dash(posting.why.as_deref()),
            or_dash(posting.by.as_deref())
        ),
        _ => "posting is not stopped".to_owned(),
    }
}
