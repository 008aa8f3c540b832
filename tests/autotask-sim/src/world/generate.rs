//! Generated tenants: a plausible MSP of any size, the same for the same seed.

use jiff::civil::{Date, date};
use jiff::{Span, ToSpan};
use serde_json::json;

use super::World;
use super::number;
use super::units::LineKind;
use crate::schema::Entity;
use rust_decimal::Decimal;

/// What to generate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Customer companies.
    pub companies: u32,
    /// Lines on each company's running contract.
    pub lines: u32,
    /// Further contracts of every fourth company that are over.
    pub expired: u32,
    /// Months that the running contract lasts.
    pub months: i32,
    /// The tenant's date.
    pub today: Date,
    /// Ids begin above 2^31, as those of an old, busy tenant may.
    pub big_ids: bool,
    /// One company in so many is inactive; 0 is none.
    pub inactive_every: u32,
    /// One company in so many has a line of a bundle too; 0 is none.
    pub bundle_every: u32,
    /// Seed.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            companies: 200,
            lines: 6,
            expired: 1,
            months: 12,
            today: date(2026, 11, 23),
            big_ids: false,
            inactive_every: 17,
            bundle_every: 5,
            seed: 1,
        }
    }
}

impl Plan {
    /// Sets fields from `companies=200,lines=6`.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        for setting in text.split(',').filter(|s| !s.is_empty()) {
            let (name, value) = setting
                .split_once('=')
                .ok_or("expected name=value, separated by commas")?;
            let bad = |_| format!("{name} cannot be {value}");
            match name {
                "companies" => self.companies = value.parse().map_err(bad)?,
                "lines" => self.lines = value.parse().map_err(bad)?,
                "expired" => self.expired = value.parse().map_err(bad)?,
                "months" => self.months = value.parse().map_err(bad)?,
                "inactive-every" => self.inactive_every = value.parse().map_err(bad)?,
                "bundle-every" => self.bundle_every = value.parse().map_err(bad)?,
                "seed" => self.seed = value.parse().map_err(bad)?,
                "today" => {
                    self.today = value
                        .parse()
                        .map_err(|_| format!("{name} cannot be {value}"))?
                }
                "big-ids" => {
                    self.big_ids = value
                        .parse()
                        .map_err(|_| format!("{name} cannot be {value}"))?
                }
                _ => return Err(format!("{name} is not something to generate")),
            }
        }
        Ok(())
    }
}

const FIRST: [&str; 20] = [
    "Alder",
    "Beacon",
    "Cedar",
    "Delta",
    "Ember",
    "Falcon",
    "Granite",
    "Harbor",
    "Iron",
    "Juniper",
    "Keystone",
    "Lakeside",
    "Maple",
    "Northwind",
    "Oakridge",
    "Pioneer",
    "Quarry",
    "Riverbend",
    "Summit",
    "Timberline",
];
const SECOND: [&str; 16] = [
    "Dental",
    "Legal",
    "Logistics",
    "Accounting",
    "Architects",
    "Clinic",
    "Construction",
    "Foods",
    "Insurance",
    "Media",
    "Motors",
    "Partners",
    "Realty",
    "School",
    "Surveyors",
    "Textiles",
];
const SERVICES: [(&str, &str); 14] = [
    ("Coro Essentials", "7.50"),
    ("Coro Email Security", "3.25"),
    ("Coro EDR", "5.00"),
    ("Coro Cloud Security", "2.75"),
    ("Coro Network", "4.10"),
    ("Coro Managed Services", "12.00"),
    ("Helpdesk per user", "45.00"),
    ("Server monitoring", "30.00"),
    ("Backup per device", "9.90"),
    ("Microsoft 365 Business", "22.00"),
    ("Firewall rental", "55.00"),
    ("VoIP seat", "18.00"),
    ("Security awareness training", "2.00"),
    ("On-site hours", "110.00"),
];

/// A small generator of numbers (SplitMix64): enough for names and counts, and the
/// same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides.max(1)
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        let place = self.roll(list.len() as u64);
        list.get(usize::try_from(place).ok()?).copied()
    }

    fn units(&mut self) -> i32 {
        i32::try_from(3 + self.roll(120)).unwrap_or(3)
    }
}

impl World {
    /// A tenant after `plan`. Periods before the current month are posted.
    pub fn generate(plan: &Plan) -> Result<Self, String> {
        let mut world = Self::new(plan.today);
        world.begin_ids_at(if plan.big_ids {
            (1 << 31) + 1000
        } else {
            29_683_000
        });
        let mut dice = Dice(plan.seed);
        let resource =
            json!({"firstName": "Sam", "lastName": "Ito", "userName": "sam", "isActive": true});
        world.insert(Entity::Resources, &resource)?;
        let user = json!({"firstName": "API", "lastName": "User", "userName": "api@sim.example",
            "email": "api@sim.example", "licenseType": 7, "isActive": true});
        world.insert(Entity::Resources, &user)?;
        let services: Vec<i64> = SERVICES
            .iter()
            .map(|(name, price)| world.add_service(name, price))
            .collect();
        let retired = world.add_service("Coro Classic (retired)", "6.00");
        world.set(Entity::Services, retired, "isActive", &json!(false))?;
        let bundle = world.add_bundle("Coro Complete", "14.90", services.get(..3).unwrap_or(&[]));
        for n in 0..plan.companies {
            world.generate_company(plan, n, &services, bundle, &mut dice)?;
        }
        let month = plan.today.first_of_month();
        world.post_through(month.saturating_sub(1.day()));
        Ok(world)
    }

