//! Plugins that do not come back, or not in one piece.

use hostile_plugins::guest::{Act, Answer, Ask, Export, HostCall};
use hostile_plugins::{
    Hostile, Reply, Server, incident_codes, run, the_next_connection_works, whole,
};
use psa_host_sandbox::{Accounts, CallErrorKind, Depth, IncidentCode, Services};

/// A check that does this fails so, and its run reports that.
async fn ends(act: Act, kind: CallErrorKind, code: IncidentCode) {
    let (unleashed, outcome) = Hostile::checking(vec![act.clone()]).check().await;
    assert_eq!(outcome.unwrap_err().kind, kind, "{act:?}");
    let incident = unleashed.incident(code);
    assert_eq!(incident.during.as_str(), "check");
    assert!(!unleashed.connector.is_usable());
    the_next_connection_works().await;
}

#[test]
fn an_endless_loop_is_ended() {
    run(ends(
        Act::Loop,
        CallErrorKind::TimedOut,
        IncidentCode::ComputeLimit,
    ));
}

#[test]
fn an_endless_loop_in_any_call_is_ended() {
    run(async {
        let exports = [Export::ListAccounts, Export::ListServices, Export::Adjust];
        for during in exports {
            let mut unleashed = Hostile::new(during, vec![Act::Loop], Answer::Fair)
                .unleash()
                .await;
            let connector = &mut unleashed.connector;
            match during {
                Export::ListAccounts => drop(whole(connector, Accounts).await.unwrap_err()),
                Export::ListServices => drop(whole(connector, Services).await.unwrap_err()),
                _ => drop(hostile_plugins::posted(connector).await),
            }
            unleashed.incident(IncidentCode::ComputeLimit);
        }
        the_next_connection_works().await;
    });
}

#[test]
fn an_endless_loop_in_configure_is_ended() {
    run(async {
        let session = Hostile::new(Export::Configure, vec![Act::Loop], Answer::Fair)
            .session()
            .await;
        let error = session.connect().await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::TimedOut);
        // Both end at the same time here.
        let codes = incident_codes(&session);
        assert!(
            codes == ["compute-limit"] || codes == ["call-time-limit"],
            "{codes:?}"
        );
        the_next_connection_works().await;
    });
}

#[test]
fn endless_calls_of_the_log_are_ended() {
    run(ends(
        Act::LoopInHost(HostCall::Log),
        CallErrorKind::TimedOut,
        IncidentCode::ComputeLimit,
    ));
}

#[test]
fn endless_calls_of_the_clock_are_ended() {
    run(ends(
        Act::LoopInHost(HostCall::Clock),
        CallErrorKind::TimedOut,
        IncidentCode::ComputeLimit,
    ));
}

#[test]
fn endless_calls_of_the_storage_are_ended() {
    run(ends(
        Act::LoopInHost(HostCall::Fetch),
        CallErrorKind::TimedOut,
        IncidentCode::StorageFlood,
    ));
}

#[test]
fn endless_refused_requests_are_ended() {
    let call = HostCall::Send(Ask::get("https://169.254.169.254/"));
    run(ends(
        Act::LoopInHost(call),
        CallErrorKind::TimedOut,
        IncidentCode::ComputeLimit,
    ));
}

#[test]
fn endless_requests_are_ended() {
    run(async {
        let server = Server::start(|_| hostile_plugins::json("{}"));
        let act = Act::LoopInHost(HostCall::Send(Ask::get(server.url("/again"))));
        let (unleashed, outcome) = Hostile::checking(vec![act]).at(&server).check().await;
        assert_eq!(outcome.unwrap_err().kind, CallErrorKind::TimedOut);
        unleashed.incident(IncidentCode::TooManyRequests);
        assert_eq!(server.received().len(), 20, "what `requests_a_call` allows");
        the_next_connection_works().await;
    });
}

#[test]
fn a_loop_that_waits_inside_host_calls_is_ended() {
    run(async {
        let server = Server::start(|_| Reply::Silence);
        let act = Act::LoopInHost(HostCall::Send(Ask::get(server.url("/"))));
        let (unleashed, outcome) = Hostile::checking(vec![act]).at(&server).check().await;
        assert_eq!(outcome.unwrap_err().kind, CallErrorKind::TimedOut);
        unleashed.incident(IncidentCode::CallTimeLimit);
        unleashed.incident(IncidentCode::ResponseTooSlow);
        the_next_connection_works().await;
    });
}

#[test]
fn an_endless_sleep_is_ended() {
    run(ends(
        Act::Sleep(1_000_000),
        CallErrorKind::TimedOut,
        IncidentCode::CallTimeLimit,
    ));
}

#[test]
fn recursion_without_end_is_ended() {
    let kind = CallErrorKind::OutOfLimits { which: "stack" };
    run(ends(Act::Recurse, kind, IncidentCode::StackLimit));
}

#[test]
fn a_panic_ends_the_instance_only() {
    run(ends(Act::Panic, CallErrorKind::Trapped, IncidentCode::Trap));
}

#[test]
fn exit_ends_the_instance_and_not_the_host() {
    run(async {
        for status in [0, 1] {
            ends(
                Act::Exit(status),
                CallErrorKind::Trapped,
                IncidentCode::Exit,
            )
            .await;
        }
    });
}

#[test]
fn after_a_trap_the_instance_is_gone_and_others_of_its_session_work() {
    run(async {
        let mut unleashed = Hostile::checking(vec![Act::Panic]).unleash().await;
        let mut neighbour = unleashed.session.connect().await.unwrap();
        let error = unleashed.connector.check(Depth::Brief).await.unwrap_err();
        assert!(
            error
                .message
                .contains("the plugin panics, as it was told to"),
            "{error}"
        );
        let gone = whole(&mut unleashed.connector, Accounts).await.unwrap_err();
        assert_eq!(gone.kind, CallErrorKind::Gone);
        assert_eq!(whole(&mut neighbour, Accounts).await.unwrap().len(), 1);
        the_next_connection_works().await;
    });
}
