use crate::testing::{Fixture, values};
use crate::{AddConnection, Values};

fn connection() -> AddConnection {
    AddConnection {
        name: "acme".parse().unwrap(),
        plugin: "fake".to_owned(),
        channel: "msp".parse().unwrap(),
        time_zone: "europe/berlin".to_owned(),
        values: values(&[("username", "u")], &[("secret", "s")]),
    }
}

async fn refused(new: AddConnection) -> crate::Problem {
    let fixture = Fixture::with_plugin();
    let error = fixture.host.add_connection(new).await.unwrap_err();
    assert_eq!(
        fixture.host.connections().unwrap().len(),
        0,
        "nothing was kept"
    );
    error.problem()
}

async fn refused_values(values: Values) -> crate::Problem {
    refused(AddConnection {
        values,
        ..connection()
    })
    .await
}

#[tokio::test]
async fn a_connection_before_the_approval_is_kept_and_says_what_is_missing() {
    let fixture = Fixture::with_plugin();
    let check = fixture.host.add_connection(connection()).await.unwrap();
    assert_eq!(check.status, "Not approved");
    assert_eq!(check.problem.unwrap().code, "not-approved");
    let list = fixture.host.connections().unwrap();
    assert_eq!(list[0].status, "Not approved");
    assert_eq!(list[0].time_zone, "Europe/Berlin");
    assert_eq!(list[0].workspace_mapping.text, "Setup required");
    assert_eq!(list[0].service_mapping.text, "Setup required");
    assert_eq!(list[0].workspace_mapping.of, 2);
}

#[tokio::test]
async fn the_list_shows_pausing_and_a_new_approval() {
    let fixture = Fixture::with_plugin();
    let (host, name) = (&fixture.host, "acme".parse().unwrap());
    host.add_connection(connection()).await.unwrap();
    host.approve_plugin("fake").unwrap();
    assert_eq!(host.connections().unwrap()[0].status, "Not checked");
    host.pause_connection(&name, true).unwrap();
    assert_eq!(host.connections().unwrap()[0].status, "Paused");
    let refused = host.open_connection(&name, crate::Purpose::Post).await;
    assert_eq!(refused.unwrap_err().code(), "connection-paused");
    host.pause_connection(&name, false).unwrap();
    assert_eq!(host.connections().unwrap()[0].status, "Not checked");
}

#[tokio::test]
async fn a_connector_may_be_added_only_to_a_channel_workspace() {
    let child = refused(AddConnection {
        channel: "w1".parse().unwrap(),
        ..connection()
    });
    let child = child.await;
    assert_eq!(child.code, "not-a-channel");
    assert_eq!(
        child.message,
        "workspace w1 is a child workspace, not a channel"
    );
    let unknown = refused(AddConnection {
        channel: "nobody".parse().unwrap(),
        ..connection()
    });
    assert_eq!(unknown.await.code, "unknown-workspace");
}

