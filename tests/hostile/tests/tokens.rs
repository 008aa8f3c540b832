//! Tokens got with client credentials: by the host, for the plugin, which never sees one.

use std::sync::atomic::{AtomicU32, Ordering};

use hostile_plugins::guest::{Act, Answer, Ask, Disguise, Export, Said};
use hostile_plugins::{
    Hostile, Received, Reply, SECRET, Server, answer, disguised, incident_codes, json, load, run,
    the_next_connection_works,
};
use psa_host_sandbox::{CallErrorKind, IncidentCode, Posting};

/// A server whose token endpoint gives out `t0ken-number-1`, `t0ken-number-2`, … for so many seconds;
/// everything else is answered by the function, which is told the number of the token
/// that the request bears (0: none).
fn serving(seconds: u32, rest: impl Fn(&Received, u32) -> Reply + Send + Sync + 'static) -> Server {
    let given = AtomicU32::new(0);
    Server::start(move |received| {
        if received.line() == "POST /token" {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            return json(&format!(
                "{{\"access_token\":\"t0ken-number-{number}\",\"expires_in\":{seconds},\
                 \"token_type\":\"Bearer\"}}"
            ));
        }
        let bearer = received.header("authorization");
        let number = bearer.and_then(|text| text.strip_prefix("Bearer t0ken-number-"));
        rest(received, number.map_or(0, |text| text.parse().unwrap()))
    })
}

fn get(server: &Server, path: &str) -> Act {
    Act::Send(Ask::get(server.url(path)).authenticated())
}

/// A connection with a token instead of a password.
async fn with_token(hostile: Hostile, server: &Server) -> Hostile {
    let plugin = load(&disguised(Disguise::Token)).await.unwrap();
    hostile.at(server).from(plugin)
}

async fn reading(server: &Server, acts: Vec<Act>) -> Hostile {
    with_token(Hostile::checking(acts), server).await
}

async fn writing(server: &Server, said: Said) -> Hostile {
    let write = Act::Send(Ask::post(server.url("/write")).authenticated());
    let adjusted = Answer::Adjusted(said);
    with_token(Hostile::new(Export::Adjust, vec![write], adjusted), server).await
}

#[test]
fn a_token_is_got_once_with_the_secret_in_a_form_and_serves_all_requests() {
    run(async {
        let server = serving(3600, |_, number| json(&format!("{{\"n\":{number}}}")));
        let acts = vec![get(&server, "/a"), get(&server, "/b")];
        let (unleashed, findings) = reading(&server, acts).await.check().await;
        assert_eq!(findings.unwrap(), ["200 {\"n\":1}", "200 {\"n\":1}"]);
        assert_eq!(server.lines(), ["POST /token", "GET /a", "GET /b"]);
        let asked = server.received().remove(0);
        assert_eq!(
            asked.header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&asked.body)
            .into_owned()
            .collect();
        let expected = [
            ("grant_type", "client_credentials"),
            ("client_id", "hostile"),
            ("client_secret", SECRET),
        ];
        assert!(
            form.iter().map(|(k, v)| (&**k, &**v)).eq(expected),
            "{form:?}"
        );
        assert_eq!(incident_codes(&unleashed.session), [""; 0]);
        assert_eq!(
            unleashed.session.requests().total,
            3,
            "the token's counts too"
        );
        the_next_connection_works().await;
    });
}

#[test]
fn a_request_without_authentication_gets_no_token() {
    run(async {
        let server = serving(3600, |_, number| json(&format!("{number}")));
        let act = Act::Send(Ask::get(server.url("/open")));
        let (_, findings) = reading(&server, vec![act]).await.check().await;
        assert_eq!(findings.unwrap(), ["200 0"]);
        assert_eq!(server.lines(), ["GET /open"]);
        the_next_connection_works().await;
    });
}

#[test]
fn a_token_that_runs_out_soon_is_got_anew() {
    run(async {
        let server = serving(10, |_, number| json(&format!("{number}")));
        let acts = vec![get(&server, "/a"), get(&server, "/b")];
        let (_, findings) = reading(&server, acts).await.check().await;
        assert_eq!(findings.unwrap(), ["200 1", "200 2"]);
        assert_eq!(
            server.lines(),
            ["POST /token", "GET /a", "POST /token", "GET /b"]
        );
        the_next_connection_works().await;
    });
}

#[test]
fn a_read_that_is_answered_with_401_is_sent_again_once_with_a_new_token() {
    run(async {
        let again = ["POST /token", "GET /a", "POST /token", "GET /a"];
        let server = serving(3600, |_, number| match number {
            2 => json("{}"),
            _ => answer("401 Unauthorized", &[], ""),
        });
        let (_, findings) = reading(&server, vec![get(&server, "/a")])
            .await
            .check()
            .await;
        assert_eq!(findings.unwrap(), ["200 {}"]);
        assert_eq!(server.lines(), again);

        let server = serving(3600, |_, _| answer("401 Unauthorized", &[], ""));
        let (_, findings) = reading(&server, vec![get(&server, "/a")])
            .await
            .check()
            .await;
        assert_eq!(findings.unwrap(), ["401 "]);
        assert_eq!(server.lines(), again, "twice, and no more");
        the_next_connection_works().await;
    });
}

