//! Contracts of accounts, with their lines and units.
//!
//! Read entity by entity over many accounts at once, so that nearly every page comes
//! back full: for 10,000 companies with six lines each, within a tenth of the fewest
//! requests there can be (see `packing` in the SDK). An account's contracts are always
//! on one page.

use std::collections::HashMap;

use psa_connector_sdk::{
    Contract, ContractPage, Date, Error, Host, Line, Packer, Timeline, Truth, Writable, invalid,
};
use serde::Deserialize;

use crate::answers::Answers;
use crate::api::Api;
use crate::bundle_lines::BundleLines;
use crate::contract_lines::{lines_of_contracts, unasked};
use crate::describe::{ACCOUNTS_PER_CALL, MOST_KEYS, PAGE};
use crate::fields::{Id, Loose, Pick};
use crate::lines::{ContractLine, Key, Kind, parse_number};
use crate::links::Links;
use crate::meanings::Meanings;
use crate::picklists::Picklists;
use crate::query::{Condition, Entity, Row};
use crate::services::out_of_reach;
use crate::units::{Of, Units};
use crate::window::Window;

pub(crate) const CONTRACTS: Entity = Entity {
    name: "Contracts",
    fields: &[
        "id",
        "companyID",
        "contractType",
        "status",
        "startDate",
        "endDate",
    ],
    details: &["contractName", "contractPeriodType"],
};

/// A page of this many unit rows takes about 100 requests, and some 10 MB here.
const ROWS_PER_PAGE: usize = 50_000;

/// And of this many contracts, so that a page with all its lines stays small.
const CONTRACTS_PER_PAGE: usize = 1_000;

/// Accounts on the first page, before it is known how many rows an account has.
const ACCOUNTS_AT_FIRST: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContractRow {
    id: Id,
    #[serde(rename = "companyID")]
    company: Option<Id>,
    #[serde(default)]
    contract_name: Loose<String>,
    contract_type: Option<Pick>,
    contract_period_type: Option<Pick>,
    status: Option<Pick>,
    #[serde(default)]
    start_date: Loose<Date>,
    #[serde(default)]
    end_date: Loose<Date>,
}

impl Row for ContractRow {
    fn id(&self) -> i64 {
        self.id.0
    }
}

/// What an instance learns while it reads contracts.
#[derive(Debug)]
pub(crate) struct ContractReader {
    answers: Answers,
    meanings: Option<Meanings>,
    bundle_lines: BundleLines,
    contracts_per_account: Packer,
    lines_per_contract: Packer,
    units_per_line: Packer,
    bundle_units_per_line: Packer,
    accounts_read: usize,
    contracts_read: usize,
    rows_read: usize,
}

impl ContractReader {
    pub(crate) fn new(answers: Answers) -> Self {
        let packer = || Packer::new(MOST_KEYS, PAGE);
        Self {
            answers,
            meanings: None,
            bundle_lines: BundleLines::default(),
            contracts_per_account: packer(),
            lines_per_contract: packer(),
            units_per_line: packer(),
            bundle_units_per_line: packer(),
            accounts_read: 0,
            contracts_read: 0,
            rows_read: 0,
        }
    }

    /// One page. The cursor is how many of the accounts are done.
    pub(crate) fn page(
        &mut self,
        api: &mut Api,
        host: &dyn Host,
        accounts: &[String],
        window: Window,
        cursor: Option<&str>,
    ) -> Result<ContractPage, Error> {
        if accounts.len() > usize::try_from(ACCOUNTS_PER_CALL).unwrap_or(usize::MAX) {
            return Err(invalid(format!(
                "{} accounts at once; the most is {ACCOUNTS_PER_CALL}",
                accounts.len()
            )));
        }
        let done = match cursor {
            None => 0,
            Some(text) => text
                .parse::<usize>()
                .ok()
                .filter(|done| *done < accounts.len())
                .ok_or_else(|| {
                    invalid(format!(
                        "{text} is no cursor of list-contracts for these accounts"
                    ))
                })?,
        };
        let upto = accounts.len().min(done + self.accounts_on_a_page());
        let companies = accounts[done..upto]
            .iter()
            .map(|id| parse_number(id))
            .collect::<Result<Vec<i64>, Error>>()?;
        let contracts = self.read(api, host, &companies, window)?;
        Ok(ContractPage {
            contracts,
            next: (upto < accounts.len()).then(|| upto.to_string()),
        })
    }

    /// As many as bring about `ROWS_PER_PAGE` unit rows or `CONTRACTS_PER_PAGE` contracts,
    /// in steps of what fills an `in` list.
    fn accounts_on_a_page(&self) -> usize {
        if self.accounts_read == 0 {
            return ACCOUNTS_AT_FIRST;
        }
        let fitting =
            |most: usize, read: usize| most.saturating_mul(self.accounts_read) / read.max(1);
        let fitting = fitting(ROWS_PER_PAGE, self.rows_read)
            .min(fitting(CONTRACTS_PER_PAGE, self.contracts_read));
        if fitting < MOST_KEYS {
            fitting.max(50)
        } else {
            fitting / MOST_KEYS * MOST_KEYS
        }
    }

