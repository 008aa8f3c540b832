//! `psa-host count …`: policies, exclusions and the simulation, without a PSA.

use std::collections::BTreeMap;

use psa_host_billing::Metric;
use psa_host_ledger::{
    AccountMapping, KeySource, Ledger, Mapping, NewConnection, ServiceMapping, system_clock,
};
use serde_json::Value;

use crate::program::Program;

/// A connection `acme` that nothing was ever sent through, with w1 and edr mapped, and
/// two snapshots: 14 and then 11 devices.
fn program() -> Program {
    let program = Program::with_workspaces();
    let at = |name: &str| program.folder.path().join(name);
    let ledger = Ledger::open(at("data"), KeySource::File(at("key")), system_clock()).unwrap();
    ledger.add_plugin("fake", b"\0asm", "{}").unwrap();
    let acme = "acme".parse().unwrap();
    ledger
        .add_connection(&NewConnection {
            name: "acme".parse().unwrap(),
            plugin: "fake".to_owned(),
            channel: "msp".parse().unwrap(),
            time_zone: "Europe/Berlin".to_owned(),
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
        })
        .unwrap();
    let account = Mapping::Account(AccountMapping {
        workspace: "w1".parse().unwrap(),
        account: "101".parse().unwrap(),
    });
    let service = Mapping::Service(ServiceMapping {
        module: "edr".parse().unwrap(),
        service: "15".parse().unwrap(),
        metric: Metric::Devices,
    });
    ledger.map(&acme, &account).unwrap();
    ledger.map(&acme, &service).unwrap();
    drop(ledger);
    for (day, devices) in [(7, 14), (9, 11)] {
        let usage = format!(
            r#"{{"channel": "msp", "taken_at": "2020-01-0{day}T12:00:00Z", "complete": true,
                "items": [{{"workspace": "w1", "module": "edr", "devices": {devices}}}]}}"#
        );
        let said = program.run_with(&["usage", "import", "-"], &usage);
        assert_eq!(said.status, 0, "{said:?}");
    }
    program
}

fn simulated(program: &Program) -> (i32, Value) {
    program.json(&["count", "simulate", "acme", "--since", "2020-01-01"])
}

#[test]
fn a_policy_is_set_piece_by_piece_shown_and_reset() {
    let program = program();
    let set = |args: &[&str]| {
        let (status, answer) = program.json(&[&["count", "set", "acme", "edr"], args].concat());
        assert_eq!(status, 0, "{args:?}: {answer}");
        answer
    };
    assert_eq!(set(&["--basis", "peak"])["result"], "new");
    assert_eq!(set(&["--basis", "peak"])["result"], "same");
    let answer = set(&[
        "--multiplier",
        "1.50",
        "--rounding",
        "nearest",
        "--included",
        "2",
    ]);
    assert_eq!(answer["result"], "changed");
    let policy = &set(&["--minimum", "25", "--minimum-until", "2099-12-31"])["policy"];
    assert_eq!(
        *policy,
        serde_json::json!({
            "basis": "peak", "rounding": "nearest", "multiplier": "1.5", "included": 2,
            "minimum": { "units": 25, "from": null, "until": "2099-12-31" },
        })
    );
    let (_, shown) = program.json(&["count", "show", "acme"]);
    assert_eq!(shown["policies"][0]["policy"], *policy);
    assert_eq!(shown["policies"][0]["metric"], "devices");
    let table = program.run(&["count", "show", "acme", "edr"]).out;
    assert!(table.contains("25 until 2099-12-31"), "{table}");
    assert_eq!(set(&["--no-minimum"])["policy"]["minimum"], Value::Null);
    let reset = set(&["--reset"]);
    assert_eq!(
        (&reset["policy"]["basis"], &reset["policy"]["included"]),
        (&"latest".into(), &0.into())
    );
}

#[test]
fn what_is_not_named_of_a_minimum_stays() {
    let program = program();
    let set = |args: &[&str]| {
        let (status, answer) = program.json(&[&["count", "set", "acme", "edr"], args].concat());
        let minimum = answer["policy"]["minimum"].clone();
        (status, minimum)
    };
    let minimum = |units: u32, from: Option<&str>, until: Option<&str>| {
        let minimum = serde_json::json!({ "units": units, "from": from, "until": until });
        (0, minimum)
    };
    let (first, last, later) = ("2099-01-01", "2099-06-30", "2099-12-31");
    for (args, expected) in [
        (
            &["--minimum", "25", "--minimum-until", last][..],
            minimum(25, None, Some(last)),
        ),
        (&["--minimum", "30"], minimum(30, None, Some(last))),
        (&["--minimum-until", later], minimum(30, None, Some(later))),
        (
            &["--minimum-from", first],
            minimum(30, Some(first), Some(later)),
        ),
        (&["--basis", "peak"], minimum(30, Some(first), Some(later))),
        (&["--minimum-until", "2098-01-01"], (2, Value::Null)),
        (&["--no-minimum"], (0, Value::Null)),
        (&["--minimum", "5"], minimum(5, None, None)),
    ] {
        assert_eq!(set(args), expected, "{args:?}");
    }
}

