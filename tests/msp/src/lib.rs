//! A made-up MSP, both sides of it: workspaces and counts as Coro would report them,
//! and a simulated Autotask tenant with companies, contracts and lines. The same
//! numbers come out each time.
//!
//! Most customers are in order, some lines are behind the counts, and where the shape
//! asks for it a few customers have the troubles that real ones have.

#![forbid(unsafe_code)]

mod modules;
mod names;

use autotask_sim::schema::Entity;
use autotask_sim::{LineKind, World};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

pub use modules::{MODULES, Module};

/// The id of the MSP's channel workspace.
pub const CHANNEL: &str = "ws-msp";

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How many customers.
    pub customers: usize,
    /// How many of the modules each uses; none: it differs from customer to customer.
    pub modules_each: Option<usize>,
    /// How many lines are behind their counts.
    pub changes: usize,
    /// A few customers have troubles.
    pub troubles: bool,
    /// Billing months still to come, the present one included.
    pub months: i32,
}

/// What is wrong with a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No contract at all.
    NoContract,
    /// The contract ended last month.
    Expired,
    /// Two contracts sell the same services.
    TwoContracts,
    /// The first service stands on the contract twice.
    DuplicateLine,
    /// The contract lacks the first service.
    MissingLine,
    /// The company is inactive in the PSA.
    InactiveCompany,
    /// Trying, though the contract has lines.
    Trial,
    /// The count of the first module fell to zero.
    FallToZero,
    /// Nobody has mapped it yet.
    Unmapped,
}

/// One customer of the MSP.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Coro's id of its workspace.
    pub workspace: String,
    /// The company's name, in Coro as in the PSA.
    pub name: String,
    /// The PSA's id of its company.
    pub company: i64,
    /// What is wrong with it.
    pub trouble: Option<Trouble>,
    /// Its modules: position in [`MODULES`], users, devices, and the contract service.
    pub uses: Vec<Use>,
}

/// A customer's use of one module.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// Position in [`MODULES`].
    pub module: usize,
    /// Protected users.
    pub users: u32,
    /// Protected devices.
    pub devices: u32,
    /// The contract service, where there is one.
    pub line: Option<i64>,
}

impl Use {
    /// The count that is billed.
    pub fn count(&self) -> u32 {
        if MODULES[self.module].metric == "devices" {
            self.devices
        } else {
            self.users
        }
    }
}

/// The MSP.
#[derive(Debug)]
pub struct Msp {
    /// Its PSA.
    pub world: World,
    /// Its customers.
    pub customers: Vec<Customer>,
    /// The PSA's service of each of [`MODULES`].
    pub services: Vec<i64>,
    /// The day it is made for.
    pub today: Date,
}

impl Msp {
    /// Make it. Contracts began a year ago and go on for `shape.months` months;
    /// everything before this month is posted.
    ///
    /// # Panics
    /// Where the dates leave the calendar.
    pub fn new(shape: &Shape, today: Date) -> Self {
        let mut world = World::new(today);
        let services: Vec<i64> = MODULES
            .iter()
            .map(|module| world.add_service(module.service, module.price))
            .collect();
        let mut made = Self {
            world,
            customers: Vec::new(),
            services,
            today,
        };
        let mut behind = Behind::new(shape);
        for at in 0..shape.customers {
            let customer = made.customer(shape, at, &mut behind);
            made.customers.push(customer);
        }
        let last_month = today.first_of_month().yesterday().expect("a day before");
        made.world.post_through(last_month);
        made
    }

    fn customer(&mut self, shape: &Shape, at: usize, behind: &mut Behind) -> Customer {
        let name = names::company(at);
        let company = self.world.add_company(&name);
        let trouble = shape.troubles.then(|| trouble(at)).flatten();
        if trouble == Some(Trouble::InactiveCompany) {
            let changed = self
                .world
                .set(Entity::Companies, company, "isActive", &json!(false));
            changed.expect("the company is there");
        }
        let first = self.today.first_of_month();
        let (start, end) = match trouble {
            Some(Trouble::Expired) => (first - 13.months(), first - 1.day()),
            _ => (first - 12.months(), first + shape.months.months() - 1.day()),
        };
        let contract = (trouble != Some(Trouble::NoContract)).then(|| {
            self.world
                .add_contract(company, &format!("{name} managed services"), start, end)
        });
        let mut uses = Vec::new();
        for module in modules_of(shape, at) {
            let (users, devices) = counts(at, module);
            let mut used = Use {
                module,
                users,
                devices,
                line: None,
            };
            let lacks = trouble == Some(Trouble::MissingLine) && uses.is_empty();
            if let Some(contract) = contract
                && !lacks
            {
                let units = behind.units(used.count());
                used.line = Some(self.line(contract, module, units));
                if trouble == Some(Trouble::DuplicateLine) && uses.is_empty() {
                    self.line(contract, module, units);
                }
            }
            if trouble == Some(Trouble::FallToZero) && uses.is_empty() {
                (used.users, used.devices) = (0, 0);
            }
            uses.push(used);
        }
        if trouble == Some(Trouble::TwoContracts) {
            let second = self
                .world
                .add_contract(company, &format!("{name} renewed"), start, end);
            for used in &uses {
                self.line(second, used.module, used.count());
            }
        }
        Customer {
            workspace: format!("ws-{:05}", at + 1),
            name,
            company,
            trouble,
            uses,
        }
    }

