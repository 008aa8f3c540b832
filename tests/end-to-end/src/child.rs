//! A sync in a process of its own, which a test kills: from outside at any moment, or
//! by itself at a chosen step. What it reached is in a file that the test reads.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use psa_host_billing::ConnectionName;
use psa_host_sync::run::SyncOptions;
use psa_host_sync::{Observer, Step, cancelled_by_signals, unwatched};
use rustix::process::{Pid, Signal, getpid, kill_process};

use crate::{CONNECTION, Clock, open};

const FOLDER: &str = "END_TO_END_FOLDER";
const NOW: &str = "END_TO_END_NOW";
const SYNCED: &str = "END_TO_END_CONNECTION";
const DEATH: &str = "END_TO_END_DEATH";
const STOP: &str = "END_TO_END_STOP";
const SLOW: &str = "END_TO_END_SLOW";
const TRACE: &str = "END_TO_END_TRACE";

/// The `nth` time (from 1) that a step is reached: where a child kills itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Death {
    /// At this step.
    pub step: Step,
    /// For the nth time.
    pub nth: usize,
}

impl std::fmt::Display for Death {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.step, self.nth)
    }
}

impl FromStr for Death {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (step, nth) = text.split_once(':').ok_or("no colon")?;
        Ok(Self {
            step: step.parse().map_err(|_| format!("{step} is not a step"))?,
            nth: nth.parse().map_err(|_| format!("{nth} is not a number"))?,
        })
    }
}

/// A child to be: this test program again, at the test `role`, which has to call
/// [`sync_as_child`].
#[derive(Debug)]
pub struct Child {
    command: Command,
    trace: PathBuf,
}

impl Child {
    pub(crate) fn new(folder: &Path, now: Timestamp, role: &str) -> Self {
        let program = std::env::current_exe().expect("this program");
        let trace = folder.join("trace");
        let _ = std::fs::remove_file(go_on(&trace));
        // What an earlier child reached is of no use any more.
        let _ = std::fs::remove_file(&trace);
        let mut command = Command::new(program);
        command
            .args(["--exact", role])
            .env(FOLDER, folder)
            .env(NOW, now.to_string())
            .env(TRACE, &trace)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self { command, trace }
    }

    /// Sync another connection than the scene's.
    #[must_use]
    pub fn connection(mut self, name: &ConnectionName) -> Self {
        self.command.env(SYNCED, name.as_str());
        self
    }

    /// Write what it reaches to a file of its own, where several live at once.
    #[must_use]
    pub fn traced_as(mut self, name: &str) -> Self {
        self.trace.set_file_name(name);
        self.command.env(TRACE, &self.trace);
        self
    }

    /// Let it kill itself.
    #[must_use]
    pub fn dying_at(mut self, death: Death) -> Self {
        self.command.env(DEATH, death.to_string());
        self
    }

    /// Let it stop itself (SIGSTOP) at a step, until [`Running::go_on`].
    #[must_use]
    pub fn stopping_at(mut self, step: Death) -> Self {
        self.command.env(STOP, step.to_string());
        self
    }

    /// Let time pass for it at a step.
    #[must_use]
    pub fn slow_at(mut self, step: Death, minutes: i64) -> Self {
        self.command.env(SLOW, format!("{step}={minutes}"));
        self
    }

    /// Let it begin.
    pub fn spawn(mut self) -> Running {
        Running {
            process: self.command.spawn().expect("this program starts again"),
            trace: self.trace,
        }
    }
}

/// A child under way.
#[derive(Debug)]
pub struct Running {
    process: std::process::Child,
    trace: PathBuf,
}

impl Running {
    /// SIGKILL, and wait for the end. True: it had not ended by itself.
    pub fn kill(&mut self) -> bool {
        self.process.kill().expect("it is this test's own child");
        self.was_killed()
    }

    /// Let it go on, where it stopped itself. False: it has ended.
    pub fn go_on(&mut self) -> bool {
        File::create(go_on(&self.trace)).expect("a file to write to");
        self.signal(Signal::CONT)
    }

