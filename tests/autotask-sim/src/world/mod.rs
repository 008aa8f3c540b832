//! The tenant's data: companies, contracts, lines and what they count.
//!
//! Nothing here knows HTTP. Tests read and change a world directly, and the time is
//! the world's own: it moves only when told to.

pub mod adjust;
pub mod cell;
pub mod contracts;
pub mod file;
pub mod generate;
pub mod periods;
pub mod row;
pub mod table;
pub mod units;
pub mod users;

use std::collections::{BTreeMap, HashSet};

use jiff::civil::{Date, DateTime, Time};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use crate::schema::Entity;
use crate::schema::picklists::{self, Picklists};
use adjust::Applied;
use cell::{Cell, Value};
use row::Row;
use table::Table;
use units::{LineKind, UnitRow};
use users::User;

/// A tenant at one instant.
#[derive(Debug)]
pub struct World {
    /// The tenant's clock (UTC). Frozen unless moved.
    pub now: DateTime,
    /// Name of the zone in `zoneInformation`.
    pub zone_name: String,
    /// Address of the pages for people in `zoneInformation`; its form has varied.
    pub web_url: String,
    /// Database id in `zoneInformation`.
    pub ci: i64,
    /// API users.
    pub users: Vec<User>,
    /// Picklists.
    pub picklists: Picklists,
    /// Names of user-defined fields by entity.
    pub udfs: BTreeMap<Entity, Vec<String>>,
    /// Fields that this tenant does not have: models differ by version. Queries that name
    /// one are refused, and the metadata does not list it.
    pub lacking: BTreeMap<Entity, Vec<String>>,
    /// Every adjustment ever applied, in order, whoever made it.
    pub applied: Vec<Applied>,
    tables: Vec<Table<Row>>,
    service_units: Table<UnitRow>,
    bundle_units: Table<UnitRow>,
    /// A line takes one adjustment for each period it makes.
    adjusted: HashSet<(LineKind, i64, Date)>,
    next_id: i64,
}

impl LineKind {
    /// The entity of such lines.
    pub fn lines(self) -> Entity {
        match self {
            Self::Service => Entity::ContractServices,
            Self::Bundle => Entity::ContractServiceBundles,
        }
    }

    /// The entity of what such lines sell.
    pub fn catalogue(self) -> Entity {
        match self {
            Self::Service => Entity::Services,
            Self::Bundle => Entity::ServiceBundles,
        }
    }

    /// The entity of such lines' unit rows.
    pub fn units(self) -> Entity {
        match self {
            Self::Service => Entity::ContractServiceUnits,
            Self::Bundle => Entity::ContractServiceBundleUnits,
        }
    }

    /// The field that names what is sold.
    pub fn sold_field(self) -> &'static str {
        match self {
            Self::Service => "serviceID",
            Self::Bundle => "serviceBundleID",
        }
    }

    /// The field that names the line.
    pub fn line_field(self) -> &'static str {
        match self {
            Self::Service => "contractServiceID",
            Self::Bundle => "contractServiceBundleID",
        }
    }
}

impl World {
    /// A tenant with its own company (id 0), one API user and nothing else.
    pub fn new(today: Date) -> Self {
        let tables = Entity::ALL
            .into_iter()
            .map(|e| {
                Table::new(
                    e,
                    &["companyID", "contractID", "serviceID", "serviceBundleID"],
                )
            })
            .collect();
        let unit_keys = ["contractID", "contractServiceID", "contractServiceBundleID"];
        let mut world = Self {
            now: today.to_datetime(Time::midnight()),
            zone_name: "America East".to_owned(),
            web_url: "https://ww2.autotask.net/".to_owned(),
            ci: 1,
            users: vec![User::default()],
            picklists: picklists::defaults(),
            udfs: BTreeMap::new(),
            lacking: BTreeMap::new(),
            applied: Vec::new(),
            tables,
            service_units: Table::new(Entity::ContractServiceUnits, &unit_keys),
            bundle_units: Table::new(Entity::ContractServiceBundleUnits, &unit_keys),
            adjusted: HashSet::new(),
            next_id: 1,
        };
        let own =
            json!({"id": 0, "companyName": "The MSP itself", "companyType": 1, "isActive": true});
        let made = world.insert(Entity::Companies, &own);
        debug_assert!(made.is_ok(), "the tenant's own company is well-formed");
        world
    }

