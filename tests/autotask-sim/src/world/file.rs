//! World files: a tenant as JSON, records as on the wire.
//!
//! A line (`contractServices`, `contractServiceBundles`) may say `units` and
//! `adjustments` besides its own fields; then its unit rows follow from the
//! contract's periods. Or its rows are listed in full.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::World;
use super::adjust::Adjustment;
use super::cell;
use super::number;
use super::row::{Record, Row};
use super::units::{LineKind, UnitRow};
use super::users::User;
use crate::query::render;
use crate::schema::Entity;
use crate::schema::picklists::Picklists;
use crate::switches::{DateFormat, PostedPeriod, Switches, Verdict};

/// The file's shape.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WorldFile {
    today: Date,
    #[serde(default)]
    zone_name: Option<String>,
    #[serde(default)]
    web_url: Option<String>,
    #[serde(default)]
    ci: Option<i64>,
    #[serde(default)]
    users: Option<Vec<User>>,
    #[serde(default)]
    udfs: BTreeMap<Entity, Vec<String>>,
    #[serde(default)]
    lacking: BTreeMap<Entity, Vec<String>>,
    /// Replaces single lists.
    #[serde(default)]
    picklists: Picklists,
    /// Periods that begin on or before this day are approved and posted.
    #[serde(default)]
    posted_through: Option<Date>,
    #[serde(default)]
    companies: Vec<Json>,
    #[serde(default)]
    resources: Vec<Json>,
    #[serde(default)]
    services: Vec<Json>,
    #[serde(default)]
    service_bundles: Vec<Json>,
    #[serde(default)]
    service_bundle_services: Vec<Json>,
    #[serde(default)]
    contracts: Vec<Json>,
    #[serde(default)]
    contract_services: Vec<Json>,
    #[serde(default)]
    contract_service_bundles: Vec<Json>,
    #[serde(default)]
    contract_service_units: Vec<Json>,
    #[serde(default)]
    contract_service_bundle_units: Vec<Json>,
    #[serde(default)]
    contract_charges: Vec<Json>,
    #[serde(default)]
    billing_items: Vec<Json>,
}

/// An adjustment in a world file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PastAdjustment {
    effective_date: Date,
    unit_change: i32,
}

