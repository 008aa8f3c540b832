use psa_host_billing::SetAsideKind::{Exclude, Hold};

use super::*;
use crate::testing::Fixture;

/// Today is 2026-10-01 in Berlin.
async fn connected() -> (Fixture, ConnectionName) {
    let fixture = Fixture::with_plugin();
    let name = fixture.connect().await;
    (fixture, name)
}

fn ids<T: std::str::FromStr<Err = psa_host_billing::IdError>>(ids: &[&str]) -> Vec<T> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

fn order(workspaces: &[&str], modules: &[&str], kind: SetAsideKind) -> SetAsideOrder {
    SetAsideOrder {
        workspaces: ids(workspaces),
        modules: ids(modules),
        kind,
        why: "asked to wait".to_owned(),
        until: None,
    }
}

fn listed(host: &Access, name: &ConnectionName) -> Vec<String> {
    let shown = |entry: SetAsideView| {
        let module = entry
            .module
            .map_or("*".to_owned(), |module| module.to_string());
        let until = entry
            .until
            .map_or("-".to_owned(), |until| until.to_string());
        let ended = if entry.ended { " ended" } else { "" };
        let kind = entry.kind.as_str();
        format!(
            "{} {module} {kind} {until} {} ({}){ended}",
            entry.workspace, entry.why, entry.who
        )
    };
    host.set_asides(name)
        .unwrap()
        .into_iter()
        .map(shown)
        .collect()
}

#[tokio::test]
async fn entries_are_made_replaced_listed_and_taken_away() {
    let (fixture, name) = connected().await;
    let host = &fixture.host;
    host.set_aside(&name, &order(&["w1", "w2"], &[], Hold))
        .unwrap();
    host.set_aside(&name, &order(&["w1"], &["edr", "mdm"], Exclude))
        .unwrap();
    let again = SetAsideOrder {
        why: "  sold elsewhere ".to_owned(),
        until: Some(jiff::civil::date(2026, 10, 1)),
        ..order(&["w2"], &[], Exclude)
    };
    host.set_aside(&name, &again).unwrap();
    assert_eq!(
        listed(host, &name),
        [
            "w1 * hold - asked to wait (test)",
            "w1 edr exclude - asked to wait (test)",
            "w1 mdm exclude - asked to wait (test)",
            "w2 * exclude 2026-10-01 sold elsewhere (test)",
        ]
    );
    assert_eq!(
        host.restore(&name, &ids(&["w1"]), &ids(&["edr"])).unwrap(),
        1
    );
    assert_eq!(host.restore(&name, &ids(&["w1", "w2"]), &[]).unwrap(), 3);
    assert_eq!(listed(host, &name), [] as [&str; 0]);
}

#[tokio::test]
async fn an_entry_that_has_ended_stays_listed() {
    let (fixture, name) = connected().await;
    let ends = SetAsideOrder {
        until: Some(jiff::civil::date(2026, 10, 1)),
        ..order(&["w1"], &[], Hold)
    };
    fixture.host.set_aside(&name, &ends).unwrap();
    let later = fixture.reopened_at("2026-10-01T22:30:00Z");
    // Half past midnight in Berlin.
    assert_eq!(
        listed(&later, &name),
        ["w1 * hold 2026-10-01 asked to wait (test) ended"]
    );
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_nothing_is_kept() {
    let (fixture, name) = connected().await;
    let host = &fixture.host;
    let why = |why: &str| SetAsideOrder {
        why: why.to_owned(),
        ..order(&["w1"], &[], Hold)
    };
    let yesterday = SetAsideOrder {
        until: Some(jiff::civil::date(2026, 9, 30)),
        ..order(&["w1"], &[], Hold)
    };
    let cases = [
        (order(&["w1", "nobody"], &[], Hold), "unknown-workspace"),
        (order(&["w9"], &[], Hold), "workspace-outside-channel"),
        (why(" "), "bad-reason"),
        (why("a\u{1b}[31m"), "bad-reason"),
        (why(&"x".repeat(501)), "bad-reason"),
        (yesterday, "set-aside-ended"),
    ];
    for (order, code) in cases {
        let error = host.set_aside(&name, &order).unwrap_err();
        assert_eq!(error.code(), code, "{order:?}");
    }
    assert_eq!(listed(host, &name), [] as [&str; 0]);
}

#[tokio::test]
async fn what_is_not_set_aside_cannot_be_taken_up() {
    let (fixture, name) = connected().await;
    let host = &fixture.host;
    host.set_aside(&name, &order(&["w1"], &["edr"], Hold))
        .unwrap();
    for (workspaces, modules) in [
        (["w1", "w2"].as_slice(), [].as_slice()),
        (&["w1"], &["mdm"]),
    ] {
        let error = host
            .restore(&name, &ids(workspaces), &ids(modules))
            .unwrap_err();
        assert_eq!(error.code(), "not-set-aside");
    }
    assert_eq!(listed(host, &name).len(), 1);
}