    fn read(
        &mut self,
        api: &mut Api,
        host: &dyn Host,
        companies: &[i64],
        window: Window,
    ) -> Result<Vec<Contract>, Error> {
        let start = window.start;
        if self.meanings.is_none() {
            let lists = Picklists::read(api, host)?;
            let meanings = Meanings::new(lists, self.answers.clone());
            let types = meanings.types_to_read().len();
            // Companies and types together stay within the longest list.
            let room = MOST_KEYS - types.min(MOST_KEYS - 1) + usize::from(types == 1);
            self.contracts_per_account = Packer::new(room, PAGE);
            self.meanings = Some(meanings);
        }
        let rows = self.contract_rows(api, host, companies)?;
        // Lines are read only of contracts that have not ended: nothing of the others
        // can still be adjusted from `start` on.
        let running: Vec<i64> = rows
            .iter()
            .filter(|row| row.end_date.0.is_none_or(|end| end >= start))
            .map(Row::id)
            .collect();
        let mut lines = self.service_lines(api, host, &running)?;
        match self.bundle_lines.of_contracts(api, host, &running) {
            Err(error) if out_of_reach(&error) => {}
            bundles => lines.extend(bundles?),
        }
        lines.sort_unstable_by_key(|line| line.key);
        same_twice(&mut lines)?;
        let timelines = self.timelines(api, host, &lines, window)?;
        self.accounts_read += companies.len();
        self.contracts_read += rows.len();

        let mut by_contract: HashMap<i64, Vec<Line>> = HashMap::new();
        for (line, timeline) in lines.into_iter().zip(timelines) {
            by_contract
                .entry(line.key.contract)
                .or_default()
                .push(to_line(line, timeline));
        }
        let links = api.links(host)?;
        rows.into_iter()
            .map(|row| self.contract(row, start, &mut by_contract, &links))
            .collect()
    }

    fn contract_rows(
        &mut self,
        api: &mut Api,
        host: &dyn Host,
        companies: &[i64],
    ) -> Result<Vec<ContractRow>, Error> {
        let mut order: HashMap<i64, usize> = HashMap::with_capacity(companies.len());
        let mut keys = Vec::with_capacity(companies.len());
        for company in companies {
            if !order.contains_key(company) {
                order.insert(*company, keys.len());
                keys.push(*company);
            }
        }
        let types = self.meanings()?.types_to_read();
        if types.is_empty() {
            return Ok(Vec::new());
        }
        let of_type = match types.as_slice() {
            [only] => Condition::equal("contractType", *only),
            several => Condition::any_of("contractType", several),
        };
        let mut rows: Vec<ContractRow> = Vec::with_capacity(keys.len());
        let weights = vec![1; keys.len()];
        let mut left = keys.as_slice();
        while !left.is_empty() {
            let (now, later) =
                left.split_at(self.contracts_per_account.take(&weights[..left.len()]));
            let conditions = [Condition::any_of("companyID", now), of_type.clone()];
            let count = api.query_all::<ContractRow>(host, CONTRACTS, &conditions, |row| {
                if row
                    .company
                    .is_none_or(|Id(company)| !order.contains_key(&company))
                {
                    return Err(unasked(CONTRACTS.name, row.id.0));
                }
                rows.push(row);
                Ok(())
            })?;
            self.contracts_per_account.learn(now.len() as u64, count);
            left = later;
        }
        rows.sort_by_key(|row| {
            (
                row.company
                    .and_then(|Id(company)| order.get(&company).copied()),
                row.id,
            )
        });
        // A row that came twice; its two versions differ only where it was edited
        // between two pages.
        rows.dedup_by_key(|row| row.id);
        Ok(rows)
    }

    fn service_lines(
        &mut self,
        api: &mut Api,
        host: &dyn Host,
        contracts: &[i64],
    ) -> Result<Vec<ContractLine>, Error> {
        let mut lines = Vec::with_capacity(contracts.len().saturating_mul(4));
        let weights = vec![1; contracts.len()];
        let mut left = contracts;
        while !left.is_empty() {
            let (now, later) = left.split_at(self.lines_per_contract.take(&weights[..left.len()]));
            let before = lines.len();
            lines_of_contracts(api, host, Kind::Service, now, &mut lines)?;
            self.lines_per_contract
                .learn(now.len() as u64, lines.len() - before);
            left = later;
        }
        Ok(lines)
    }

