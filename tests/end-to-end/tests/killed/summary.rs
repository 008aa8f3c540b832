//! Target beside measured.

use std::fmt;
use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Summary {
    seed: u64,
    kills_wanted: usize,
    steps_wanted: usize,
    begun: Instant,
    pub rounds: usize,
    pub kills: usize,
    pub kills_at_a_step: usize,
    /// By SIGINT or SIGTERM.
    pub stopped: usize,
    pub steps_left: usize,
    pub killed_while_sending: usize,
    pub outlived: usize,
    pub clean_runs: usize,
    pub edited_by_hand: usize,
    pub held: usize,
    pub intents: usize,
    pub doubtful: usize,
    pub wanted: usize,
    pub applied: usize,
    pub history: usize,
}

impl Summary {
    pub(crate) fn new(kills_wanted: usize, steps_wanted: usize, seed: u64) -> Self {
        Self {
            seed,
            kills_wanted,
            steps_wanted,
            begun: Instant::now(),
            rounds: 0,
            kills: 0,
            kills_at_a_step: 0,
            stopped: 0,
            steps_left: steps_wanted,
            killed_while_sending: 0,
            outlived: 0,
            clean_runs: 0,
            edited_by_hand: 0,
            held: 0,
            intents: 0,
            doubtful: 0,
            wanted: 0,
            applied: 0,
            history: 0,
        }
    }

    pub(crate) fn child_ended(&mut self, killed: bool, trace: &[String]) {
        let reached = |step: &str| trace.iter().any(|word| word == step);
        if !killed {
            self.outlived += 1;
            return;
        }
        self.kills += 1;
        self.killed_while_sending +=
            usize::from(reached("before-send") && !reached("outcomes-written"));
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.begun.elapsed().as_secs();
        writeln!(f, "seed {}, {} rounds, {seconds} s", self.seed, self.rounds)?;
        writeln!(f, "{:<44} {:>7} {:>9}", "", "target", "measured")?;
        let mut row = |what: &str, target: &dyn fmt::Display, measured: usize| {
            writeln!(f, "{what:<44} {target:>7} {measured:>9}")
        };
        row("kills and stops", &self.kills_wanted, self.kills)?;
        row("  by SIGINT or SIGTERM", &"-", self.stopped)?;
        row("  at a chosen step", &"-", self.kills_at_a_step)?;
        row(
            "  between the first send and the last row",
            &"-",
            self.killed_while_sending,
        )?;
        let steps = self.steps_wanted - self.steps_left;
        row("steps killed at", &self.steps_wanted, steps)?;
        row("runs that outlived their moment", &"-", self.outlived)?;
        row("clean runs", &"-", self.clean_runs)?;
        row("intents written", &"-", self.intents)?;
        row("  settled from doubt or after a crash", &"-", self.doubtful)?;
        row(
            "lines edited by a person, and held",
            &self.edited_by_hand,
            self.held,
        )?;
        row(
            "changes wanted, and applied by the PSA",
            &self.wanted,
            self.applied,
        )?;
        row("entries of history, chained", &"-", self.history)
    }
}
