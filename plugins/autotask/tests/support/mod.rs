//! A tenant in memory that answers queries as Autotask does, as far as the connector
//! uses them. Its answers can be replaced one by one, for the odd cases.
#![allow(dead_code, clippy::unwrap_used, clippy::missing_panics_doc)]

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use psa_connector_autotask::Autotask;
use psa_connector_sdk::testing::{Answer, FakeHost, json};
use psa_connector_sdk::{Adjustment, CivilDate, Connector, Contract, LineKey, Request, Settings};
use serde_json::{Value, json};

pub(crate) const USER: &str = "api+user@acme.example";
pub(crate) const ZONE: &str = "https://webservices2.autotask.net/ATServicesRest/";

/// Whether a row meets a condition.
type Holds = Box<dyn Fn(&Value) -> bool>;
/// Rows by the value of a field, with the length of the table they were made at.
type Index = (usize, HashMap<i64, Vec<usize>>);

type Override = Box<dyn FnMut(&Request) -> Option<Answer>>;

pub(crate) struct Tenant {
    pub tables: BTreeMap<String, Vec<Value>>,
    overrides: Vec<Override>,
    /// By table and field.
    indexes: HashMap<(String, String), Index>,
}

pub(crate) type Shared = Rc<RefCell<Tenant>>;

pub(crate) fn settings() -> Settings {
    [("username", USER)].into_iter().collect()
}

pub(crate) fn connector() -> Autotask {
    Autotask::configure(&settings()).unwrap()
}

pub(crate) fn date(text: &str) -> CivilDate {
    psa_connector_sdk::Date::parse(text).unwrap().into()
}

impl Tenant {
    pub(crate) fn new() -> Self {
        Self {
            tables: BTreeMap::new(),
            overrides: Vec::new(),
            indexes: HashMap::new(),
        }
    }

    /// One company (10) with one contract (100) for 2026-11 to 2027-10, on it one line
    /// (1000) of service 5 with 7 units, in rows of a month, the first of them posted.
    pub(crate) fn small() -> Self {
        let mut tenant = Self::new();
        tenant.add("Companies", json!({"id": 10, "companyName": "Acme", "isActive": true, "webAddress": "https://www.acme.example/"}));
        tenant.add(
            "Services",
            json!({"id": 5, "name": "Endpoint Security", "isActive": true, "unitPrice": 4.50}),
        );
        tenant.add("Contracts", contract(100, 10));
        tenant.add("ContractServices", line(1000, 100, 5));
        for month in 0..12_u32 {
            let mut row = unit_row(i64::from(10_000 + month), 100, 1000, month, 7);
            if month == 0 {
                row["approveAndPostDate"] = json!("2026-11-05T09:30:00.000Z");
            }
            tenant.add("ContractServiceUnits", row);
        }
        tenant
    }

    pub(crate) fn add(&mut self, table: &str, row: Value) {
        self.tables.entry(table.to_owned()).or_default().push(row);
    }

    /// Rows of a table, to be changed.
    pub(crate) fn rows(&mut self, table: &str) -> &mut Vec<Value> {
        self.tables.entry(table.to_owned()).or_default()
    }

    /// Answers some requests otherwise.
    pub(crate) fn answer_with(&mut self, other: impl FnMut(&Request) -> Option<Answer> + 'static) {
        self.overrides.push(Box::new(other));
    }

    /// Answers requests whose URL ends so, always the same.
    pub(crate) fn answer_at(&mut self, end: &'static str, answer: Answer) {
        self.answer_with(move |request| request.url.ends_with(end).then(|| answer.clone()));
    }

    pub(crate) fn share(self) -> (Shared, FakeHost) {
        let shared = Rc::new(RefCell::new(self));
        let tenant = Rc::clone(&shared);
        (
            shared,
            FakeHost::new(move |request| tenant.borrow_mut().answer(request)),
        )
    }

