//! `psa-host rules …`

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use psa_host_billing::parse_decimal;
use psa_host_billing::rules::{Action, EffectivePolicy, Jump, LaterChanges, ZeroRule};
use rust_decimal::Decimal;

#[derive(Debug, Subcommand)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made in a run of the program, and dropped"
)]
pub enum RulesCommand {
    /// Show a connection's rules
    #[command(after_help = "Example:\n  psa-host rules show acme")]
    Show {
        /// Connection
        #[arg(value_name = "N")]
        connection: String,
    },
    /// Change some of a connection's rules; the others stay
    #[command(after_help = "\
Examples:
  psa-host rules set acme --effective next-period --window-days 5
  psa-host rules set acme --effective period-start --later-changes today
  psa-host rules set acme --status trial=ignore --status inactive=zero \\
      --zero post
  psa-host rules set acme --ask-units 25 --ask-percent 50 --ask-money 200 \\
      --ask-first-time yes
  psa-host rules set acme --ask-rise 50,10 --ask-fall 20,5 --ask-units none
  psa-host rules set acme --brake-units-percent 20 --brake-alike-lines none
  psa-host rules set acme --brake-stale-days 2 --brake-money 5000")]
    Set(RulesSet),
}

#[derive(Debug, Args)]
pub struct RulesSet {
    /// Connection
    #[arg(value_name = "N")]
    pub connection: String,
    /// From which date changes hold
    #[arg(long, value_name = "POLICY", value_parser = words(EffectivePolicy::ALL, EffectivePolicy::as_str))]
    pub effective: Option<String>,
    /// Days before a later date in which its change is posted; until then changes gather
    #[arg(long, value_name = "DAYS")]
    pub window_days: Option<u8>,
    /// Under period-start: where a period's later changes go
    #[arg(long, value_name = "WHERE", value_parser = words(LaterChanges::ALL, LaterChanges::as_str))]
    pub later_changes: Option<String>,
    /// What becomes of a fall to zero units
    #[arg(long, value_name = "RULE", value_parser = words(ZeroRule::ALL, ZeroRule::as_str))]
    pub zero: Option<String>,
    /// What is done with workspaces of a status or flag (demo, nfr, new, trial,
    /// subscription, inactive, archived, other): bill, ignore, zero or ask
    #[arg(long = "status", value_name = "STATUS=ACTION", value_parser = status_action)]
    pub statuses: Vec<(String, Action)>,
    /// A snapshot older than this stops the run
    #[arg(long, value_name = "DAYS")]
    pub brake_stale_days: Option<u16>,
    /// So many changed accounts never stop a run
    #[arg(long, value_name = "COUNT")]
    pub brake_changed_accounts: Option<u32>,
    /// More changed accounts than this share stop the run
    #[arg(long, value_name = "PERCENT")]
    pub brake_changed_percent: Option<u8>,
    /// More accounts or lines than this share missing from the PSA's answer stop the run
    #[arg(long, value_name = "PERCENT")]
    pub brake_vanished_percent: Option<u8>,
    /// More changes of money a month than this stop the run, or none
    #[arg(long, value_name = "AMOUNT|none", value_parser = limit)]
    pub brake_money: Option<Limit>,
    /// More units up or down on one day than this share of all stop the run, or none
    #[arg(long, value_name = "PERCENT|none", value_parser = share)]
    pub brake_units_percent: Option<Whole<u8>>,
    /// So many units up or down on one day never stop a run
    #[arg(long, value_name = "UNITS")]
    pub brake_units: Option<u32>,
    /// So many changed lines with one and the same count, above 20 and a fifth of all
    /// changes, stop the run, or none
    #[arg(long, value_name = "LINES|none", value_parser = lines)]
    pub brake_alike_lines: Option<Whole<u32>>,
    /// Whether the changes of new accounts wait, all as one question. With no, the other
    /// limits count for them, and no brake on change does
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub ask_new_accounts: Option<bool>,
    /// A rise over this share and over this number of units is asked first, or none
    #[arg(long, value_name = "PERCENT,UNITS|none", value_parser = jump)]
    pub ask_rise: Option<JumpLimit>,
    /// A fall over this share and over this number of units is asked first, or none
    #[arg(long, value_name = "PERCENT,UNITS|none", value_parser = jump)]
    pub ask_fall: Option<JumpLimit>,
    /// A change of more units than this is asked first, or none
    #[arg(long, value_name = "UNITS|none", value_parser = limit)]
    pub ask_units: Option<Limit>,
    /// A change of more than this share is asked first, or none
    #[arg(long, value_name = "PERCENT|none", value_parser = limit)]
    pub ask_percent: Option<Limit>,
    /// A change of more money a month than this is asked first, or none
    #[arg(long, value_name = "AMOUNT|none", value_parser = limit)]
    pub ask_money: Option<Limit>,
    /// Whether the first change of a line is asked first
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub ask_first_time: Option<bool>,
    /// Whether a decrease is asked first
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub ask_decrease: Option<bool>,
    /// A line that was read longer ago than this is read again before it is changed (1 to 60)
    #[arg(long, value_name = "SECONDS")]
    pub fresh_seconds: Option<u8>,
}

