//! The demo: an MSP with about 200 customers is connected to a simulated Autotask,
//! mapped, checked, and synced twice. Every step is a `psa-host` command that is shown
//! before it runs, so that the same can be done by hand.

#![forbid(unsafe_code)]

mod shell;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use autotask_sim::{Config, LineKind, Simulator};
use jiff::Timestamp;
use made_msp::{CHANNEL, MODULES, Msp, Shape};
use shell::Shell;

const SHAPE: Shape = Shape {
    customers: 200,
    modules_each: None,
    changes: 160,
    troubles: true,
    months: 12,
};

#[tokio::main]
async fn main() -> Result<()> {
    let now = Timestamp::now().in_tz("America/New_York")?;
    let mut msp = Msp::new(&SHAPE, now.date());
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let files = [
        ("workspaces.json", msp.workspaces()),
        ("usage.json", msp.usage(now.timestamp())),
        ("mapping.json", msp.mapping()),
    ];
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content.to_string())?;
    }
    for (name, secret) in [("integration-code", "DEMO-CODE"), ("secret", "demo-secret")] {
        std::fs::write(folder.path().join(name), secret)?;
    }
    let world = std::mem::replace(&mut msp.world, autotask_sim::World::new(now.date()));
    let world = with_user(world);
    let simulator = Simulator::start(Config::new(world)).await?;
    let before = simulator.applied().len();

    println!(
        "A made-up MSP: {} customer workspaces, {} Coro modules, {} counts.",
        msp.customers.len(),
        MODULES.len(),
        msp.customers
            .iter()
            .map(|customer| customer.uses.len())
            .sum::<usize>(),
    );
    println!("A simulated Autotask: {}", simulator.base_url());

    let connector = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist/autotask.wasm");
    let connector = connector
        .canonicalize()
        .context("run plugins/build first")?;
    std::fs::copy(connector, folder.path().join("autotask.wasm"))?;
    let shell = Shell::new(folder.path())?;
    let pairs = pairs(&msp);
    let job = move || {
        the_main_job(&shell, &simulator, &pairs, before)?;
        if std::io::stdin().is_terminal() {
            stay(&shell, folder)?;
        }
        anyhow::Ok(())
    };
    tokio::task::spawn_blocking(job).await??;
    Ok(())
}

/// Somebody changes a line in Autotask; a run is taken back. Both are for people to decide.
fn what_people_decide(shell: &Shell, simulator: &Simulator) -> Result<()> {
    shell.step("Somebody changes the units in Autotask by hand: held, until a person decides");
    let today = Timestamp::now().in_tz("America/New_York")?.date();
    // Autotask takes one change for a line and day: one that was left as it was.
    let runs = shell.ask(&["run", "list", "northwind"])?;
    let latest = runs["runs"][0]["run"].as_str().context("there was a run")?;
    let report = shell.ask(&["run", "show", latest])?;
    let mut lines = report["lines"].as_array().into_iter().flatten();
    let edited = lines.find_map(|line| {
        let untouched = line["outcome"] == "unchanged" && line["code"].is_null();
        let id = line["line"].as_str()?.parse().ok()?;
        let done = untouched.then(|| simulator.foreign_edit(LineKind::Service, id, today, 3))?;
        done.ok()?;
        Some((line["workspace"].as_str()?, line["module"].as_str()?))
    });
    let (workspace, module) = edited.context("every line was changed today")?;
    shell.run(&["sync", "northwind", "--new"], &[3])?;
    let why = "agreed by phone";
    let adopt = [
        "line",
        "adopt",
        "northwind",
        workspace,
        module,
        "--why",
        why,
    ];
    shell.run(&adopt, &[0])?;
    shell.step("Take back what a run posted: it is asked first, too");
    let posted = runs["runs"].as_array().into_iter().flatten();
    let mut posted = posted.filter(|run| run["counts"]["confirmed"].as_u64() > Some(0));
    let run = posted.next().and_then(|run| run["run"].as_str());
    let run = run.context("no run has posted")?;
    shell.run(&["rollback", run, "--dry-run"], &[0])?;
    let why = "the wrong list was imported";
    shell.run(&["rollback", run, "--why", why, "--yes"], &[3])
}