    pub(crate) fn host(self) -> FakeHost {
        self.share().1
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let mut overrides = std::mem::take(&mut self.overrides);
        let other = overrides.iter_mut().find_map(|other| other(request));
        self.overrides = overrides;
        other.unwrap_or_else(|| self.usual(request))
    }

    pub(crate) fn usual(&mut self, request: &Request) -> Answer {
        let path = request.url.split("/V1.0/").nth(1).unwrap_or_default();
        if path.starts_with("ZoneInformation?user=") {
            return json(200, &json!({"zoneName": "America East", "url": ZONE, "webUrl": "https://ww2.autotask.net/", "ci": 1}).to_string());
        }
        assert!(request.authenticate, "{path} without authentication");
        match path.split('/').collect::<Vec<_>>()[..] {
            ["ThresholdInformation"] => json(
                200,
                r#"{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":124}"#,
            ),
            ["Version"] => json(200, r#"{"majorVersion":2026,"minorVersion":3}"#),
            ["Contracts", "entityInformation", "fields"] => json(
                200,
                r#"{"fields":[
                {"name":"contractType","isPickList":true,"picklistValues":[{"value":"1","label":"Time & Materials"},{"value":"7","label":"Recurring Service"}]},
                {"name":"status","isPickList":true,"picklistValues":[{"value":"0","label":"Inactive"},{"value":"1","label":"Active"}]}]}"#,
            ),
            ["Services", "entityInformation", "fields"] => {
                json(200, r#"{"fields":[{"name":"id"},{"name":"name"}]}"#)
            }
            [_, "entityInformation"] => json(
                200,
                r#"{"info":{"canCreate":true,"userAccessForCreate":"All"}}"#,
            ),
            [entity, "query"] => self.query(entity, request),
            ["ContractServiceAdjustments" | "ContractServiceBundleAdjustments"] => {
                json(200, r#"{"itemId":null}"#)
            }
            _ => json(404, ""),
        }
    }

    fn query(&mut self, entity: &str, request: &Request) -> Answer {
        let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        let most = usize::try_from(body["MaxRecords"].as_u64().unwrap()).unwrap();
        assert!((1..=500).contains(&most));
        assert!(
            body["IncludeFields"]
                .as_array()
                .unwrap()
                .contains(&json!("id"))
        );
        let filter = body["Filter"].as_array().unwrap();
        assert!(!filter.is_empty());
        let conditions: Vec<Holds> = filter.iter().map(condition).collect();
        let candidates = self.candidates(entity, filter);
        let mut rows: Vec<&Value> = match self.tables.get(entity) {
            Some(table) => candidates.into_iter().map(|at| &table[at]).collect(),
            None => Vec::new(),
        };
        rows.retain(|row| conditions.iter().all(|holds| holds(row)));
        rows.sort_by_key(|row| row["id"].as_i64());
        let more = rows.len() > most;
        rows.truncate(most);
        let next = more.then(|| format!("https://evil.example/V1.0/{entity}/query/next?paging=x"));
        json(200, &json!({
            "items": rows,
            "pageDetails": {"count": rows.len(), "requestCount": most, "prevPageUrl": null, "nextPageUrl": next},
        }).to_string())
    }
}

impl Tenant {
    /// Where rows can be that meet an `in` of the filter; all, where it has none.
    fn candidates(&mut self, entity: &str, filter: &[Value]) -> Vec<usize> {
        let Some(table) = self.tables.get(entity) else {
            return Vec::new();
        };
        let Some(list) = filter.iter().find(|condition| condition["op"] == "in") else {
            return (0..table.len()).collect();
        };
        let field = list["field"].as_str().unwrap();
        let index = self
            .indexes
            .entry((entity.to_owned(), field.to_owned()))
            .or_default();
        if index.0 != table.len() {
            *index = (table.len(), HashMap::new());
            for (at, row) in table.iter().enumerate() {
                index
                    .1
                    .entry(row[field].as_i64().unwrap_or_default())
                    .or_default()
                    .push(at);
            }
        }
        let keys = list["value"].as_array().unwrap();
        keys.iter()
            .filter_map(|key| index.1.get(&key.as_i64().unwrap()))
            .flatten()
            .copied()
            .collect()
    }
}

fn condition(condition: &Value) -> Holds {
    let field = condition["field"].as_str().unwrap().to_owned();
    let value = condition["value"].clone();
    match condition["op"].as_str().unwrap() {
        "eq" => Box::new(move |row| row[&field] == value),
        "in" => {
            let keys: std::collections::BTreeSet<i64> = value
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key.as_i64().unwrap())
                .collect();
            assert!(keys.len() <= 500 && !keys.is_empty());
            Box::new(move |row| row[&field].as_i64().is_some_and(|key| keys.contains(&key)))
        }
        "gt" => Box::new(move |row| row[&field].as_i64() > value.as_i64()),
        "lt" => Box::new(move |row| {
            row[&field]
                .as_str()
                .is_some_and(|date| date < value.as_str().unwrap())
        }),
        "gte" => Box::new(move |row| {
            row[&field]
                .as_str()
                .is_none_or(|date| date >= value.as_str().unwrap())
        }),
        other => panic!("operator {other}"),
    }
}

