//! Writes at the wrong time or twice, and lies about them. What became of an
//! adjustment is told by what the host saw leave and come back.

use hostile_plugins::guest::{Act, Answer, Ask, Export, Said};
use hostile_plugins::{
    Hostile, Reply, Server, answer, incident_codes, json, run, the_next_connection_works, whole,
};
use psa_host_sandbox::{Accounts, CallErrorKind, IncidentCode, Posting, Services};

fn write(server: &Server) -> Act {
    Act::Send(Ask::post(server.url("/write")).authenticated())
}

/// An adjustment that does this and then says that.
fn adjusting(server: &Server, acts: Vec<Act>, said: Said) -> Hostile {
    Hostile::new(Export::Adjust, acts, Answer::Adjusted(said)).at(server)
}

#[test]
fn a_write_in_any_call_but_adjust_is_refused() {
    run(async {
        let server = Server::start(|_| json("{}"));
        // The last is declared as a read as well.
        let urls = || {
            [
                Ask::get(server.url("/x/trigger")),
                Ask::post(server.url("/both")),
            ]
            .map(Act::Send)
        };
        let writes = || std::iter::once(write(&server)).chain(urls()).collect();
        for during in [Export::Check, Export::ListAccounts, Export::ListServices] {
            let mut unleashed = Hostile::new(during, writes(), Answer::Fair)
                .at(&server)
                .unleash()
                .await;
            match during {
                Export::Check => drop(unleashed.check().await.unwrap()),
                Export::ListAccounts => {
                    drop(whole(&mut unleashed.connector, Accounts).await.unwrap())
                }
                _ => drop(whole(&mut unleashed.connector, Services).await.unwrap()),
            }
            let incident = unleashed.incident(IncidentCode::WriteOutsideAdjust);
            assert!(
                incident.message.contains("is a write"),
                "{}",
                incident.message
            );
            assert_eq!(unleashed.session.incidents().len(), 3);
        }
        assert_eq!(server.lines(), [""; 0]);
        the_next_connection_works().await;
    });
}

#[test]
fn a_write_in_configure_is_refused() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let hostile =
            Hostile::new(Export::Configure, vec![write(&server)], Answer::Fair).at(&server);
        let session = hostile.session().await;
        session.connect().await.unwrap_err();
        assert_eq!(incident_codes(&session), ["request-at-wrong-time"]);
        assert_eq!(server.lines(), [""; 0]);
        the_next_connection_works().await;
    });
}

#[test]
fn the_second_write_of_one_adjust_is_refused() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let other = Act::Send(Ask::get(server.url("/x/trigger")));
        let acts = vec![write(&server), write(&server), other];
        let (unleashed, posting) = adjusting(&server, acts, Said::Accepted).adjust().await;
        assert!(matches!(posting, Posting::Accepted { .. }), "{posting:?}");
        unleashed.incident(IncidentCode::SecondWrite);
        assert_eq!(server.lines(), ["POST /write"]);
        assert_eq!(unleashed.session.requests().writes, 1);
        the_next_connection_works().await;
    });
}

#[test]
fn a_write_that_failed_is_not_sent_again_either() {
    run(async {
        // A connection that ends without an answer: it may have been done.
        let server = Server::start(|_| Reply::Whole(Vec::new()));
        let acts = vec![write(&server), write(&server), write(&server)];
        let (unleashed, posting) = adjusting(&server, acts, Said::Accepted).adjust().await;
        assert!(matches!(posting, Posting::Doubtful { .. }), "{posting:?}");
        unleashed.incident(IncidentCode::SecondWrite);
        assert_eq!(server.lines(), ["POST /write"]);
        the_next_connection_works().await;
    });
}

#[test]
fn two_adjustments_may_write_once_each() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let mut unleashed = adjusting(&server, vec![write(&server)], Said::Accepted)
            .unleash()
            .await;
        for _ in 0..2 {
            let posting = hostile_plugins::posted(&mut unleashed.connector).await;
            assert!(matches!(posting, Posting::Accepted { .. }), "{posting:?}");
        }
        assert_eq!(incident_codes(&unleashed.session), [""; 0]);
        assert_eq!(server.lines().len(), 2);
    });
}

#[test]
fn accepted_without_a_write_is_not_believed() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let (unleashed, posting) = adjusting(&server, Vec::new(), Said::Accepted)
            .adjust()
            .await;
        assert!(
            matches!(&posting, Posting::NotSent(error) if error.kind == CallErrorKind::BadAnswer),
            "{posting:?}"
        );
        unleashed.incident(IncidentCode::AcceptedWithoutWrite);
        the_next_connection_works().await;
    });
}

#[test]
fn accepted_after_a_read_alone_is_not_believed() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let read = Act::Send(Ask::post(server.url("/read/query")));
        let (unleashed, posting) = adjusting(&server, vec![read], Said::Accepted)
            .adjust()
            .await;
        assert!(matches!(posting, Posting::NotSent(_)), "{posting:?}");
        unleashed.incident(IncidentCode::AcceptedWithoutWrite);
        the_next_connection_works().await;
    });
}