/// A limit, or that there is none.
#[derive(Debug, Clone, Copy)]
pub struct Limit(pub Option<Decimal>);

/// A whole number, or that there is no limit.
#[derive(Debug, Clone, Copy)]
pub struct Whole<T>(pub Option<T>);

/// A share and a number, or that there is no limit.
#[derive(Debug, Clone, Copy)]
pub struct JumpLimit(pub Option<Jump>);

fn share(text: &str) -> Result<Whole<u8>, String> {
    whole(text)
}

fn lines(text: &str) -> Result<Whole<u32>, String> {
    whole(text)
}

fn whole<T: std::str::FromStr>(text: &str) -> Result<Whole<T>, String> {
    if text == "none" {
        return Ok(Whole(None));
    }
    match text.parse() {
        Ok(number) => Ok(Whole(Some(number))),
        Err(_) => Err("a whole number, or none".to_owned()),
    }
}

fn jump(text: &str) -> Result<JumpLimit, String> {
    if text == "none" {
        return Ok(JumpLimit(None));
    }
    let number = |text: &str| parse_decimal(text).filter(|number| !number.is_sign_negative());
    let parts = text.split_once(',');
    let parts = parts.and_then(|(percent, units)| Some((number(percent)?, number(units)?)));
    match parts {
        Some((percent, units)) => Ok(JumpLimit(Some(Jump { percent, units }))),
        None => Err("PERCENT,UNITS such as 50,10, or none".to_owned()),
    }
}

fn words<T: Copy>(all: &'static [T], word: fn(T) -> &'static str) -> PossibleValuesParser {
    PossibleValuesParser::new(all.iter().map(|one| word(*one)))
}

fn limit(text: &str) -> Result<Limit, String> {
    if text == "none" {
        return Ok(Limit(None));
    }
    match parse_decimal(text) {
        Some(number) if !number.is_sign_negative() => Ok(Limit(Some(number))),
        _ => Err("a number, zero or more, or none".to_owned()),
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no".to_owned()),
    }
}

fn status_action(text: &str) -> Result<(String, Action), String> {
    let (status, action) = text
        .split_once('=')
        .ok_or("STATUS=ACTION, such as trial=ignore")?;
    const STATUSES: [&str; 8] = [
        "demo",
        "nfr",
        "new",
        "trial",
        "subscription",
        "inactive",
        "archived",
        "other",
    ];
    if !STATUSES.contains(&status) {
        return Err(format!("{status:?} is none of {}", STATUSES.join(", ")));
    }
    let action = Action::ALL
        .iter()
        .find(|known| known.as_str() == action)
        .ok_or("the action is bill, ignore, zero or ask")?;
    Ok((status.to_owned(), *action))
}