    fn generate_company(
        &mut self,
        plan: &Plan,
        n: u32,
        services: &[i64],
        bundle: i64,
        dice: &mut Dice,
    ) -> Result<(), String> {
        let (first, second) = (
            dice.pick(&FIRST).unwrap_or("Alder"),
            dice.pick(&SECOND).unwrap_or("Legal"),
        );
        let every = |k: u32| k > 0 && n % k == k - 1;
        let active = !every(plan.inactive_every);
        let host = format!(
            "{}-{}-{n}.example",
            first.to_lowercase(),
            second.to_lowercase()
        );
        let company = self.insert(
            Entity::Companies,
            &json!({
                "companyName": format!("{first} {second} {n}"), "companyType": if every(9) { 3 } else { 1 },
                "companyNumber": format!("C{n:05}"), "isActive": active, "phone": "555-0100",
                "webAddress": format!("https://www.{host}"), "city": "Springfield", "countryID": 237,
                "createDate": "2022-03-01T09:30:00Z",
            }),
        )?;
        let first_day = plan.today.first_of_month();
        let back = i32::try_from(dice.roll(u64::try_from(plan.months.clamp(1, 10)).unwrap_or(1)))
            .unwrap_or(0);
        let start = first_day.saturating_sub(Span::new().months(back));
        let end = start
            .saturating_add(plan.months.max(1).months())
            .saturating_sub(1.day());
        let contract = self.add_contract(
            company,
            &format!("{first} {second} managed services"),
            start,
            end,
        );
        for k in 0..plan.lines {
            let place = usize::try_from(k).unwrap_or(0) % services.len().max(1);
            let service = services.get(place).copied().unwrap_or_default();
            self.generate_line(LineKind::Service, contract, service, dice.units(), dice)?;
        }
        if every(plan.bundle_every) {
            self.generate_line(LineKind::Bundle, contract, bundle, dice.units(), dice)?;
        }
        if every(4) {
            for years in 1..=plan.expired {
                let shift =
                    Span::new().months(plan.months.max(1) * i32::try_from(years).unwrap_or(1));
                let (from, to) = (start.saturating_sub(shift), start.saturating_sub(1.day()));
                let old = self.add_contract(company, &format!("{first} {second} (old)"), from, to);
                let service = services.first().copied().unwrap_or_default();
                self.generate_line(LineKind::Service, old, service, dice.units(), dice)?;
            }
        }
        Ok(())
    }

    fn generate_line(
        &mut self,
        kind: LineKind,
        contract: i64,
        sold: i64,
        units: i32,
        dice: &mut Dice,
    ) -> Result<(), String> {
        let line = self.add_line(kind, contract, sold, units)?;
        if kind == LineKind::Service && dice.roll(20) == 0 {
            // A price agreed with this customer.
            let price = Decimal::new(i64::try_from(200 + dice.roll(2000)).unwrap_or(500), 2);
            self.set(
                kind.lines(),
                line,
                "internalCurrencyAdjustedPrice",
                &number(price),
            )?;
            let ids: Vec<i64> = self
                .timeline(kind, line)
                .into_iter()
                .map(|r| r.id)
                .collect();
            for id in ids {
                if let Some(row) = self.units_mut(kind).get_mut(id) {
                    row.unit_price = price;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_tenant() {
        let plan = Plan {
            companies: 30,
            ..Plan::default()
        };
        let (a, b) = (World::generate(&plan), World::generate(&plan));
        assert_eq!(a.expect("a world").to_json(), b.expect("a world").to_json());
    }

    #[test]
    fn a_generated_world_survives_its_file() {
        let plan = Plan {
            companies: 12,
            big_ids: true,
            ..Plan::default()
        };
        let world = World::generate(&plan).expect("a world");
        let text = world.to_json().to_string();
        let again = World::from_json(&text).expect("a readable file");
        assert_eq!(again.to_json(), world.to_json());
        assert!(again.rows(Entity::Contracts).last_id() > 1 << 31);
    }

    #[test]
    fn plans_are_read_from_text_and_wrong_ones_refused() {
        let mut plan = Plan::default();
        plan.set("companies=7,big-ids=true,today=2026-02-28")
            .expect("well-formed");
        assert_eq!(
            (plan.companies, plan.big_ids, plan.today),
            (7, true, date(2026, 2, 28))
        );
        assert!(plan.set("companys=7").is_err());
        assert!(plan.set("lines=many").is_err());
    }
}