#[test]
fn accepted_of_a_write_that_the_psa_refused_is_doubtful() {
    run(async {
        for status in [
            "400 Bad Request",
            "401 Unauthorized",
            "409 Conflict",
            "500 Oops",
            "504 Late",
            "302 Found",
        ] {
            let server = Server::start(move |_| answer(status, &[], "no"));
            let (unleashed, posting) = adjusting(&server, vec![write(&server)], Said::Accepted)
                .adjust()
                .await;
            assert!(
                matches!(posting, Posting::Doubtful { .. }),
                "{status}: {posting:?}"
            );
            unleashed.incident(IncidentCode::AcceptedWithoutWrite);
        }
        the_next_connection_works().await;
    });
}

#[test]
fn accepted_of_a_write_without_an_answer_is_doubtful() {
    run(async {
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"done\":".to_vec();
        for reply in [Reply::Silence, Reply::Whole(Vec::new()), Reply::Whole(half)] {
            let server = Server::start(move |_| reply.clone());
            let (unleashed, posting) = adjusting(&server, vec![write(&server)], Said::Accepted)
                .adjust()
                .await;
            assert!(matches!(posting, Posting::Doubtful { .. }), "{posting:?}");
            unleashed.incident(IncidentCode::AcceptedWithoutWrite);
        }
        the_next_connection_works().await;
    });
}

#[test]
fn rejected_of_a_write_without_an_answer_is_doubtful() {
    run(async {
        let server = Server::start(|_| Reply::Silence);
        let (_, posting) = adjusting(&server, vec![write(&server)], Said::Rejected)
            .adjust()
            .await;
        assert!(matches!(posting, Posting::Doubtful { .. }), "{posting:?}");
        the_next_connection_works().await;
    });
}

#[test]
fn an_error_after_a_write_is_doubtful_and_before_it_nothing() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let (_, after) = adjusting(&server, vec![write(&server)], Said::Failed)
            .adjust()
            .await;
        assert!(matches!(after, Posting::Doubtful { .. }), "{after:?}");
        let (_, before) = adjusting(&server, Vec::new(), Said::Failed).adjust().await;
        assert!(matches!(before, Posting::NotSent(_)), "{before:?}");
        the_next_connection_works().await;
    });
}

#[test]
fn an_instance_that_dies_after_its_write_leaves_a_doubt() {
    run(async {
        let server = Server::start(|_| json("{}"));
        for end in [
            Act::Panic,
            Act::Exit(0),
            Act::Loop,
            Act::Recurse,
            Act::TakeMemory,
            Act::Sleep(1_000_000),
        ] {
            let acts = vec![write(&server), end.clone()];
            let (unleashed, posting) = adjusting(&server, acts, Said::Accepted).adjust().await;
            assert!(
                matches!(posting, Posting::Doubtful { .. }),
                "{end:?}: {posting:?}"
            );
            assert!(!unleashed.connector.is_usable());
        }
        the_next_connection_works().await;
    });
}

#[test]
fn an_instance_that_dies_before_its_write_has_sent_nothing() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let acts = vec![Act::Panic, write(&server)];
        let (_, posting) = adjusting(&server, acts, Said::Accepted).adjust().await;
        assert!(
            matches!(&posting, Posting::NotSent(error) if error.kind == CallErrorKind::Trapped),
            "{posting:?}"
        );
        assert_eq!(server.lines(), [""; 0]);
        the_next_connection_works().await;
    });
}

#[test]
fn a_write_to_a_host_that_was_not_granted_has_sent_nothing() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let acts = vec![Act::Send(Ask::post("https://asked.hostile.example/write"))];
        let (unleashed, posting) = adjusting(&server, acts, Said::Accepted).adjust().await;
        assert!(matches!(posting, Posting::NotSent(_)), "{posting:?}");
        unleashed.incident(IncidentCode::HostNotGranted);
        the_next_connection_works().await;
    });
}

#[test]
fn a_write_that_redirects_is_not_sent_on() {
    run(async {
        let inner = Server::start(|_| json("{}"));
        let target = inner.url("/write");
        let server = Server::start(move |_| answer("307 Temporary", &[("location", &target)], ""));
        let (unleashed, posting) = adjusting(&server, vec![write(&server)], Said::Accepted)
            .adjust()
            .await;
        assert!(matches!(posting, Posting::Doubtful { .. }), "{posting:?}");
        unleashed.incident(IncidentCode::RedirectNotFollowed);
        assert_eq!((server.lines().len(), inner.lines().len()), (1, 0));
        the_next_connection_works().await;
    });
}

#[test]
fn the_words_of_an_adjustment_are_washed_and_shortened() {
    run(async {
        let body = "\u{1b}[31m".repeat(2_000);
        let server = Server::start(move |_| answer("400 Bad Request", &[], &body));
        for said in [Said::Accepted, Said::Rejected, Said::Unknown, Said::Failed] {
            let (_, posting) = adjusting(&server, vec![write(&server)], said)
                .adjust()
                .await;
            let words = match posting {
                Posting::Accepted { reference } => reference.unwrap_or_default(),
                Posting::Rejected { words, .. } => words,
                Posting::Doubtful { why } => why,
                Posting::RateLimited { words } => words,
                Posting::NotSent(error) => error.message,
            };
            assert!(
                !words.contains('\u{1b}') && words.len() < 20_000,
                "{said:?}: {words}"
            );
        }
        the_next_connection_works().await;
    });
}
