use psa_host_billing::SetAsideKind;

use crate::testing::{Fixture, file};
use crate::{SetAsideOrder, UsageForm, unwatched};

/// `w1` has a paid subscription, `w2` a trial.
fn count(fixture: &Fixture, day: &str, counts: &[(&str, &str, u32)]) {
    let items: Vec<serde_json::Value> = counts
        .iter()
        .map(|(workspace, module, devices)| {
            serde_json::json!({ "workspace": workspace, "module": module, "devices": devices })
        })
        .collect();
    let usage = serde_json::json!({
        "channel": "msp", "taken_at": format!("{day}T04:30:00Z"), "complete": true,
        "items": items,
    });
    fixture
        .host
        .import_usage(&file(&usage.to_string()), &UsageForm::Json)
        .unwrap();
}

#[tokio::test]
async fn what_appeared_last_comes_first() {
    let fixture = Fixture::with_plugin();
    let name = fixture.connect().await;
    count(
        &fixture,
        "2026-09-28",
        &[("msp", "edr", 3), ("w1", "edr", 0)],
    );
    count(
        &fixture,
        "2026-09-30",
        &[("msp", "edr", 1), ("w1", "mdm", 4)],
    );
    let now = [("w1", "mdm", 5), ("msp", "edr", 2), ("w2", "edr", 9)];
    count(&fixture, "2026-10-01", &now);
    let radar = fixture.host.radar(&name, &unwatched).await.unwrap();
    let day = |at: Option<jiff::Timestamp>| at.unwrap().to_string()[..10].to_owned();
    let workspaces: Vec<_> = radar
        .workspaces
        .iter()
        .map(|one| {
            (
                one.workspace.as_str(),
                day(one.first_used),
                one.stake.devices,
            )
        })
        .collect();
    assert_eq!(
        workspaces,
        [
            ("w1", "2026-09-30".to_owned(), 5),
            ("msp", "2026-09-28".to_owned(), 2),
        ]
    );
    let modules: Vec<_> = radar
        .modules
        .iter()
        .map(|one| (one.module.as_str(), one.name.as_str(), day(one.first_used)))
        .collect();
    assert_eq!(
        modules,
        [
            ("mdm", "MDM", "2026-09-30".to_owned()),
            ("edr", "EDR", "2026-09-28".to_owned()),
        ]
    );

    let order = SetAsideOrder {
        workspaces: vec!["msp".parse().unwrap()],
        modules: vec![],
        kind: SetAsideKind::Exclude,
        why: "our own".to_owned(),
        until: None,
    };
    fixture.host.set_aside(&name, &order).unwrap();
    let radar = fixture.host.radar(&name, &unwatched).await.unwrap();
    assert_eq!((radar.workspaces.len(), radar.modules.len()), (1, 1));
}

#[tokio::test]
async fn before_anything_was_counted_there_is_no_radar() {
    let fixture = Fixture::with_plugin();
    let name = fixture.connect().await;
    let error = fixture.host.radar(&name, &unwatched).await.unwrap_err();
    assert_eq!(error.code(), "no-snapshot");
}