/// The simulated Autotask lives as long as this program: keep both to play with.
fn stay(shell: &Shell, folder: tempfile::TempDir) -> Result<()> {
    let folder = folder.keep();
    println!(
        "\nIts data stays in {},\nand the simulated Autotask until you press Enter. In another \
         terminal:\n\n{}\n",
        folder.display(),
        shell.by_hand()
    );
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}

fn with_user(mut world: autotask_sim::World) -> autotask_sim::World {
    world.users = vec![autotask_sim::User {
        user_name: "api@northwind.example".to_owned(),
        secret: "demo-secret".to_owned(),
        integration_codes: vec!["DEMO-CODE".to_owned()],
        ..autotask_sim::User::default()
    }];
    world
}

/// The workspace and module behind each line.
fn pairs(msp: &Msp) -> BTreeMap<i64, (String, &'static str)> {
    let of = |customer: &made_msp::Customer| {
        let workspace = customer.workspace.clone();
        customer.uses.clone().into_iter().filter_map(move |used| {
            let module = MODULES.get(used.module)?;
            Some((used.line?, (workspace.clone(), module.id)))
        })
    };
    msp.customers.iter().flat_map(of).collect()
}

fn the_main_job(
    shell: &Shell,
    simulator: &Simulator,
    pairs: &BTreeMap<i64, (String, &'static str)>,
    before: usize,
) -> Result<()> {
    let base_url = format!("base-url={}", simulator.base_url());
    let connect = [
        "connection",
        "add",
        "autotask",
        "--name",
        "northwind",
        "--channel",
        CHANNEL,
        "--time-zone",
        "America/New_York",
        "--set",
        "username=api@northwind.example",
        "--set",
        &base_url,
        "--secret",
        "secret=@secret",
    ];
    shell.step("The connector: what it asks for, and the approval");
    shell.run(&["plugin", "add", "autotask.wasm"], &[0])?;
    shell.run(&["plugin", "approve", "autotask"], &[0])?;
    shell.run(
        &[
            "plugin",
            "set",
            "autotask",
            "--secret",
            "integration-code=@integration-code",
        ],
        &[0],
    )?;
    shell.step("Coro's side: workspaces and counts");
    shell.run(&["workspace", "import", "workspaces.json"], &[0])?;
    shell.run(&["usage", "import", "usage.json"], &[0])?;
    shell.step("Connect, and map workspaces to accounts and modules to services");
    shell.run(&connect, &[0])?;
    shell.run(&["map", "import", "northwind", "mapping.json"], &[0])?;
    shell.run(&["connection", "list"], &[0])?;
    shell.step("What stands in the way");
    shell.run(&["validate", "northwind"], &[0, 3])?;
    shell.step("What would be posted");
    shell.run(&["sync", "northwind", "--dry-run"], &[0, 3])?;
    ensure!(
        simulator.applied().len() == before,
        "a dry run changed Autotask"
    );
    shell.step("The first changes of new accounts are one question");
    shell.run(&["sync", "northwind"], &[3])?;
    ensure!(
        simulator.applied().len() == before,
        "it was posted before anybody agreed"
    );
    shell.run(&["approval", "list", "northwind"], &[3])?;
    let agree = [
        "approval",
        "approve",
        "--new-accounts",
        "northwind",
        "--why",
        "the sums are those of our list",
        "--yes",
    ];
    shell.run(&agree, &[0])?;
    shell.step("Post it");
    shell.run(&["sync", "northwind"], &[0, 3])?;
    let applied = simulator.applied();
    let posted = applied.len() - before;
    let pair = applied.last().and_then(|last| pairs.get(&last.line));
    let pair = pair.map(|(workspace, module)| (workspace.as_str(), *module));
    if let Some((workspace, module)) = pair {
        shell.step("Why this number?");
        shell.run(&["explain", "northwind", workspace, module], &[0])?;
    }
    shell.step("Once more: nothing is left to do");
    shell.run(&["sync", "northwind"], &[0, 3])?;
    let again = simulator.applied().len() - before - posted;
    ensure!(posted > 0, "nothing was posted");
    ensure!(again == 0, "the second run posted {again} adjustments");
    what_people_decide(shell, simulator)?;
    shell.run(&["run", "list"], &[0])?;
    println!(
        "\nAutotask's own journal: {posted} adjustments by the first run, {again} by the second."
    );
    Ok(())
}
