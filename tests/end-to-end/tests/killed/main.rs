//! Effectively once, over whole runs: the process that syncs is killed at every step of
//! the ledger and at any other moment, while the PSA drops answers, fails after it has
//! applied, and applies late. Each change still takes effect exactly once.
//!
//! `END_TO_END_KILLS` is how often (60 unless said), `END_TO_END_SEED` makes the same
//! choices again. The summary is printed: `cargo test -p end-to-end --test killed --
//! --nocapture`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod books;
mod summary;
mod trouble;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use autotask_sim::switches::Verdict;
use end_to_end::{Death, Running, Scene, name, outcome, sync_as_child};
use fastrand::Rng;
use jiff::civil::date;
use jiff::tz::TimeZone;
use psa_host_billing::LineId;
use psa_host_ledger::Outcome;
use psa_host_sync::Step;
use psa_host_sync::run::{self, RunReport};
use rustix::process::Signal;

use books::Books;
use summary::Summary;

const CUSTOMERS: usize = 7;
const KILLS: usize = 60;

/// What each request takes, so that a moment can fall into it.
const LATENCY: Duration = Duration::from_millis(4);

/// Longer than the quarantine, in minutes.
const LATER: i64 = 11;

/// Within the quarantine.
const TOO_EARLY: i64 = 2;

/// Clean runs that settle everything.
const CLEAN_RUNS: usize = 5;

/// What a person adds to a line: no count of this test comes near it.
const BY_HAND: i32 = 1000;

/// Not a test by itself: what the child process of the test below runs.
#[tokio::test]
async fn the_child_that_is_killed() {
    sync_as_child().await;
}

// The PSA answers while this test waits for a child.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_at_every_step_and_at_any_moment_posts_each_change_exactly_once() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let kills = number("END_TO_END_KILLS").map_or(KILLS, |n: u64| usize::try_from(n).unwrap());
    let seed: u64 = number("END_TO_END_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("END_TO_END_SEED={seed} END_TO_END_KILLS={kills}");
    let mut test = Test::begin(kills, seed).await;
    while test.summary.kills < kills || !test.deaths_left.is_empty() {
        test.round().await;
    }
    test.end();
}

struct Test {
    scene: Scene,
    rng: Rng,
    books: Books,
    summary: Summary,
    /// Devices of each customer.
    counts: Vec<u32>,
    /// Steps that no child has died at yet.
    deaths_left: BTreeSet<Death>,
}

/// Every step, and those of single adjustments also for a later one.
fn deaths() -> BTreeSet<Death> {
    let often = |step| match step {
        Step::BeforeSend | Step::AfterSend => 3,
        _ => 1,
    };
    let steps = Step::ALL.iter().copied();
    steps
        .flat_map(|step| (1..=often(step)).map(move |nth| Death { step, nth }))
        .collect()
}

impl Test {
    async fn begin(kills: usize, seed: u64) -> Self {
        let counts = vec![20; CUSTOMERS];
        let customers: Vec<(u32, i32)> = counts.iter().map(|count| (*count, 20)).collect();
        // Two days a round, at most.
        let scene = Scene::lasting(date(2030, 12, 31), &customers, |config, _| {
            config.latency = LATENCY;
            // Or the PSA's own refusal would hide that something was sent twice.
            config.switches.repeat_date = Verdict::Accept;
        })
        .await;
        Self {
            books: Books::open(&scene),
            summary: Summary::new(kills, deaths().len(), seed),
            rng: Rng::with_seed(seed),
            scene,
            counts,
            deaths_left: deaths(),
        }
    }

    /// A new day with new counts, killed runs, and clean ones until all is settled.
    async fn round(&mut self) {
        self.summary.rounds += 1;
        self.begin_day();
        self.books.begin_round(&self.scene);
        for nth in 0..self.rng.usize(1..=3) {
            self.killed_run(nth == 0);
            let wait = if self.rng.u8(..) < 64 {
                TOO_EARLY
            } else {
                LATER
            };
            self.scene.wait(wait);
        }
        self.scene.simulator.clear_faults();
        let edited = self.edit_by_hand();
        self.scene.wait(LATER);
        let mut report = self.clean_run().await;
        if let Some(customer) = edited {
            report = self.undo_by_hand(customer, report).await;
        }
        for (at, customer) in self.scene.customers.iter().enumerate() {
            let found = outcome(&report, &customer.workspace);
            let reached = matches!(found.0, Outcome::Confirmed | Outcome::Unchanged);
            assert!(
                reached,
                "{}: {}: {report:#?}",
                self.summary, customer.workspace
            );
            let units = self.scene.units_on(at, report.as_of);
            assert_eq!(
                u32::try_from(units),
                Ok(self.counts[at]),
                "{}",
                self.summary
            );
        }
        let (scene, counts) = (&self.scene, &self.counts);
        self.books.close_round(scene, counts, &mut self.summary);
    }