impl World {
    /// Reads a world file; says which record is wrong and why.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let file: WorldFile = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let mut world = Self::new(file.today);
        world.zone_name = file.zone_name.unwrap_or(world.zone_name);
        world.web_url = file.web_url.unwrap_or(world.web_url);
        world.ci = file.ci.unwrap_or(world.ci);
        world.users = file.users.unwrap_or(world.users);
        world.udfs = file.udfs;
        world.lacking = file.lacking;
        world.picklists.extend(file.picklists);
        for (entity, records) in [
            (Entity::Companies, &file.companies),
            (Entity::Resources, &file.resources),
            (Entity::Services, &file.services),
            (Entity::ServiceBundles, &file.service_bundles),
            (Entity::ServiceBundleServices, &file.service_bundle_services),
            (Entity::Contracts, &file.contracts),
            (Entity::ContractCharges, &file.contract_charges),
            (Entity::BillingItems, &file.billing_items),
        ] {
            for record in records {
                world.insert(entity, record)?;
            }
        }
        for (kind, lines) in [
            (LineKind::Service, file.contract_services),
            (LineKind::Bundle, file.contract_service_bundles),
        ] {
            for line in lines {
                world.insert_line(kind, line)?;
            }
        }
        for (kind, rows) in [
            (LineKind::Service, file.contract_service_units),
            (LineKind::Bundle, file.contract_service_bundle_units),
        ] {
            for row in rows {
                world.insert_units(kind, &row)?;
            }
        }
        if let Some(day) = file.posted_through {
            world.post_through(day);
        }
        world.applied.clear();
        Ok(world)
    }

    /// Adds a line as a world file has it.
    pub fn insert_line(&mut self, kind: LineKind, mut line: Json) -> Result<i64, String> {
        let entity = kind.lines();
        let object = line
            .as_object_mut()
            .ok_or_else(|| format!("{entity}: expected an object"))?;
        let units = object.remove("units");
        let past = object.remove("adjustments").unwrap_or_else(|| json!([]));
        let past: Vec<PastAdjustment> =
            serde_json::from_value(past).map_err(|e| format!("{entity}: adjustments: {e}"))?;
        if !object.contains_key("internalCurrencyAdjustedPrice")
            && let Some(price) = object.get("unitPrice").cloned()
        {
            object.insert("internalCurrencyAdjustedPrice".to_owned(), price);
        }
        let id = self.insert(entity, &line)?;
        let Some(units) = units else { return Ok(id) };
        let count = units.as_i64().and_then(|n| i32::try_from(n).ok());
        let count = count.ok_or_else(|| format!("{entity} {id}: units {units} is not a count"))?;
        let fail = |e: String| format!("{entity} {id}: {e}");
        let contract = self
            .rows(entity)
            .get(id)
            .and_then(|r| r.get(entity, "contractID").int());
        let start = self
            .contract_window(contract.unwrap_or_default())
            .map_err(fail)?
            .0;
        self.fill_units(kind, id, count, start).map_err(fail)?;
        // What happened in the past happened, whatever the rules are now.
        let lenient = Switches {
            posted_period: PostedPeriod::Prorate,
            zero_units: Verdict::Accept,
            ..Switches::default()
        };
        for adjustment in past {
            let ask = Adjustment {
                line: Some(id),
                effective: adjustment.effective_date,
                change: adjustment.unit_change,
                ..Adjustment::default()
            };
            self.adjust(kind, &ask, &lenient, true).map_err(fail)?;
        }
        Ok(id)
    }

    /// Adds one unit row given as on the wire; `price` and `cost` are the row's.
    pub fn insert_units(&mut self, kind: LineKind, json: &Json) -> Result<i64, String> {
        let entity = kind.units();
        let object = json
            .as_object()
            .ok_or_else(|| format!("{entity}: expected an object"))?;
        let mut row = Row::new(0);
        row.merge(entity, object)
            .map_err(|e| format!("{entity}: {e}"))?;
        let int = |field: &str| row.get(entity, field).int();
        let day = |field: &str| row.get(entity, field).date();
        let missing = |field: &str| format!("{entity}: {field} is missing");
        let line = int(kind.line_field()).ok_or_else(|| missing(kind.line_field()))?;
        let parent = self.rows(kind.lines()).get(line);
        let parent = parent.ok_or_else(|| format!("{entity}: line {line} does not exist"))?;
        let of_line = |field: &str| parent.get(kind.lines(), field);
        let start = day("startDate").ok_or_else(|| missing("startDate"))?;
        let end = day("endDate").ok_or_else(|| missing("endDate"))?;
        let units = int("units")
            .and_then(|n| i32::try_from(n).ok())
            .ok_or_else(|| missing("units"))?;
        let period_days = super::units::days(start, end);
        let each = |field: &str| {
            let whole = row.get(entity, field).number()?;
            whole.checked_div(units.into())
        };
        let unit_price = each("price")
            .or(of_line("unitPrice").number())
            .unwrap_or_default();
        let unit_cost = each("cost")
            .or(of_line("unitCost").number())
            .unwrap_or_default();
        let contract = of_line("contractID").int().unwrap_or_default();
        let service = of_line(kind.sold_field()).int().unwrap_or_default();
        let id = match object.get("id").and_then(Json::as_i64) {
            Some(id) => id,
            None => self.fresh_id(),
        };
        let (posted, vendor) = (day("approveAndPostDate"), int("vendorCompanyID"));
        self.begin_ids_at(id.saturating_add(1));
        self.units_mut(kind).insert(UnitRow {
            id,
            line,
            contract,
            service,
            start,
            end,
            units,
            unit_price,
            unit_cost,
            period_days,
            posted,
            vendor,
        });
        Ok(id)
    }

    /// The world as a file that makes the same world again, adjustments folded into
    /// unit rows.
    pub fn to_json(&self) -> Json {
        let mut file = Map::new();
        file.insert("today".to_owned(), json!(self.today()));
        file.insert("zoneName".to_owned(), json!(self.zone_name));
        file.insert("webUrl".to_owned(), json!(self.web_url));
        file.insert("ci".to_owned(), json!(self.ci));
        file.insert("users".to_owned(), json!(self.users));
        file.insert("udfs".to_owned(), json!(self.udfs));
        file.insert("lacking".to_owned(), json!(self.lacking));
        file.insert("picklists".to_owned(), json!(self.picklists));
        for entity in Entity::ALL {
            let list: Vec<Json> = match entity {
                Entity::ContractServiceAdjustments | Entity::ContractServiceBundleAdjustments => {
                    continue;
                }
                Entity::ContractServiceUnits => self.dump_units(LineKind::Service),
                Entity::ContractServiceBundleUnits => self.dump_units(LineKind::Bundle),
                _ => self.rows(entity).iter().map(|r| dump(r, entity)).collect(),
            };
            let mut name = entity.name().to_owned();
            name[..1].make_ascii_lowercase();
            file.insert(name, Json::Array(list));
        }
        Json::Object(file)
    }

    fn dump_units(&self, kind: LineKind) -> Vec<Json> {
        self.units(kind)
            .iter()
            .map(|r| dump(r, kind.units()))
            .collect()
    }
}

/// A record as on the wire, without its nulls.
fn dump<R: Record>(row: &R, entity: Entity) -> Json {
    let mut text = Vec::new();
    render::record(&mut text, row, entity, None, DateFormat::Seconds);
    let mut json: Json = serde_json::from_slice(&text).unwrap_or_default();
    if let Some(object) = json.as_object_mut() {
        object.retain(|_, v| !v.is_null() && v != &json!([]));
        for field in entity.fields().all() {
            if let cell::Cell::Dec(d) = row.cell(field) {
                object.insert(field.name.to_owned(), number(d));
            }
        }
    }
    json
}
