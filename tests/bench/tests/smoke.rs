//! The benchmark runs from end to end on small sizes. No time is asserted: a busy
//! machine must not fail a test.

use std::path::Path;
use std::process::Command;

#[test]
fn every_part_runs_and_prints_its_target() {
    let bench = Path::new(env!("CARGO_BIN_EXE_bench"));
    let output = Command::new(bench)
        .args(["--quick", "--json"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaints}");
    for row in [
        "instance: make and configure",
        "process start to first request",
        "Wasm over native, wall at 20ms",
        "Wasm over native, wall at 0ns",
        "large sync: wall over the floor",
        "large sync: CPU over a bare script's",
        "large sync: peak memory of psa-host",
        "large sync: requests over the optimum",
        "a day without changes: requests over the optimum",
        "a day without changes: CPU over the day with changes",
        "typical MSP: wall over a bare script's",
        "unit queries, 25 months over 3",
        "wall, 25 months over 3",
    ] {
        assert!(said.contains(row), "{row} is missing:\n{said}");
    }
}