    /// Some other hour of the next day, and new counts for most customers: more for
    /// some, fewer for others.
    fn begin_day(&mut self) {
        let zone = TimeZone::get("America/New_York").unwrap();
        let now = self.scene.now().to_zoned_datetime(zone);
        let next = now.tomorrow().unwrap().start_of_day().unwrap();
        let minutes = next.timestamp().duration_since(now.timestamp()).as_mins() + 1;
        self.scene.wait(minutes + self.rng.i64(0..24 * 60));
        for at in 1..self.counts.len() {
            if self.rng.u8(..) < 200 {
                self.counts[at] = self.rng.u32(1..=60);
            }
        }
        // One line at least is to be changed.
        self.counts[0] = self.counts[0] % 60 + 1;
        let counts: Vec<(&str, u32)> = self
            .scene
            .customers
            .iter()
            .zip(&self.counts)
            .map(|(customer, count)| (customer.workspace.as_str(), *count))
            .collect();
        self.scene.import_usage(&counts);
        self.scene.simulator.clear_journal();
    }

    /// A run in trouble, which is killed: at a step that nobody died at yet, or at any
    /// step or moment.
    fn killed_run(&mut self, first: bool) {
        self.scene.simulator.clear_faults();
        trouble::arm(&self.scene.simulator, &mut self.rng);
        let before = self.applied_to_each();
        let child = self.scene.child("the_child_that_is_killed");
        let death = match self.rng.u8(..) {
            // Only the first run of a round is sure to reach every step.
            0..100 if first => self.deaths_left.first().copied(),
            0..150 => Some(any(&mut self.rng)),
            _ => None,
        };
        let (killed, trace) = match death {
            Some(death) => {
                let mut running = child.dying_at(death).spawn();
                (running.was_killed(), running.reached())
            }
            None => {
                let mut running = child.spawn();
                self.wait_for_a_moment(&mut running);
                match self.rng.u8(..) {
                    0..110 => (self.stopped_politely(&mut running), running.reached()),
                    _ => (running.kill(), running.reached()),
                }
            }
        };
        if killed && let Some(death) = death {
            self.deaths_left.remove(&death);
            self.summary.kills_at_a_step += 1;
        }
        self.summary.steps_left = self.deaths_left.len();
        self.summary.child_ended(killed, &trace);
        // Requests that the child left on the wire arrive now, as they would within the
        // quarantine.
        std::thread::sleep(6 * LATENCY);
        self.look_at_its_report(&before);
    }

    /// SIGINT or SIGTERM, and now and then a second one shortly after. True: it was heard
    /// before the end.
    fn stopped_politely(&mut self, running: &mut Running) -> bool {
        let mut any = || match self.rng.bool() {
            true => Signal::INT,
            false => Signal::TERM,
        };
        let (first, second) = (any(), any());
        let heard = running.signal(first);
        if self.rng.u8(..) < 64 {
            std::thread::sleep(Duration::from_millis(self.rng.u64(0..20)));
            running.signal(second);
        }
        running.wait();
        self.summary.stopped += usize::from(heard);
        heard
    }

    fn applied_to_each(&self) -> Vec<usize> {
        let customers = 0..self.scene.customers.len();
        customers.map(|at| self.scene.applied(at).len()).collect()
    }

    /// What a run changed before it died is never shown as not sent.
    fn look_at_its_report(&self, before: &[usize]) {
        let host = &self.scene.host;
        let runs = host.run_list(Some(&end_to_end::name()), 1).expect("runs");
        let Some(run) = runs.first() else { return };
        let report = host.run_report(run.run.parse().expect("an id"));
        let report = report.expect("a report");
        let now = self.applied_to_each();
        for ((customer, before), now) in self.scene.customers.iter().zip(before).zip(now) {
            let shown = report
                .lines
                .iter()
                .find(|line| line.workspace.as_str() == customer.workspace);
            let planned = shown.is_some_and(|line| line.outcome == Outcome::Planned);
            assert!(
                *before == now || !planned,
                "{}: {} was changed and is shown as planned",
                self.summary,
                customer.workspace
            );
        }
    }

