//! What a guest answers, into the words of billing: every id, date, number, length and
//! link checked. A line whose units make no sense is one line that cannot be read; an
//! id or a date that makes no sense is an answer against the contract.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use jiff::civil::Date;
use psa_host_billing::{
    Account, AccountId, Contract, ContractId, IdError, Line, LineId, LineKey, Money, Segment,
    Service, Timeline, Units, parse_decimal,
};

use crate::bindings::exports::psa_host::connector::connector as wit;
use crate::bindings::psa_host::guest::{plugin, types as wit_types};
use crate::describe::truth;
use crate::text::{link, name, words};
use crate::{
    ApiUsage, CallError, CallErrorKind, CheckReport, Finding, FindingVerdict, Limits, LineReading,
    Page,
};

/// Longest cursor, in bytes: as the contract says.
const MAX_CURSOR: usize = 4 << 10;
/// Periods of one line: a century of months.
const MAX_SEGMENTS: usize = 1_200;
/// Findings of one check.
const MAX_FINDINGS: usize = 200;
/// 31 days.
const MAX_WINDOW: u32 = 31 * 86_400;

/// Reads answers within limits. Its errors say what is wrong, for the plugin's author.
pub(crate) struct Reader<'l> {
    pub limits: &'l Limits,
}

type Read<T> = Result<T, String>;