pub(crate) fn contract(id: i64, company: i64) -> Value {
    json!({
        "id": id, "companyID": company, "contractName": format!("Contract {id}"), "contractType": 7, "status": 1,
        "startDate": "2026-11-01T00:00:00.000Z", "endDate": "2027-10-31T00:00:00.000Z",
    })
}

pub(crate) fn line(id: i64, contract: i64, service: i64) -> Value {
    json!({
        "id": id, "contractID": contract, "serviceID": service, "internalDescription": null,
        "invoiceDescription": "Endpoint Security", "unitPrice": 4.50, "internalCurrencyUnitPrice": 4.50,
        "internalCurrencyAdjustedPrice": 4.50,
    })
}

/// The row of a month, counted from 2026-11.
pub(crate) fn unit_row(id: i64, contract: i64, line: i64, month: u32, units: i64) -> Value {
    let first = |month: u32| {
        let count = 10 + month;
        psa_connector_sdk::Date::new(
            u16::try_from(2026 + count / 12).unwrap(),
            u8::try_from(count % 12 + 1).unwrap(),
            1,
        )
        .unwrap()
    };
    json!({
        "id": id, "contractID": contract, "contractServiceID": line, "serviceID": 5,
        "startDate": format!("{}T00:00:00.000Z", first(month)),
        "endDate": format!("{}T00:00:00.000Z", first(month + 1).previous()),
        "units": units, "price": amount(units), "approveAndPostDate": null,
    })
}

/// What so many units cost at 4.50.
fn amount(units: i64) -> Value {
    serde_json::from_str(&format!("{}.{}", units * 45 / 10, units * 45 % 10)).unwrap()
}

pub(crate) fn accounts(ids: &[i64]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

pub(crate) fn key(line: &str, contract: &str, service: &str) -> LineKey {
    LineKey {
        line: line.to_owned(),
        contract: contract.to_owned(),
        service: service.to_owned(),
        account: "10".to_owned(),
    }
}

pub(crate) fn adjustment(baseline: &str, target: &str) -> Adjustment {
    Adjustment {
        line: key("1000", "100", "5"),
        baseline: baseline.to_owned(),
        target: target.to_owned(),
        effective: date("2026-12-01"),
    }
}

/// The day of these tests.
pub(crate) fn today() -> CivilDate {
    date("2026-11-23")
}

/// The contracts of company 10 from 2026-11-23 on.
pub(crate) fn read_contracts(host: &FakeHost) -> Result<Vec<Contract>, psa_connector_sdk::Error> {
    connector()
        .list_contracts(host, &accounts(&[10]), date("2026-11-23"), None, None)
        .map(|page| page.contracts)
}