    /// Whether this tenant does not have a field.
    pub fn lacks(&self, entity: Entity, field: &str) -> bool {
        let lacking = self.lacking.get(&entity);
        lacking.is_some_and(|names| names.iter().any(|n| n.eq_ignore_ascii_case(field)))
    }

    /// The tenant's date.
    pub fn today(&self) -> Date {
        self.now.date()
    }

    /// The records of an entity that is not a unit row.
    pub fn rows(&self, entity: Entity) -> &Table<Row> {
        &self.tables[entity as usize]
    }

    pub(crate) fn rows_mut(&mut self, entity: Entity) -> &mut Table<Row> {
        &mut self.tables[entity as usize]
    }

    /// The unit rows of one kind of line.
    pub fn units(&self, kind: LineKind) -> &Table<UnitRow> {
        match kind {
            LineKind::Service => &self.service_units,
            LineKind::Bundle => &self.bundle_units,
        }
    }

    /// The unit rows of one kind of line, to change behind the API's back.
    pub fn units_mut(&mut self, kind: LineKind) -> &mut Table<UnitRow> {
        match kind {
            LineKind::Service => &mut self.service_units,
            LineKind::Bundle => &mut self.bundle_units,
        }
    }

    /// Ids from here on are at least `id`.
    pub fn begin_ids_at(&mut self, id: i64) {
        self.next_id = self.next_id.max(id);
    }