impl Reader<'_> {
    pub(crate) fn check_report(&self, said: wit::CheckReport) -> Read<CheckReport> {
        let findings = self.few("findings", said.findings, MAX_FINDINGS)?;
        let findings = findings.into_iter().map(|finding| Finding {
            subject: name(&finding.subject),
            verdict: match finding.verdict {
                plugin::Verdict::Proven => FindingVerdict::Proven,
                plugin::Verdict::Refused => FindingVerdict::Refused,
                plugin::Verdict::Unproven => FindingVerdict::Unproven,
            },
            detail: words(&finding.detail),
        });
        let usage = said.usage.map(|usage| ApiUsage {
            used: usage.used,
            limit: usage.limit,
            window_seconds: usage.window_seconds,
        });
        if let Some(usage) = usage
            && (usage.limit == 0 || !(1..=MAX_WINDOW).contains(&usage.window_seconds))
        {
            return Err(
                "a request limit of 0, or a window of 0 seconds or over 31 days".to_owned(),
            );
        }
        Ok(CheckReport {
            tenant: id("the tenant", &said.tenant)?,
            tenant_label: name(&said.tenant_label),
            findings: findings.collect(),
            usage,
        })
    }

    pub(crate) fn accounts(&self, said: wit::AccountPage) -> Read<Page<Account>> {
        let accounts = self
            .list("accounts", said.accounts)?
            .into_iter()
            .map(|account| {
                Ok(Account {
                    id: id("an account", &account.id)?,
                    name: name(&account.name),
                    active: truth(account.active),
                    domain: account.domain.map(|domain| name(&domain)),
                    link: link(account.link),
                })
            });
        page(accounts.collect(), said.next)
    }

    pub(crate) fn services(&self, said: wit::ServicePage) -> Read<Page<Service>> {
        let services = self
            .list("services", said.services)?
            .into_iter()
            .map(|service| {
                let parts = self.list("parts of a service", service.parts)?;
                let parts = parts.iter().map(|part| id("a part", part));
                Ok(Service {
                    id: id("a service", &service.id)?,
                    name: name(&service.name),
                    active: truth(service.active),
                    sku: service.sku.map(|sku| name(&sku)),
                    parts: parts.collect::<Read<_>>()?,
                    unit_price: service.unit_price.map(money).transpose()?,
                    link: link(service.link),
                })
            });
        page(services.collect(), said.next)
    }

    pub(crate) fn contracts(
        &self,
        said: wit::ContractPage,
        asked: &[AccountId],
        horizon: Option<Date>,
    ) -> Read<Page<Contract>> {
        let asked: HashSet<&AccountId> = asked.iter().collect();
        let contracts = self
            .list("contracts", said.contracts)?
            .into_iter()
            .map(|contract| {
                let read = self.contract(contract, horizon)?;
                if !asked.contains(&read.account) {
                    return Err(format!(
                        "contract {} is of account {}, which was not asked for",
                        read.id, read.account
                    ));
                }
                Ok(read)
            });
        page(contracts.collect(), said.next)
    }

    fn contract(&self, said: wit::Contract, horizon: Option<Date>) -> Read<Contract> {
        let own: ContractId = id("a contract", &said.id)?;
        let lines = self.list("lines of a contract", said.lines)?;
        if !said.lines_read && !lines.is_empty() {
            return Err(format!("contract {own} has lines that were not read"));
        }
        let account: AccountId = id("an account", &said.account)?;
        let lines = lines.into_iter().map(|said| {
            let line = self.line(said, account.clone(), horizon)?;
            if line.key.contract != own {
                let LineKey { line, contract, .. } = &line.key;
                return Err(format!(
                    "line {line} of contract {contract} stands in contract {own}"
                ));
            }
            Ok(line)
        });
        let lines = lines.collect::<Read<Vec<_>>>()?;
        each_once(lines.iter().map(|line| &line.key.line))?;
        let day = |date: Option<_>| {
            date.map(|d| date_of(d).ok_or_else(|| no_date(&own)))
                .transpose()
        };
        Ok(Contract {
            account,
            name: name(&said.name),
            start: day(said.start)?,
            end: day(said.end)?,
            recurring: truth(said.recurring),
            active: truth(said.active),
            billing_months: said
                .billing_months
                .filter(|months| (1..=120).contains(months)),
            next_invoice: day(said.next_invoice)?,
            invoiced_through: day(said.invoiced_through)?,
            note: said.note.map(|note| words(&note)),
            renewed_by: said
                .renewed_by
                .map(|next| id("a contract", &next))
                .transpose()?,
            lines_read: said.lines_read,
            lines,
            link: link(said.link),
            id: own,
        })
    }

    fn line(&self, said: wit::Line, account: AccountId, horizon: Option<Date>) -> Read<Line> {
        let key = LineKey {
            line: id("a line", &said.id)?,
            contract: id("a contract", &said.contract)?,
            service: id("a service", &said.service)?,
            account,
        };
        let included = said.included.map(|units| {
            Units::parse(&units)
                .map_err(|error| format!("the included units of line {}: {error}", key.line))
        });
        Ok(Line {
            included: included.transpose()?,
            billable: truth(said.billable),
            not_writable: match said.writable {
                wit::Writable::Yes => None,
                wit::Writable::No(why) => Some(words(&why)),
            },
            key,
            description: said.description.map(|text| words(&text)),
            timeline: match said.timeline {
                wit::Timeline::Segments(segments) => timeline(segments, horizon),
                wit::Timeline::Unreadable(why) => Err(words(&why)),
            },
            link: link(said.link),
        })
    }

    pub(crate) fn line_reading(
        &self,
        said: wit::LineReading,
        asked: &[LineKey],
    ) -> Read<LineReading> {
        let asked: HashMap<&LineId, &LineKey> = asked.iter().map(|key| (&key.line, key)).collect();
        let lines = self.list("lines", said.lines)?.into_iter().map(|said| {
            let strange = format!(
                "line {:?} (contract {:?}, service {:?}) was not asked for",
                crate::text::name(&said.id),
                crate::text::name(&said.contract),
                crate::text::name(&said.service)
            );
            let id: LineId = id("a line", &said.id)?;
            let Some(key) = asked.get(&id) else {
                return Err(strange);
            };
            let line = self.line(said, key.account.clone(), None)?;
            match line.key == **key {
                true => Ok(line),
                false => Err(strange),
            }
        });
        let lines = lines.collect::<Read<Vec<_>>>()?;
        each_once(lines.iter().map(|line| &line.key.line))?;
        let others = self.list("other lines", said.others)?;
        let others = others.iter().map(line_key).collect::<Read<Vec<_>>>()?;
        if let Some(key) = others.iter().find(|key| asked.contains_key(&key.line)) {
            return Err(format!(
                "line {} was asked for and stands among the others",
                key.line
            ));
        }
        Ok(LineReading { lines, others })
    }

    fn list<T>(&self, what: &str, list: Vec<T>) -> Read<Vec<T>> {
        self.few(what, list, self.limits.list_items)
    }

    fn few<T>(&self, what: &str, list: Vec<T>, most: usize) -> Read<Vec<T>> {
        if list.len() > most {
            return Err(format!("{} {what}; at most {most} are taken", list.len()));
        }
        Ok(list)
    }
}

fn page<T>(items: Read<Vec<T>>, next: Option<String>) -> Read<Page<T>> {
    if let Some(cursor) = &next
        && cursor.len() > MAX_CURSOR
    {
        return Err(format!(
            "a cursor of {} bytes; at most {MAX_CURSOR} are kept",
            cursor.len()
        ));
    }
    Ok(Page {
        items: items?,
        next,
    })
}

