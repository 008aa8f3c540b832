//! An MSP's life with psa-host, told in stories over simulated days. Each begins with the
//! limits and brakes of a new connection, runs once a day as the scheduler would, and counts
//! what it cost a person: every call that only somebody who looks at it would make is a click
//! with a name. What is to be on the lines and on the invoices is written by hand here, never
//! taken from a plan.

mod customers;
mod interrupted;
mod invoices;
mod month_end;
mod no_counts;
mod ordinary;
mod renewal;
mod set_up;
mod too_many;

use std::sync::{Mutex, PoisonError};

use autotask_sim::{LineKind, World};
use end_to_end::{Customer, Scene, name};
use jiff::civil::{Date, date};
use psa_host_billing::rules::EffectivePolicy;
use psa_host_ledger::Outcome;
use psa_host_sync::run::RunReport;
use psa_host_sync::{Answering, QuestionState, Source};
use serde_json::json;

/// One day, in minutes.
const DAY: i64 = 24 * 60;

/// The last day of contracts that outlast each story.
const LAST: Date = date(2027, 12, 31);

/// An MSP with its customers, and the clicks of its administrator.
struct Msp {
    scene: Scene,
    clicks: Mutex<Vec<String>>,
}

impl Msp {
    /// Customers with (devices in use, units on the line), and nothing posted yet.
    async fn new(customers: &[(u32, i32)]) -> Self {
        let scene = Scene::lasting(LAST, customers, |_, _| {}).await;
        Self::of(scene)
    }

    fn of(scene: Scene) -> Self {
        scene.begin_with_limits();
        Self {
            scene,
            clicks: Mutex::default(),
        }
    }

    /// Customers whose lines have their counts already, as a first run found.
    async fn in_order(units: &[u32]) -> Self {
        let msp = Self::new(&as_they_stand(units)).await;
        msp.finds_all_right(units.len()).await;
        msp
    }

    async fn finds_all_right(&self, customers: usize) {
        let report = self.scene.sync().await;
        assert_eq!(
            count_of(&report, Outcome::Unchanged),
            customers,
            "{report:#?}"
        );
        assert!(!report.needs_a_person(), "{report:#?}");
    }

    fn set_policy(&self, policy: EffectivePolicy) {
        let mut rules = self.scene.host.rules(&name()).expect("rules");
        rules.effective.policy = policy;
        self.scene.host.set_rules(&name(), &rules).expect("set");
    }

    /// A day passes, its counts come, and the scheduler syncs.
    async fn day(&self, counts: &[u32]) -> RunReport {
        self.scene.wait(DAY);
        self.count(counts);
        self.scene.sync().await
    }

    /// A snapshot of the present instant, in the customers' order.
    fn count(&self, counts: &[u32]) {
        let workspaces = self.scene.customers.iter().map(|c| c.workspace.as_str());
        let counts: Vec<(&str, u32)> = workspaces.zip(counts.iter().copied()).collect();
        self.scene.import_usage(&counts);
    }

    /// Units on each customer's line on a day.
    fn units_on(&self, day: Date) -> Vec<i32> {
        let customers = 0..self.scene.customers.len();
        customers.map(|at| self.scene.units_on(at, day)).collect()
    }

    /// What was ever asked, whatever became of it.
    fn asked(&self) -> usize {
        let asked = self.scene.host.questions(Some(&name()), true);
        asked.expect("read").len()
    }

    /// A person did this.
    fn click(&self, what: impl Into<String>) {
        let mut clicks = self.clicks.lock().unwrap_or_else(PoisonError::into_inner);
        clicks.push(what.into());
    }

    /// A person grants everything that waits: by one command for new accounts, line by line
    /// for the rest.
    fn approve(&self) {
        let asked = self
            .scene
            .host
            .questions(Some(&name()), true)
            .expect("read");
        let waiting = asked.iter().filter(|q| q.state == QuestionState::Waiting);
        let ids: Vec<_> = waiting.map(|question| question.id).collect();
        let of_new = self.scene.host.new_accounts(Some(&name())).expect("read");
        let of_new: usize = of_new.iter().map(|view| view.sums.lines).sum();
        assert!(!ids.is_empty(), "nothing waits");
        if of_new > 0 {
            self.click("approve the new accounts");
        }
        for _ in of_new..ids.len() {
            self.click("approve a change");
        }
        let granted = self
            .scene
            .host
            .answer(&ids, Answering::Grant, "looked at it");
        granted.expect("they wait");
    }

    /// The MSP's people sign a customer: its company, a contract from today on and a line with
    /// these units in the PSA, and its workspace. It is mapped to nothing yet.
    fn signs(&mut self, units: i32) -> usize {
        let at = self.scene.customers.len() + 1;
        let (today, service) = (self.scene.today(), self.scene.service);
        let mut world = self.scene.simulator.world();
        let company = world.add_company(&format!("Company {at}"));
        let contract = world.add_contract(company, "Managed services", today, LAST);
        let line = line(&mut world, contract, service, units);
        drop(world);
        let workspace = format!("w{at}");
        self.workspace(&workspace, "subscription");
        self.scene.customers.push(Customer {
            workspace,
            devices: 0,
            units,
            company,
            contract,
            line,
        });
        at - 1
    }

    /// The source tells of a workspace.
    fn workspace(&self, id: &str, status: &str) {
        let told = json!({ "workspaces": [{
            "id": id, "name": id, "company": format!("Company {id}"),
            "domain": format!("{id}.example"), "kind": "child", "parent": "msp", "status": status,
        }]});
        let source = Source::new("workspaces", told.to_string());
        self.scene.host.import_workspaces(&source).expect("known");
    }

    /// The story is over. It cost a person these clicks, and no other.
    fn cost(&self, story: &str, expected: &[&str]) {
        let clicks = self.clicks.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{story}: clicks: {} {clicks:?}", clicks.len());
        assert_eq!(*clicks, expected, "{story}");
    }
}

fn line(world: &mut World, contract: i64, service: i64, units: i32) -> i64 {
    let line = world.add_line(LineKind::Service, contract, service, units);
    line.expect("an open contract")
}

fn as_they_stand(units: &[u32]) -> Vec<(u32, i32)> {
    let stands = |units: &u32| (*units, i32::try_from(*units).expect("a few"));
    units.iter().map(stands).collect()
}

/// Of how many lines what came.
fn count_of(report: &RunReport, outcome: Outcome) -> usize {
    report.summary.outcomes[outcome.as_str()]
}

fn codes(report: &RunReport) -> Vec<&str> {
    report.notices.iter().map(|n| n.code.as_str()).collect()
}

/// Nobody has to look at it, and so many lines were changed.
fn quiet(report: &RunReport, changed: usize) {
    assert!(!report.needs_a_person(), "{report:#?}");
    assert_eq!(count_of(report, Outcome::Confirmed), changed, "{report:#?}");
}
