//! Connections of one tenant side by side: they take turns, and once one of them is refused
//! its credentials, nobody else tries them.

use hostile_plugins::guest::{Act, Ask, Disguise};
use hostile_plugins::{Hostile, Reply, Server, Tenant, answer, disguised, load, run};
use psa_host_sandbox::{CallErrorKind, Depth, Session};

use std::sync::Arc;

/// What the plugin declares.
const AT_ONCE: usize = 2;

/// So many requests to this path, one after another.
fn asking(server: &Server, path: &str, times: usize) -> Hostile {
    let act = Act::Send(Ask::get(server.url(path)).authenticated());
    Hostile::checking(vec![act; times]).at(server)
}

/// So many instances of a session at work at the same time. What they say is not looked at.
async fn work(session: &Arc<Session>, instances: usize) {
    let mut at_work = tokio::task::JoinSet::new();
    for _ in 0..instances {
        let session = Arc::clone(session);
        at_work.spawn(async move {
            if let Ok(mut connector) = session.connect().await {
                let _ = connector.check(Depth::Full).await;
            }
        });
    }
    at_work.join_all().await;
}

/// An answer that takes a moment, so that others wait meanwhile.
fn slowly(status: &str) -> Reply {
    match answer(status, &[], "{}") {
        Reply::Whole(bytes) => Reply::Pieces(bytes.chunks(60).map(<[u8]>::to_vec).collect()),
        other => other,
    }
}

#[test]
fn a_connection_with_one_request_at_a_time_is_not_kept_waiting_by_one_with_many() {
    run(async {
        let server = Server::start(|_| slowly("200 OK"));
        let tenant = Tenant::alone();
        let greedy = asking(&server, "/greedy", 6).of(&tenant).session().await;
        let modest = asking(&server, "/modest", 4).of(&tenant).session().await;
        let many = tokio::spawn(async move { work(&greedy, 8).await });
        while server.lines().len() < AT_ONCE {
            tokio::task::yield_now().await;
        }
        work(&modest, 1).await;
        many.await.unwrap();
        let lines = server.lines();
        assert_eq!(lines.len(), 52);
        let modest = |line: &String| line == "GET /modest";
        let first = lines.iter().position(modest).unwrap();
        let last = lines.iter().rposition(modest).unwrap();
        // Between two of its own: one in turn, those under way, and what is served before it
        // asks again. In order of asking it would wait for eight each time.
        assert!(last - first < 3 * 8, "{lines:?}");
    });
}

#[test]
fn once_credentials_are_refused_no_instance_of_any_connection_sends_them_again() {
    run(async {
        let server = Server::start(|_| slowly("401 Unauthorized"));
        let tenant = Tenant::alone();
        let one = asking(&server, "/a", 3).of(&tenant).session().await;
        let other = asking(&server, "/b", 3).of(&tenant).session().await;
        tokio::join!(work(&one, 6), work(&other, 6));
        let lines = server.lines();
        assert!(!lines.is_empty() && lines.len() <= AT_ONCE, "{lines:?}");
        for session in [&one, &other] {
            let error = session.refused().unwrap();
            assert_eq!(error.kind, CallErrorKind::Authentication, "{error}");
        }
        // Other credentials of the same tenant are none of this.
        let theirs = asking(&server, "/c", 1)
            .of(&tenant)
            .with_secret("another one");
        work(&theirs.session().await, 1).await;
        assert_eq!(server.lines().last().unwrap(), "GET /c");
    });
}

#[test]
fn once_a_token_is_refused_nobody_asks_for_it_again() {
    run(async {
        let server = Server::start(|_| slowly("401 Unauthorized"));
        let plugin = load(&disguised(Disguise::Token)).await.unwrap();
        let tenant = Tenant::alone();
        let with_token = || asking(&server, "/a", 3).from(plugin.clone()).of(&tenant);
        let one = with_token().session().await;
        let other = with_token().session().await;
        tokio::join!(work(&one, 6), work(&other, 6));
        let lines = server.lines();
        assert!(lines.iter().all(|line| line == "POST /token"), "{lines:?}");
        assert!(lines.len() <= AT_ONCE, "{lines:?}");
    });
}