#[test]
fn a_write_that_is_answered_with_401_is_never_sent_again() {
    run(async {
        let server = serving(3600, |_, _| answer("401 Unauthorized", &[], ""));
        let (_, posting) = writing(&server, Said::Rejected).await.adjust().await;
        assert!(matches!(posting, Posting::Rejected { .. }), "{posting:?}");
        assert_eq!(server.lines(), ["POST /token", "POST /write"]);
        the_next_connection_works().await;
    });
}

#[test]
fn refused_client_credentials_end_the_run_and_show_no_secret() {
    run(async {
        let server = Server::start(|received| match received.line() {
            "POST /token" => answer("401 Unauthorized", &[], format!("who is {SECRET}?")),
            _ => json("{}"),
        });
        let hostile = reading(&server, vec![get(&server, "/a"), get(&server, "/b")]).await;
        let mut unleashed = hostile.unleash().await;
        let _ = unleashed.check().await;
        assert!(server.lines().iter().all(|line| line == "POST /token"));
        let text = format!("{:?}", unleashed.session.incidents());
        assert!(!text.contains("hunter"), "{text}");

        let hostile = writing(&server, Said::Failed).await;
        let (_, posting) = hostile.adjust().await;
        let Posting::NotSent(error) = &posting else {
            panic!("{posting:?}");
        };
        assert_eq!(error.kind, CallErrorKind::Authentication);
        assert!(
            error.message.contains("refused the credentials"),
            "{error:?}"
        );
        assert!(!format!("{posting:?}").contains("hunter"), "{posting:?}");
        the_next_connection_works().await;
    });
}

#[test]
fn without_a_token_nothing_is_sent() {
    run(async {
        for broken in [
            answer("500 Internal Server Error", &[], "down"),
            json("{\"access_token\":\"\"}"),
            json("no json"),
        ] {
            let reply = broken.clone();
            let server = Server::start(move |received| match received.line() {
                "POST /token" => reply.clone(),
                _ => json("{}"),
            });
            let (_, posting) = writing(&server, Said::Failed).await.adjust().await;
            assert!(matches!(posting, Posting::NotSent(_)), "{posting:?}");
            assert_eq!(server.lines(), ["POST /token"]);
        }
        the_next_connection_works().await;
    });
}

#[test]
fn a_token_that_comes_back_is_replaced_like_any_secret() {
    run(async {
        let server = serving(3600, |received, _| json(&received.head));
        let (unleashed, findings) = reading(&server, vec![get(&server, "/")])
            .await
            .check()
            .await;
        let seen = findings.unwrap().remove(0);
        assert!(seen.contains("authorization: Bearer [secret]"), "{seen}");
        assert!(!seen.contains("t0ken"), "{seen}");
        unleashed.incident(IncidentCode::SecretEchoed);
        the_next_connection_works().await;
    });
}

#[test]
fn a_former_token_and_those_beside_it_are_replaced_too() {
    run(async {
        let echo = "t0ken-number-1 t0ken-number-2 refresh-t0ken-1 id-t0ken-1";
        let given = AtomicU32::new(0);
        let server = Server::start(move |received| {
            if received.line() != "POST /token" {
                return json(echo);
            }
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            json(&format!(
                "{{\"access_token\":\"t0ken-number-{number}\",\"expires_in\":10,\
                 \"refresh_token\":\"refresh-t0ken-{number}\",\
                 \"id_token\":\"id-t0ken-{number}\"}}"
            ))
        });
        let acts = vec![get(&server, "/a"), get(&server, "/b")];
        let (_, findings) = reading(&server, acts).await.check().await;
        assert_eq!(
            findings.unwrap().pop().unwrap(),
            "200 [secret] [secret] [secret] [secret]"
        );
        the_next_connection_works().await;
    });
}

#[test]
fn a_token_of_a_megabyte_is_refused() {
    run(async {
        let server = Server::start(|received| match received.line() {
            "POST /token" => json(&format!("{{\"access_token\":\"{}\"}}", "t0".repeat(60_000))),
            _ => json("{}"),
        });
        let (_, findings) = reading(&server, vec![get(&server, "/a")])
            .await
            .check()
            .await;
        let seen = findings.unwrap().remove(0);
        assert!(seen.contains("token of 120000 bytes"), "{seen}");
        assert_eq!(server.lines(), ["POST /token"]);
        the_next_connection_works().await;
    });
}

#[test]
fn what_the_token_endpoint_says_is_for_people_and_shows_no_secret_or_token() {
    run(async {
        let server = Server::start(|received| match received.line() {
            "POST /token" => answer(
                "400 Bad Request",
                &[],
                "{\"error\":\"invalid_client\",\"error_description\":\"s3cret\\/\\\"hunter\\u002B2\\\"\\u0026more, or r3fresh-me\",\
                 \"refresh_token\":\"r3fresh-me\"}",
            ),
            _ => json("{}"),
        });
        let hostile = reading(&server, vec![get(&server, "/a")]).await;
        let (_, findings) = hostile.check().await;
        let seen = findings.unwrap().remove(0);
        assert!(!seen.contains("invalid_client"), "{seen}");

        let (_, posting) = writing(&server, Said::Failed).await.adjust().await;
        let Posting::NotSent(error) = &posting else {
            panic!("{posting:?}");
        };
        assert!(
            error
                .message
                .ends_with("invalid_client: [secret], or [secret]"),
            "{error}"
        );
        the_next_connection_works().await;
    });
}