    /// SIGINT or SIGTERM, as a person or the system sends it. False: it has ended.
    pub fn signal(&mut self, signal: Signal) -> bool {
        if self.has_ended() {
            return false;
        }
        let id = i32::try_from(self.process.id()).expect("an id");
        let id = Pid::from_raw(id).expect("an id above zero");
        kill_process(id, signal).is_ok()
    }

    /// Wait for the end, however it comes.
    pub fn wait(&mut self) {
        self.process.wait().expect("it is this test's own child");
    }

    /// Wait for the end. True: it was killed.
    pub fn was_killed(&mut self) -> bool {
        use std::os::unix::process::ExitStatusExt;

        let status = self.process.wait().expect("it is this test's own child");
        status.signal() == Some(Signal::KILL.as_raw())
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process
            .try_wait()
            .expect("it is this test's own child")
            .is_some()
    }

    /// The steps it reached; after its end also `done`, or the code of its error.
    pub fn reached(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.trace).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// Sync as the child of a scene; nothing, where this program is not one.
pub async fn sync_as_child() {
    let variable = |name| std::env::var(name).ok();
    let (Some(folder), Some(now), Some(trace)) = (variable(FOLDER), variable(NOW), variable(TRACE))
    else {
        return;
    };
    let go_on = go_on(Path::new(&trace));
    let trace = OpenOptions::new().append(true).create(true).open(trace);
    let trace = Arc::new(Mutex::new(trace.expect("a file to write to")));
    let step = |name| variable(name).map(|text| text.parse().expect("a step and a number"));
    let (death, stop) = (step(DEATH), step(STOP));
    let clock = Clock::starting_at(now.parse().expect("an instant"));
    let slow = variable(SLOW).map(|text| {
        let (step, minutes) = text.split_once('=').expect("a step and minutes");
        let minutes = minutes.parse().expect("minutes");
        (step.parse().expect("a step and a number"), minutes)
    });
    let observer = observer(
        Arc::clone(&trace),
        clock.clone(),
        death,
        stop.map(|stop| (stop, go_on)),
        slow,
    );
    let host = open(Path::new(&folder), &clock, Some(observer));
    let name = variable(SYNCED).unwrap_or_else(|| CONNECTION.to_owned());
    let name = ConnectionName::new(name).expect("a name");
    let options = SyncOptions {
        cancel: cancelled_by_signals(|| {}).expect("signals are heard"),
        ..SyncOptions::default()
    };
    let synced = host.sync(&name, &options, &unwatched).await;
    let end = match synced {
        Ok(_) => "done".to_owned(),
        Err(error) => error.code().to_owned(),
    };
    note(&trace, &end);
}

/// Notes each step, lets time pass at one, and stops or kills this process at one.
fn observer(
    trace: Arc<Mutex<File>>,
    clock: Clock,
    death: Option<Death>,
    stop: Option<(Death, PathBuf)>,
    slow: Option<(Death, i64)>,
) -> Observer {
    let times = Mutex::new(BTreeMap::new());
    Arc::new(move |step| {
        // Held until the end: no other thread goes beyond its own next step.
        let mut times = times.lock().expect("nobody panics here");
        note(&trace, step.as_str());
        let nth = times.entry(step).or_insert(0);
        *nth += 1;
        let here = Death { step, nth: *nth };
        if let Some((_, minutes)) = slow.filter(|(at, _)| *at == here) {
            clock.skip(SignedDuration::from_mins(minutes));
        }
        if let Some((_, go_on)) = stop.as_ref().filter(|(at, _)| *at == here) {
            kill_process(getpid(), Signal::STOP).expect("a process may stop itself");
            // Another thread may take the signal, and this one go on for a moment.
            while !go_on.exists() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        if death == Some(here) {
            kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
            loop {
                std::thread::park();
            }
        }
    })
}

/// What is there as soon as a child that stopped itself is to go on.
fn go_on(trace: &Path) -> PathBuf {
    trace.with_extension("go-on")
}

fn note(trace: &Mutex<File>, word: &str) {
    let mut trace = trace.lock().expect("nobody panics here");
    writeln!(trace, "{word}").expect("a file to write to");
}