    fn line(&mut self, contract: i64, module: usize, units: u32) -> i64 {
        let units = i32::try_from(units).expect("a few hundred");
        let service = self.services[module];
        self.world
            .add_line(LineKind::Service, contract, service, units)
            .expect("an open contract")
    }

    /// For `psa-host workspace import`.
    pub fn workspaces(&self) -> Value {
        let channel = json!({
            "id": CHANNEL, "name": "Northwind IT", "company": "Northwind IT Services",
            "domain": "northwind.example", "kind": "channel", "parent": null,
            "status": "subscription",
        });
        let customers = self.customers.iter().map(|customer| {
            let status = if customer.trouble == Some(Trouble::Trial) {
                "trial"
            } else {
                "subscription"
            };
            json!({
                "id": customer.workspace,
                "name": customer.name.chars().take(30).collect::<String>(),
                "company": customer.name, "domain": names::domain(&customer.name),
                "kind": "child", "parent": CHANNEL, "status": status,
            })
        });
        json!({ "workspaces": std::iter::once(channel).chain(customers).collect::<Vec<_>>() })
    }

    /// For `psa-host usage import`.
    pub fn usage(&self, taken_at: Timestamp) -> Value {
        let mut items = Vec::new();
        for customer in &self.customers {
            for used in &customer.uses {
                items.push(json!({
                    "workspace": customer.workspace, "module": MODULES[used.module].id,
                    "users": used.users, "devices": used.devices,
                }));
            }
        }
        json!({
            "channel": CHANNEL, "taken_at": taken_at.to_string(), "complete": true, "items": items,
        })
    }

    /// For `psa-host map import`.
    pub fn mapping(&self) -> Value {
        let mapped = self
            .customers
            .iter()
            .filter(|c| c.trouble != Some(Trouble::Unmapped));
        let accounts: Vec<Value> = mapped
            .map(|c| json!({"workspace": c.workspace, "account": c.company.to_string()}))
            .collect();
        let services: Vec<Value> = MODULES
            .iter()
            .zip(&self.services)
            .map(|(module, service)| {
                json!({
                    "module": module.id, "service": service.to_string(), "metric": module.metric,
                })
            })
            .collect();
        json!({ "accounts": accounts, "services": services, "contracts": [] })
    }
}

/// Spreads the lines that are behind evenly over all lines.
struct Behind {
    every: usize,
    left: usize,
    seen: usize,
}

impl Behind {
    fn new(shape: &Shape) -> Self {
        let each = shape.modules_each.unwrap_or(6);
        let lines = shape.customers * each;
        Self {
            every: (lines / shape.changes.max(1)).max(1),
            left: shape.changes,
            seen: 0,
        }
    }

    /// What the line has, for a count.
    fn units(&mut self, count: u32) -> u32 {
        self.seen += 1;
        if self.left == 0 || !self.seen.is_multiple_of(self.every) {
            return count;
        }
        self.left -= 1;
        // Two in three grew since, one in three shrank.
        if self.seen.is_multiple_of(3) {
            count + 2
        } else {
            count.saturating_sub(3).max(1)
        }
    }
}

fn modules_of(shape: &Shape, at: usize) -> Vec<usize> {
    if let Some(each) = shape.modules_each {
        return (0..each.min(MODULES.len())).collect();
    }
    // What is sold most is used by nearly all, the last by one in eight.
    (0..MODULES.len())
        .filter(|module| mixed(at, *module, 7) % 12 >= *module as u64)
        .collect()
}

fn counts(at: usize, module: usize) -> (u32, u32) {
    let people = 6 + mixed(at, 0, 1) % 120;
    let users = people - mixed(at, module, 2) % 4;
    let devices = people + mixed(at, module, 3) % 15;
    (
        u32::try_from(users).unwrap_or(9),
        u32::try_from(devices).unwrap_or(9),
    )
}

fn trouble(at: usize) -> Option<Trouble> {
    const EACH: [Trouble; 9] = [
        Trouble::NoContract,
        Trouble::Expired,
        Trouble::TwoContracts,
        Trouble::DuplicateLine,
        Trouble::MissingLine,
        Trouble::InactiveCompany,
        Trouble::Trial,
        Trouble::FallToZero,
        Trouble::Unmapped,
    ];
    // One in twenty, each kind in turn.
    (at % 20 == 11).then(|| EACH[(at / 20) % EACH.len()])
}

/// A number that depends on all three and looks like none of them.
fn mixed(a: usize, b: usize, c: usize) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in [a, b, c] {
        for byte in part.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash ^ (hash >> 31)
}