    /// One for each line, in the same order.
    fn timelines(
        &mut self,
        api: &mut Api,
        host: &dyn Host,
        lines: &[ContractLine],
        window: Window,
    ) -> Result<Vec<Timeline>, Error> {
        let mut of_kind = Vec::with_capacity(2);
        for kind in Kind::BOTH {
            let prices = lines
                .iter()
                .filter(|line| line.key.kind == kind)
                .map(|line| (line.key.line, line.prices));
            let prices: HashMap<_, _> = prices.collect();
            let mut contracts: Vec<i64> = Vec::new();
            let mut weights: Vec<u32> = Vec::new();
            // Lines are sorted by kind and contract.
            for line in lines.iter().filter(|line| line.key.kind == kind) {
                match (contracts.last(), weights.last_mut()) {
                    (Some(last), Some(weight)) if *last == line.key.contract => *weight += 1,
                    _ => {
                        contracts.push(line.key.contract);
                        weights.push(1);
                    }
                }
            }
            let packer = match kind {
                Kind::Service => &mut self.units_per_line,
                Kind::Bundle => &mut self.bundle_units_per_line,
            };
            let units = Units::read(
                api,
                host,
                kind,
                Of::Contracts,
                (&contracts, &weights),
                window,
                packer,
                &prices,
            )?;
            self.rows_read += units.count();
            of_kind.push(units);
        }
        let [services, bundles] = of_kind.as_slice() else {
            return Ok(Vec::new());
        };
        let timeline = |line: &ContractLine| {
            let units = if line.key.kind == Kind::Service {
                services
            } else {
                bundles
            };
            units.timeline(line, window)
        };
        Ok(lines.iter().map(timeline).collect())
    }

    fn meanings(&self) -> Result<&Meanings, Error> {
        self.meanings
            .as_ref()
            .ok_or_else(|| invalid("the picklists have not been read"))
    }

    fn contract(
        &self,
        row: ContractRow,
        start: Date,
        lines: &mut HashMap<i64, Vec<Line>>,
        links: &Links,
    ) -> Result<Contract, Error> {
        let Some(Id(company)) = row.company else {
            return Err(unasked(CONTRACTS.name, row.id.0));
        };
        let meanings = self.meanings()?;
        let (mut recurring, type_note) = meanings.recurring(row.contract_type.as_ref());
        let mut notes: Vec<String> = type_note.into_iter().collect();
        if recurring == Truth::No {
            recurring = Truth::Unknown;
            notes.push(
                "The contract came although its type is another than those asked for.".to_owned(),
            );
        }
        let (active, status_note) = meanings.active(row.status.as_ref());
        notes.extend(status_note);
        for (date, side) in [(row.start_date.0, "first"), (row.end_date.0, "last")] {
            if date.is_none() {
                notes.push(format!("Autotask names no {side} day of the contract."));
            }
        }
        Ok(Contract {
            id: row.id.0.to_string(),
            account: company.to_string(),
            name: row.contract_name.0.unwrap_or_default(),
            start: row.start_date.0.map(Into::into),
            end: row.end_date.0.map(Into::into),
            recurring,
            active,
            billing_months: meanings.billing_months(row.contract_period_type.as_ref()),
            note: (!notes.is_empty()).then(|| notes.join(" ")),
            // Units say for themselves what is posted.
            next_invoice: None,
            invoiced_through: None,
            // Autotask has a renewedContractID [OAS]; whether it stands on the old
            // contract or on the new one is [?]. A wrong successor would bill twice.
            renewed_by: None,
            lines_read: row.end_date.0.is_none_or(|end| end >= start),
            lines: lines.remove(&row.id.0).unwrap_or_default(),
            link: links.contract(row.id.0),
        })
    }
}

/// Rows that came twice count once; a line in two versions is an error, because its
/// units would be read for one and shown for the other.
pub(crate) fn same_twice(lines: &mut Vec<ContractLine>) -> Result<(), Error> {
    lines.dedup_by(|later, former| later.key == former.key);
    let mut ids: Vec<(Kind, i64)> = lines
        .iter()
        .map(|line| (line.key.kind, line.key.line))
        .collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(invalid(format!(
            "reading {}: row {} came twice with different content",
            pair[0].0.lines().name,
            pair[0].1
        ))),
        None => Ok(()),
    }
}

pub(crate) fn to_line(line: ContractLine, timeline: Timeline) -> Line {
    let Key {
        kind,
        contract,
        service,
        line: id,
    } = line.key;
    Line {
        id: kind.id_text(id),
        contract: contract.to_string(),
        service: kind.id_text(service),
        description: line.description,
        timeline,
        // Nothing in Autotask calculates the units of a contract service, leaves one off the
        // invoice or has units free of charge [OAS: no such field].
        writable: Writable::Yes,
        billable: Truth::Yes,
        included: None,
        link: None,
    }
}