#[test]
fn a_policy_that_makes_no_sense_is_wrong_use() {
    let program = program();
    let cases: [&[&str]; 12] = [
        &[],
        &["--multiplier", "0"],
        &["--multiplier", "-1"],
        &["--multiplier", "half"],
        &["--included", "-1"],
        &["--minimum", "0"],
        &["--minimum-until", "2099-12-31"],
        &[
            "--minimum",
            "5",
            "--minimum-from",
            "2099-12-31",
            "--minimum-until",
            "2099-01-01",
        ],
        &["--minimum", "5", "--no-minimum"],
        &["--minimum-from", "2099-12-31", "--no-minimum"],
        &["--reset", "--minimum-until", "2099-12-31"],
        &["--reset", "--basis", "peak"],
    ];
    for case in cases {
        let (status, answer) = program.json(&[&["count", "set", "acme", "edr"], case].concat());
        assert_eq!(
            (status, &answer["error"]["code"]),
            (2, &"usage".into()),
            "{case:?}"
        );
    }
    let (status, answer) = program.json(&["count", "set", "acme", "mdm", "--basis", "peak"]);
    assert_eq!(
        (status, &answer["error"]["code"]),
        (1, &"module-unmapped".into())
    );
    let (_, shown) = program.json(&["count", "show", "acme"]);
    assert_eq!(shown["policies"][0]["default"], true);
}

#[test]
fn an_exclusion_is_made_listed_and_taken_back() {
    let program = program();
    let exclude = |count: &str| {
        let who = [
            "--owner",
            "J. Doe",
            "--why",
            "test phones",
            "--until",
            "2099-12-31",
        ];
        let args = [&["count", "exclude", "acme", "w1", "edr", count], &who[..]].concat();
        program.run(&args)
    };
    let said = exclude("2");
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert!(
        said.out.starts_with("e-000001: 2 devices of w1 for edr"),
        "{said:?}"
    );
    let (_, listed) = program.json(&["count", "exclusions", "acme"]);
    let one = &listed["exclusions"][0];
    assert_eq!(
        (&one["id"], &one["count"], &one["state"]),
        (&"e-000001".into(), &2.into(), &"counts".into())
    );
    assert_eq!(
        (&one["owner"], &one["why"]),
        (&"J. Doe".into(), &"test phones".into())
    );
    let (status, simulation) = simulated(&program);
    assert_eq!((status, &simulation["pairs"][0]["units"]), (0, &9.into()));

    let more = exclude("10");
    assert!(
        more.err.contains("note: 12 devices are excluded now"),
        "{more:?}"
    );
    let (status, simulation) = simulated(&program);
    let pair = &simulation["pairs"][0];
    assert_eq!(
        (status, &pair["hold"]["code"]),
        (3, &"exclusion-too-large".into())
    );
    assert_eq!((&pair["units"], &pair["peak"]), (&Value::Null, &2.into()));

    assert_eq!(program.run(&["count", "restore", "acme", "e-2"]).status, 0);
    let (status, answer) = program.json(&["count", "restore", "acme", "e-2"]);
    assert_eq!(
        (status, &answer["error"]["code"]),
        (1, &"unknown-exclusion".into())
    );
    assert_eq!(program.run(&["count", "restore", "acme", "2"]).status, 2);
    let (_, all) = program.json(&["count", "exclusions", "acme", "--all"]);
    assert_eq!(all["exclusions"][1]["state"], "taken-back");
    let nobody = program.run(&["count", "exclude", "acme", "w1", "edr", "1", "--why", "x"]);
    assert_eq!(nobody.status, 2);
    assert_eq!(exclude("0").status, 2);
}

#[test]
fn a_simulation_sets_the_bases_side_by_side() {
    let program = program();
    let set = [
        "count",
        "set",
        "acme",
        "edr",
        "--basis",
        "average",
        "--multiplier",
        "0.5",
    ];
    assert_eq!(program.run(&set).status, 0);
    let (status, simulation) = simulated(&program);
    assert_eq!(status, 0);
    let pair = &simulation["pairs"][0];
    let columns = ["count", "latest", "peak", "average", "units"]
        .map(|column| pair[column].as_i64().unwrap());
    // Half of 11, of 14 and of 12.5, each rounded up.
    assert_eq!(columns, [11, 6, 7, 7, 7]);
    assert_eq!(pair["steps"][0]["after"], 12.5);
    assert_eq!(simulation["totals"][0]["units"], 7);
    let table = program
        .run(&["count", "simulate", "acme", "--since", "2020-01-01"])
        .out;
    assert!(
        table.contains("average of 2 days since 2020-01-01: 25 / 2 = 12.5"),
        "{table}"
    );
    assert!(
        table.contains("12.5 × 0.5 = 6.25; 6.25 rounded up: 7"),
        "{table}"
    );
}

#[test]
fn a_mapping_file_is_overwritten_only_when_forced() {
    let program = program();
    program.file("m.json", "mine");
    let (status, answer) = program.json(&["map", "export", "acme", "m.json"]);
    assert_eq!(
        (status, &answer["error"]["code"]),
        (1, &"file-exists".into())
    );
    let read = |name| std::fs::read_to_string(program.folder.path().join(name)).unwrap();
    assert_eq!(read("m.json"), "mine");
    let said = program.run(&["map", "export", "acme", "m.json", "--force"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(read("m.json").contains("\"w1\""));
    assert_eq!(
        program.run(&["map", "export", "acme", "new.json"]).status,
        0
    );
    assert_eq!(read("new.json"), read("m.json"));
    assert_eq!(program.run(&["map", "export", "acme", "--force"]).status, 2);
}
