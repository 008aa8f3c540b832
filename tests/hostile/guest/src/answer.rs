//! The answers: fair ones, and those that no host should believe.

use psa_connector_sdk::{
    Account, AccountPage, CheckReport, CivilDate, Contract, ContractPage, Error, Fault, Finding,
    Line, LineKey, LineReading, Outcome, RefusalKind, Rejection, Segment, Service, ServicePage,
    Timeline, Truth, Verdict, Writable,
};

use crate::act::spelled;
use crate::{Answer, Said, Text};

/// A `transient` with this message.
pub fn fault(message: &Text) -> Error {
    Error::Transient(Fault {
        message: spelled(message),
        psa_words: Some(spelled(message)),
        fix: Some("run this as root".to_owned()),
    })
}

pub fn report(findings: Vec<Finding>, answer: &Answer) -> Result<CheckReport, Error> {
    let mut report = CheckReport {
        tenant: "hostile-tenant".to_owned(),
        tenant_label: "A tenant".to_owned(),
        findings,
        usage: None,
    };
    match answer {
        Answer::Fault(message) => return Err(fault(message)),
        Answer::Tenant(text) => {
            report.tenant = spelled(text);
            report.tenant_label = spelled(text);
        }
        Answer::Findings(count) => report.findings.extend((0..*count).map(|_| Finding {
            subject: String::new(),
            verdict: Verdict::Unproven,
            detail: String::new(),
        })),
        _ => {}
    }
    Ok(report)
}

fn account(id: String, name: String, link: Option<String>) -> Account {
    Account {
        id,
        name,
        active: Truth::Yes,
        domain: None,
        link,
    }
}

fn service(id: String, name: String, link: Option<String>) -> Service {
    Service {
        id,
        name,
        active: Truth::Yes,
        sku: None,
        parts: Vec::new(),
        unit_price: None,
        link,
    }
}

/// One page of things made by `make`.
fn page<T>(
    answer: &Answer,
    cursor: Option<&str>,
    make: fn(String, String, Option<String>) -> T,
) -> Result<(Vec<T>, Option<String>), Error> {
    let fair = |id: &str| make(id.to_owned(), format!("Name of {id}"), None);
    Ok(match answer {
        Answer::Fault(message) => return Err(fault(message)),
        // Empty texts: a million must fit into the guest's own memory.
        Answer::Many(count) => (
            (0..*count)
                .map(|_| make(String::new(), String::new(), None))
                .collect(),
            None,
        ),
        Answer::One { id, name, link } => (
            vec![make(spelled(id), spelled(name), link.as_ref().map(spelled))],
            None,
        ),
        Answer::Endless { counts, heavy } => {
            let page = cursor
                .and_then(|text| text.parse::<u32>().ok())
                .unwrap_or(0);
            let entry = |n| make(format!("{page}-{n}"), "n".repeat(400), None);
            let next = if *counts { page + 1 } else { 1 };
            ((0..*heavy).map(entry).collect(), Some(next.to_string()))
        }
        Answer::LongCursor(bytes) => (Vec::new(), Some("c".repeat(*bytes))),
        _ => (vec![fair("1")], None),
    })
}

pub fn accounts(answer: &Answer, cursor: Option<&str>) -> Result<AccountPage, Error> {
    page(answer, cursor, account).map(|(accounts, next)| AccountPage { accounts, next })
}

pub fn services(answer: &Answer, cursor: Option<&str>) -> Result<ServicePage, Error> {
    page(answer, cursor, service).map(|(services, next)| ServicePage { services, next })
}

fn line(key: &LineKey, units: String, start: CivilDate, month: u8) -> Line {
    Line {
        id: key.line.clone(),
        contract: key.contract.clone(),
        service: key.service.clone(),
        description: None,
        timeline: Timeline::Segments(vec![Segment {
            start,
            end: Some(CivilDate {
                year: start.year + 1,
                month,
                day: 28,
            }),
            units,
            unit_price: None,
            posted: Truth::No,
        }]),
        writable: Writable::Yes,
        billable: Truth::Yes,
        included: None,
        link: None,
    }
}

