//! The set-up of a large MSP, by the program itself.

use end_to_end::Scene;
use serde_json::Value;

/// Run a command with `--format json`: its exit status and what it said.
fn run(scene: &Scene, arguments: &[&str]) -> (i32, Value) {
    let mut command = scene.program();
    let output = command.args(arguments).args(["--format", "json"]).output();
    let output = output.expect("psa-host is built beside the tests");
    let out = String::from_utf8_lossy(&output.stdout);
    let json = serde_json::from_str(&out)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}\n{output:?}"));
    (output.status.code().unwrap_or(-1), json)
}

/// Every fifth customer is in order, the others are to rise or to fall.
fn customers() -> Vec<(u32, i32)> {
    (0..200)
        .map(|at| match at % 5 {
            0 => (20, 20),
            1 => (4, 30),
            _ => (12 + at, 3),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_set_up_of_200_customers_is_one_question() {
    let scene = Scene::present(&customers()).await;
    scene.begin_with_limits();
    let mut clicks = 0;

    let (status, first) = run(&scene, &["sync", "acme"]);
    assert_eq!(status, 3, "a person is needed");
    assert_eq!(scene.adjustments_sent(), 0);
    let sums = &first["summary"]["new_accounts"];
    assert_eq!(
        (&sums["accounts"], &sums["lines"]),
        (&160.into(), &160.into())
    );
    let down = 40 * (30 - 4);
    let up: u32 = (0..200).filter(|at| at % 5 > 1).map(|at| 12 + at - 3).sum();
    assert_eq!(sums["units_up"], up, "{sums}");
    assert_eq!(sums["units_down"], -down, "{sums}");
    let money = sums["money"][0]["up"].as_str().unwrap();
    assert_eq!(money, format!("{}.{:02}", up * 42 / 10, up * 42 % 10 * 10));
    assert_eq!(first["notices"], serde_json::json!([]), "no brake");

    let (status, listed) = run(&scene, &["approval", "list", "acme"]);
    assert_eq!(status, 3);
    let questions = listed["new_accounts"].as_array().unwrap();
    assert_eq!(questions.len(), 1, "one question");
    assert_eq!(questions[0]["connection"], "acme");
    assert_eq!(questions[0]["lines"], 160);

    let why = ["--why", "the sums are those of our list", "--yes"];
    let approve = ["approval", "approve", "--new-accounts", "acme"];
    let (status, _) = run(&scene, &[&approve[..], &why[..]].concat());
    assert_eq!(status, 0);
    clicks += 1;

    let (status, posted) = run(&scene, &["sync", "acme"]);
    assert_eq!(status, 0, "{}", posted["summary"]);
    assert_eq!(posted["summary"]["confirmed"], 160);
    assert_eq!(scene.adjustments_sent(), 160);

    let (status, again) = run(&scene, &["sync", "acme"]);
    assert_eq!(status, 0, "{}", again["summary"]);
    assert_eq!(again["summary"]["unchanged"], 200);
    println!("set-up of 200 customers: {clicks} click");
    assert_eq!(clicks, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_shows_one_sum_and_not_each_line_of_new_accounts() {
    let scene = Scene::present(&[(11, 5), (7, 9), (5, 5)]).await;
    scene.begin_with_limits();
    let text = |arguments: &[&str]| {
        let output = scene.program().args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let sums = "2 changes of 2 new accounts: +6 and -2 units, +25.20 and -8.40";
    for arguments in [&["sync", "acme"][..], &["approval", "list", "acme"]] {
        let said = text(arguments);
        assert!(said.contains(sums), "{said}");
        assert!(said.contains("approve --new-accounts acme"), "{said}");
        assert!(!said.contains("w2"), "not line by line: {said}");
    }
    assert!(text(&["sync", "acme", "--all"]).contains("w2"));
    assert!(text(&["approval", "list", "acme", "--lines"]).contains("w2"));
}