    pub(crate) fn fresh_id(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Adds or replaces a record given as on the wire; without `id` it gets one.
    pub fn insert(&mut self, entity: Entity, record: &Json) -> Result<i64, String> {
        let object = record
            .as_object()
            .ok_or_else(|| format!("{entity}: expected an object"))?;
        let id = match object.get("id") {
            None | Some(Json::Null) => self.fresh_id(),
            Some(id) => id
                .as_i64()
                .ok_or_else(|| format!("{entity}: id {id} is not a number"))?,
        };
        self.next_id = self.next_id.max(id.saturating_add(1));
        let mut row = Row::new(id);
        row.merge(entity, object)
            .map_err(|e| format!("{entity} {id}: {e}"))?;
        self.rows_mut(entity).insert(row);
        Ok(id)
    }

    /// Changes one field of a record; `null` clears it.
    pub fn set(
        &mut self,
        entity: Entity,
        id: i64,
        field: &str,
        value: &Json,
    ) -> Result<(), String> {
        let found = entity.fields().get(field);
        let field =
            found.ok_or_else(|| format!("{field} is not a field of {}", entity.singular()))?;
        let value = Value::read(field, value)?;
        self.rows_mut(entity)
            .update(id, |row| row.set(field, value))
            .ok_or_else(|| format!("{entity} {id} does not exist"))
    }

    /// Takes a record out, behind the API's back.
    pub fn delete(&mut self, entity: Entity, id: i64) -> bool {
        match entity {
            Entity::ContractServiceUnits => self.service_units.remove(id).is_some(),
            Entity::ContractServiceBundleUnits => self.bundle_units.remove(id).is_some(),
            _ => self.rows_mut(entity).remove(id).is_some(),
        }
    }

    /// Adds a company and returns its id.
    pub fn add_company(&mut self, name: &str) -> i64 {
        self.must(
            Entity::Companies,
            &json!({"companyName": name, "companyType": 1, "isActive": true}),
        )
    }

    /// Adds a monthly service and returns its id.
    pub fn add_service(&mut self, name: &str, unit_price: &str) -> i64 {
        let record = json!({
            "name": name, "isActive": true, "periodType": self.period_number("Monthly"),
            "unitPrice": price(unit_price), "unitCost": 0, "billingCodeID": 1,
        });
        self.must(Entity::Services, &record)
    }

    /// Adds a monthly bundle of services and returns its id.
    pub fn add_bundle(&mut self, name: &str, unit_price: &str, services: &[i64]) -> i64 {
        let record = json!({
            "name": name, "isActive": true, "periodType": self.period_number("Monthly"),
            "unitPrice": price(unit_price), "unitCost": 0, "billingCodeID": 1,
        });
        let bundle = self.must(Entity::ServiceBundles, &record);
        for service in services {
            let part = json!({"serviceBundleID": bundle, "serviceID": service});
            self.must(Entity::ServiceBundleServices, &part);
        }
        bundle
    }

    /// Adds an active monthly recurring-service contract and returns its id.
    pub fn add_contract(&mut self, company: i64, name: &str, start: Date, end: Date) -> i64 {
        let record = json!({
            "companyID": company, "contractName": name, "contractType": 7, "status": 1,
            "contractPeriodType": self.period_number("Monthly"), "billingPreference": 2,
            "startDate": start.to_string(), "endDate": end.to_string(),
            "timeReportingRequiresStartAndStopTimes": 0,
        });
        self.must(Entity::Contracts, &record)
    }

    /// Adds a line with unit rows for every period up to the contract's end, and
    /// returns its id (`contractServiceID` or `contractServiceBundleID`).
    pub fn add_line(
        &mut self,
        kind: LineKind,
        contract: i64,
        sold: i64,
        units: i32,
    ) -> Result<i64, String> {
        let catalogue = self.rows(kind.catalogue()).get(sold);
        let unit_price = catalogue
            .and_then(|s| s.get(kind.catalogue(), "unitPrice").number())
            .unwrap_or_default();
        let mut record = json!({
            "contractID": contract, "unitPrice": number(unit_price),
            "internalCurrencyUnitPrice": number(unit_price),
            "internalCurrencyAdjustedPrice": number(unit_price),
        });
        record[kind.sold_field()] = json!(sold);
        if kind == LineKind::Service {
            record["unitCost"] = json!(0);
        }
        let line = self.insert(kind.lines(), &record)?;
        let from = self.contract_window(contract)?.0;
        self.fill_units(kind, line, units, from)?;
        Ok(line)
    }

    /// Units of a line on a day, by the latest row that covers it; `None` without one.
    pub fn units_on(&self, kind: LineKind, line: i64, day: Date) -> Option<i32> {
        self.timeline(kind, line)
            .into_iter()
            .rfind(|r| r.covers(day))
            .map(|r| r.units)
    }

    /// The line's unit rows by date.
    pub fn timeline(&self, kind: LineKind, line: i64) -> Vec<&UnitRow> {
        let mut rows: Vec<_> = self.units(kind).by(kind.line_field(), line).collect();
        rows.sort_by_key(|r| (r.start, r.id));
        rows
    }

    /// Approves and posts every period that begins on or before `through`.
    pub fn post_through(&mut self, through: Date) {
        let today = self.today();
        for kind in [LineKind::Service, LineKind::Bundle] {
            let due = |r: &&UnitRow| r.posted.is_none() && r.start <= through;
            let ids: Vec<i64> = self.units(kind).iter().filter(due).map(|r| r.id).collect();
            for id in ids {
                if let Some(row) = self.units_mut(kind).get_mut(id) {
                    row.posted = Some(today);
                }
            }
        }
    }

    /// Whether a record exists and is not inactive: what a reference needs [CODE N8N].
    pub fn is_active(&self, entity: Entity, id: i64) -> bool {
        let row = self.rows(entity).get(id);
        row.is_some_and(|r| r.get(entity, "isActive") != Cell::Bool(false))
    }

    /// The number of a period's label in this tenant's picklist.
    pub fn period_number(&self, label: &str) -> i64 {
        let list = self.picklists.get("Contracts.contractPeriodType");
        let choice = list.and_then(|l| l.iter().find(|c| c.label == label));
        choice.map_or(2, |c| c.value)
    }

    fn must(&mut self, entity: Entity, record: &Json) -> i64 {
        match self.insert(entity, record) {
            Ok(id) => id,
            Err(reason) => unreachable!("a record made here is well-formed: {reason}"),
        }
    }
}

fn price(text: &str) -> Json {
    number(text.parse::<Decimal>().unwrap_or_default())
}

/// A decimal as a JSON number.
pub(crate) fn number(value: Decimal) -> Json {
    serde_json::from_str(&value.normalize().to_string()).unwrap_or(Json::Null)
}