fn key(line: &str) -> LineKey {
    LineKey {
        line: line.to_owned(),
        contract: "c1".to_owned(),
        // The one service that it lists.
        service: "1".to_owned(),
        account: "a1".to_owned(),
    }
}

pub fn contracts(
    answer: &Answer,
    accounts: &[String],
    start: CivilDate,
    cursor: Option<&str>,
) -> Result<ContractPage, Error> {
    if let Answer::Endless { .. } = answer {
        return endless_contracts(answer, accounts, start, cursor);
    }
    let (units, month) = match answer {
        Answer::Fault(message) => return Err(fault(message)),
        Answer::Units { units, month } => (spelled(units), *month),
        _ => ("5".to_owned(), 1),
    };
    let account = match (answer, accounts.first()) {
        (Answer::StrangeContract, _) | (_, None) => "of-somebody-else",
        (_, Some(first)) => first,
    };
    let lines = vec![line(&key("l1"), units, start, month)];
    Ok(ContractPage {
        contracts: vec![contract("c1", account, "A contract", lines)],
        next: None,
    })
}

fn contract(id: &str, account: &str, name: &str, lines: Vec<Line>) -> Contract {
    Contract {
        id: id.to_owned(),
        account: account.to_owned(),
        name: name.to_owned(),
        start: None,
        end: None,
        recurring: Truth::Yes,
        active: Truth::Yes,
        note: None,
        renewed_by: None,
        billing_months: Some(1),
        next_invoice: None,
        invoiced_through: None,
        lines_read: true,
        lines,
        link: None,
    }
}

/// Contracts of the first account for ever, each with a line.
fn endless_contracts(
    answer: &Answer,
    accounts: &[String],
    start: CivilDate,
    cursor: Option<&str>,
) -> Result<ContractPage, Error> {
    let (names, next) = page(answer, cursor, |id, name, _| (id, name))?;
    let account = accounts.first().map_or("", String::as_str);
    let contracts = names.into_iter().map(|(id, name)| {
        let key = LineKey {
            line: format!("l{id}"),
            contract: id.clone(),
            service: "1".to_owned(),
            account: account.to_owned(),
        };
        let lines = vec![line(&key, "5".to_owned(), start, 1)];
        contract(&id, account, &name, lines)
    });
    Ok(ContractPage {
        contracts: contracts.collect(),
        next,
    })
}

pub fn reading(answer: &Answer, lines: &[LineKey], start: CivilDate) -> Result<LineReading, Error> {
    let lines = match answer {
        Answer::Fault(message) => return Err(fault(message)),
        Answer::StrangeLine => vec![line(&key("of-somebody-else"), "5".to_owned(), start, 1)],
        Answer::Units { units, month } => lines
            .iter()
            .map(|key| line(key, spelled(units), start, *month))
            .collect(),
        _ => lines
            .iter()
            .map(|key| line(key, "5".to_owned(), start, 1))
            .collect(),
    };
    let others = match answer {
        Answer::Endless { heavy, .. } => (0..*heavy).map(|n| key(&format!("{n:0>190}"))).collect(),
        _ => Vec::new(),
    };
    Ok(LineReading { lines, others })
}

pub fn outcome(findings: Vec<Finding>, answer: &Answer) -> Result<Outcome, Error> {
    let details: Vec<String> = findings.into_iter().map(|finding| finding.detail).collect();
    let details = details.join("; ");
    match answer {
        Answer::Fault(message) => Err(fault(message)),
        Answer::Adjusted(Said::Accepted) => Ok(Outcome::Accepted(Some(details))),
        Answer::Adjusted(Said::Rejected) => Ok(Outcome::Rejected(Rejection {
            kind: RefusalKind::Other,
            words: details,
        })),
        Answer::Adjusted(Said::Failed) => Err(fault(&Text {
            text: details,
            times: 1,
        })),
        _ => Ok(Outcome::Unknown(details)),
    }
}