#[tokio::test]
async fn an_unknown_plugin_and_an_unknown_time_zone_are_refused() {
    let plugin = refused(AddConnection {
        plugin: "nothing".to_owned(),
        ..connection()
    });
    let plugin = plugin.await;
    assert_eq!(plugin.code, "unknown-plugin");
    assert_eq!(plugin.fix.unwrap(), "Name one of: fake.");
    let zone = refused(AddConnection {
        time_zone: "Middle/Earth".to_owned(),
        ..connection()
    });
    assert_eq!(zone.await.code, "unknown-time-zone");
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused() {
    let fixture = Fixture::with_plugin();
    fixture.host.add_connection(connection()).await.unwrap();
    let error = fixture.host.add_connection(connection()).await.unwrap_err();
    assert_eq!(error.code(), "already-exists");
}

#[tokio::test]
async fn fields_are_checked_against_their_declaration() {
    let secret = &[("secret", "s")];
    let cases = [
        (values(&[], secret), "setting-missing"),
        (values(&[("username", "u")], &[]), "setting-missing"),
        (
            values(&[("username", "u"), ("color", "red")], secret),
            "setting-unknown",
        ),
        (
            values(&[("username", "u"), ("secret", "s")], &[]),
            "setting-is-secret",
        ),
        (
            values(&[], &[("username", "u"), ("secret", "s")]),
            "secret-is-setting",
        ),
        (
            values(&[("username", "u"), ("code", "x")], secret),
            "setting-unknown",
        ),
        (values(&[("username", "u\nv")], secret), "setting-invalid"),
        (
            values(&[("username", "u")], &[("secret", "s\r\n")]),
            "setting-invalid",
        ),
    ];
    for (values, code) in cases {
        let told = format!("{values:?}");
        assert_eq!(refused_values(values).await.code, code, "{told}");
    }
}

#[tokio::test]
async fn an_address_stays_within_what_the_plugin_may_reach() {
    let cases = [
        ("http://api.psa.example/", "setting-invalid"),
        ("https://evil.example/", "host-not-granted"),
        ("https://api.psa.example.evil.example/", "host-not-granted"),
        ("https://user:pw@api.psa.example/", "setting-invalid"),
        ("https://10.0.0.1/", "setting-invalid"),
        ("http://127.0.0.1:8080/", "loopback-not-enabled"),
        ("https://[::1]/", "loopback-not-enabled"),
        ("http://2130706433/", "loopback-not-enabled"),
        ("http://localhost/", "loopback-not-enabled"),
        ("not an address", "setting-invalid"),
    ];
    for (url, code) in cases {
        let values = values(&[("username", "u"), ("base-url", url)], &[("secret", "s")]);
        assert_eq!(refused_values(values).await.code, code, "{url}");
    }
}

#[tokio::test]
async fn a_required_setting_cannot_be_taken_away() {
    let fixture = Fixture::with_plugin();
    let (host, name) = (&fixture.host, "acme".parse().unwrap());
    host.add_connection(connection()).await.unwrap();
    let error = host.set_connection(&name, &values(&[("username", "")], &[]), None);
    assert_eq!(error.unwrap_err().code(), "setting-missing");
    let good = values(
        &[
            ("username", "v"),
            ("base-url", "https://zone7.psa.example/"),
        ],
        &[],
    );
    host.set_connection(&name, &good, Some("UTC")).unwrap();
    host.set_connection(&name, &values(&[("base-url", "")], &[]), None)
        .unwrap();
    let connection = host.connection(&name).unwrap();
    assert_eq!(connection.settings.len(), 1);
    assert_eq!(connection.time_zone, "UTC");
}

#[test]
fn the_operators_fields_are_checked_too() {
    let fixture = Fixture::with_plugin();
    let host = &fixture.host;
    assert_eq!(host.plugins().unwrap()[0].missing, ["code"]);
    let unknown = host
        .set_plugin("fake", &values(&[], &[("kode", "x")]))
        .unwrap_err();
    assert_eq!(unknown.code(), "setting-unknown");
    assert_eq!(unknown.problem().fix.unwrap(), "Known here: code.");
    let plugin = host
        .set_plugin("fake", &values(&[], &[("code", "x")]))
        .unwrap();
    assert!(plugin.missing.is_empty());
    assert!(plugin.approval.is_none());
}

#[tokio::test]
async fn a_missing_and_a_wrong_key_are_told_apart() {
    let fixture = Fixture::with_plugin();
    fixture.host.add_connection(connection()).await.unwrap();
    let host = &fixture.host;
    host.approve_plugin("fake").unwrap();
    host.set_plugin("fake", &values(&[], &[("code", "x")]))
        .unwrap();
    let with_key = |text: Option<&str>| {
        let host = fixture.reopened_with_key(text);
        async move {
            let check = host
                .check_connection(&"acme".parse().unwrap())
                .await
                .unwrap();
            check.problem.unwrap().code
        }
    };
    assert_eq!(with_key(None).await, "key-missing");
    assert_eq!(with_key(Some(&"ab".repeat(32))).await, "key-wrong");
    assert_eq!(with_key(Some("not a key")).await, "key-malformed");
    // Whoever called with it made the mistake: of the connection it says nothing.
    let listed = host.connections().unwrap().remove(0);
    assert_eq!(listed.code.as_deref(), Some("not-checked"), "{listed:?}");
}

#[tokio::test]
async fn what_the_operator_has_not_set_is_told_with_the_command() {
    let fixture = Fixture::with_plugin();
    fixture.host.approve_plugin("fake").unwrap();
    let check = fixture.host.add_connection(connection()).await.unwrap();
    assert_eq!(check.status, "Not set up");
    let fix = check.problem.unwrap().fix.unwrap();
    assert_eq!(
        fix,
        "Set it with `psa-host plugin set fake --secret code=@FILE`."
    );
}
