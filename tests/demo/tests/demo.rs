//! The demo, as the README has people run it.

use std::process::Command;

#[test]
fn the_demo_posts_once_and_then_finds_nothing_left_to_do() {
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaints}");
    for part in [
        "$ psa-host connection add autotask --name northwind",
        "$ psa-host validate northwind",
        "$ psa-host sync northwind --dry-run",
        "$ psa-host explain northwind",
        "$ psa-host approval approve --new-accounts northwind",
        "foreign-edit",
        "$ psa-host line adopt northwind",
        "$ psa-host rollback r-",
        "to be taken back; this waits for approval",
        "adjustments by the first run, 0 by the second.",
    ] {
        assert!(said.contains(part), "{part:?} is missing:\n{said}");
    }
}