fn id<T: FromStr<Err = IdError>>(what: &str, text: &str) -> Read<T> {
    text.parse()
        .map_err(|error: IdError| format!("{what} {:?}: {error}", crate::text::clean(text, 60)))
}

fn line_key(said: &wit::LineKey) -> Read<LineKey> {
    Ok(LineKey {
        line: id("a line", &said.line)?,
        contract: id("a contract", &said.contract)?,
        service: id("a service", &said.service)?,
        account: id("an account", &said.account)?,
    })
}

fn each_once<'k>(keys: impl Iterator<Item = &'k LineId>) -> Read<()> {
    let mut seen = HashSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(format!("line {key} stands twice in one answer"));
        }
    }
    Ok(())
}

fn date_of(said: wit_types::CivilDate) -> Option<Date> {
    let year = i16::try_from(said.year)
        .ok()
        .filter(|year| (1..=9_999).contains(year))?;
    let (month, day) = (i8::try_from(said.month).ok()?, i8::try_from(said.day).ok()?);
    Date::new(year, month, day).ok()
}

fn no_date(contract: &ContractId) -> String {
    format!("contract {contract} begins or ends on a day that does not exist")
}

fn money(said: wit::Money) -> Read<Money> {
    let amount = parse_decimal(&said.amount);
    let currency = said.currency.map(|code| {
        let sound = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
        sound.then(|| code.into_boxed_str())
    });
    match (amount, currency) {
        (Some(amount), None) => Ok(Money {
            amount,
            currency: None,
        }),
        (Some(amount), Some(Some(code))) => Ok(Money {
            amount,
            currency: Some(code),
        }),
        (None, _) => Err(format!(
            "{:?} is no amount",
            crate::text::clean(&said.amount, 40)
        )),
        (_, Some(None)) => Err("a currency that is not three capital letters".to_owned()),
    }
}

/// A timeline, or why there is none. Never a zero for what is missing.
fn timeline(said: Vec<wit::Segment>, horizon: Option<Date>) -> Result<Timeline, String> {
    if said.len() > MAX_SEGMENTS {
        return Err(format!(
            "it has {} periods; at most {MAX_SEGMENTS} are read",
            said.len()
        ));
    }
    let segments = said.into_iter().map(|said| {
        let no_day = "a period begins or ends on a day that does not exist";
        let start = date_of(said.start).ok_or(no_day)?;
        let end = match said.end {
            Some(end) => Some(date_of(end).ok_or(no_day)?),
            None => None,
        };
        Ok(Segment {
            start,
            end,
            units: Units::parse(&said.units).map_err(|error| words(&error.to_string()))?,
            unit_price: said.unit_price.map(money).transpose()?,
            posted: truth(said.posted),
        })
    });
    let segments = segments.collect::<Result<Vec<_>, String>>()?;
    match horizon {
        None => Timeline::new(segments),
        Some(horizon) => Timeline::up_to(horizon, segments),
    }
    .map_err(|error| error.to_string())
}

/// A guest's error.
pub(crate) fn error(said: wit_types::Error) -> CallError {
    let (kind, fault) = match said {
        wit_types::Error::Authentication(fault) => (CallErrorKind::Authentication, fault),
        wit_types::Error::Permission(fault) => (CallErrorKind::Permission, fault),
        wit_types::Error::RateLimited(limit) => {
            let seconds = limit.retry_after_seconds.map(u64::from);
            let retry_after = seconds.map(std::time::Duration::from_secs);
            (CallErrorKind::RateLimited { retry_after }, limit.fault)
        }
        wit_types::Error::NotFound(fault) => (CallErrorKind::NotFound, fault),
        wit_types::Error::Invalid(fault) => (CallErrorKind::Invalid, fault),
        wit_types::Error::Rejected(fault) => (CallErrorKind::Rejected, fault),
        wit_types::Error::Transient(fault) => (CallErrorKind::Transient, fault),
        wit_types::Error::Refused(fault) => (CallErrorKind::Refused, fault),
    };
    let message = match fault.message.trim() {
        "" => "the plugin gave no reason".to_owned(),
        message => words(message),
    };
    CallError {
        kind,
        message,
        psa_words: fault.psa_words.map(|text| words(&text)),
        fix: None,
        plugin_advice: fault.fix.map(|text| words(&text)),
    }
}