    /// After the start, the first step, or the first that means sending.
    fn wait_for_a_moment(&mut self, running: &mut Running) {
        let (from, at_most) = match self.rng.u8(0..8) {
            0 => (None, 100),
            1..4 => (Some(Step::RunBegun), 90),
            _ => (Some(Step::MarkedSending), 45),
        };
        if let Some(step) = from {
            let reached =
                |running: &Running| running.reached().iter().any(|word| word == step.as_str());
            while !reached(running) && !running.has_ended() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let until = Instant::now() + Duration::from_millis(self.rng.u64(0..at_most));
        while Instant::now() < until && !running.has_ended() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Until nothing is in doubt any more.
    async fn clean_run(&mut self) -> RunReport {
        for _ in 0..CLEAN_RUNS {
            let report = self.scene.sync().await;
            self.summary.clean_runs += 1;
            let alarm = report
                .notices
                .iter()
                .find(|notice| notice.code == "stray-line");
            assert_eq!(alarm, None, "{}", self.summary);
            let of = |outcome| {
                report
                    .lines
                    .iter()
                    .filter(move |line| line.outcome == outcome)
            };
            let looked = self.look_at_what_was_sent_twice(&report);
            if of(Outcome::Doubtful).count() + of(Outcome::Rejected).count() + looked == 0 {
                return report;
            }
            self.scene.wait(LATER);
        }
        panic!("{}: something stays in doubt", self.summary);
    }

    /// What two killed runs sent in vain is a person's matter. How many there were.
    fn look_at_what_was_sent_twice(&self, report: &RunReport) -> usize {
        let host = &self.scene.host;
        let mut twice = host.ledger().open_intents(&report.tenant).unwrap();
        twice.retain(|intent| intent.code.as_deref() == Some("not-applied-twice"));
        for held in &twice {
            let line = &held.intent.key.line;
            let id = line.as_str().parse().unwrap();
            let applied = self.books.applied_this_round(&self.scene, id);
            assert_eq!(applied, 0, "{}: {report:#?}", self.summary);
            let sent = self.requests_for(id);
            assert!(
                sent > 0,
                "{}: held without having been sent: {report:#?}",
                self.summary
            );
            host.resolve(
                held.run,
                std::slice::from_ref(line),
                run::Verdict::NotApplied,
            )
            .unwrap();
        }
        twice.len()
    }

    /// Adjustments of a line that reached the PSA today.
    fn requests_for(&self, line: i64) -> usize {
        let journal = self.scene.simulator.journal();
        let of_line = journal.iter().filter(|entry| {
            let body = entry.body.as_ref();
            let named = body.and_then(|body| body["contractServiceID"].as_i64());
            entry.endpoint == "ContractServiceAdjustments" && named == Some(line)
        });
        of_line.count()
    }

    /// Now and then a person changes a line while nobody knows what became of its
    /// adjustment.
    fn edit_by_hand(&mut self) -> Option<usize> {
        if self.summary.rounds == 1 || self.rng.u8(..) >= 25 {
            return None;
        }
        let customer = self.rng.usize(0..CUSTOMERS);
        self.books.add_by_hand(&self.scene, customer, BY_HAND);
        self.summary.edited_by_hand += 1;
        Some(customer)
    }

    /// The line is held with a reason until the person takes the change back and says,
    /// where the line itself cannot, what became of the adjustment.
    async fn undo_by_hand(&mut self, customer: usize, report: RunReport) -> RunReport {
        let line = self.scene.customers[customer].line;
        let (end, code) = outcome(&report, &self.scene.customers[customer].workspace);
        assert_eq!(end, Outcome::Held, "{}: {report:#?}", self.summary);
        assert!(code.is_some(), "{report:#?}");
        self.books.add_by_hand(&self.scene, customer, -BY_HAND);
        self.summary.held += 1;
        let id = LineId::new(line.to_string()).unwrap();
        let ledger = self.scene.host.ledger();
        let open = ledger.open_intents(&report.tenant).unwrap();
        if let Some(held) = open.iter().find(|intent| intent.intent.key.line == id) {
            let applied = self.books.applied_this_round(&self.scene, line) == 1;
            let verdict = match applied {
                true => run::Verdict::Confirmed,
                false => run::Verdict::NotApplied,
            };
            self.scene
                .host
                .resolve(held.run, std::slice::from_ref(&id), verdict)
                .unwrap();
        }
        self.clean_run().await
    }

    fn end(mut self) {
        self.books.close(&self.scene, &mut self.summary);
        println!("{}", self.summary);
        let tenant = self.scene.host.ledger().connection(&name()).unwrap().tenant;
        let open = self
            .scene
            .host
            .ledger()
            .open_intents(&tenant.unwrap())
            .unwrap();
        assert_eq!(open, []);
        assert!(self.deaths_left.is_empty(), "{:?}", self.deaths_left);
        assert!(
            self.summary.killed_while_sending > self.summary.kills / 8,
            "{}",
            self.summary
        );
    }
}

fn any(rng: &mut Rng) -> Death {
    let step = Step::ALL[rng.usize(0..Step::ALL.len())];
    let nth = match step {
        Step::BeforeSend | Step::AfterSend => rng.usize(1..=CUSTOMERS),
        _ => rng.usize(1..=2),
    };
    Death { step, nth }
}
