//! Servers that echo the secret, and plugins that would like to see it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hostile_plugins::guest::{Act, Answer, Ask, Export, Said};
use hostile_plugins::{
    Hostile, Reply, SECRET, Server, answer, json, run, the_next_connection_works,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use psa_host_sandbox::{IncidentCode, Posting};

/// The middle of the secret, without anything that an encoding changes.
const CORE: &str = "hunter";

/// What a plugin sees of an authenticated request to this server.
async fn seen(server: Server) -> String {
    let act = Act::Send(Ask::get(server.url("/")).authenticated());
    let (unleashed, findings) = Hostile::checking(vec![act]).at(&server).check().await;
    let seen = findings.unwrap().remove(0);
    unleashed.incident(IncidentCode::SecretEchoed);
    let report = format!("{:?}", unleashed.session.incidents());
    assert!(!report.contains(CORE), "{report}");
    the_next_connection_works().await;
    seen
}

#[test]
fn a_secret_echoed_in_any_usual_form_is_replaced() {
    let forms = [
        SECRET.to_owned(),
        serde_json::to_string(SECRET).unwrap(),
        utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(),
        utf8_percent_encode(SECRET, NON_ALPHANUMERIC)
            .to_string()
            .to_lowercase(),
        SECRET.replace('&', "&amp;").replace('"', "&quot;"),
        STANDARD.encode(SECRET),
        URL_SAFE_NO_PAD.encode(SECRET),
        STANDARD.encode(format!("hostile:{SECRET}")),
        SECRET
            .replace('+', "\\u002B")
            .replace('&', "\\u0026")
            .replace('"', "\\\""),
        SECRET
            .replace('&', "&#x26;")
            .replace('+', "&#43;")
            .replace('"', "&quot;"),
    ];
    run(async {
        for form in forms {
            let body = format!("<{form}>");
            let seen = seen(Server::start(move |_| json(&body))).await;
            assert!(
                seen.starts_with("200 <") && seen.contains("[secret]"),
                "{form}: {seen}"
            );
            assert!(
                !seen.contains(CORE) && !seen.contains(form.trim_matches('"')),
                "{form}: {seen}"
            );
        }
    });
}

#[test]
fn an_echo_of_the_whole_request_shows_no_credentials() {
    run(async {
        let seen = seen(Server::start(|received| json(&received.head))).await;
        let basic = STANDARD.encode(format!("hostile:{SECRET}"));
        assert!(seen.contains("authorization: Basic [secret]"), "{seen}");
        assert!(seen.contains("x-api-key: [secret]"), "{seen}");
        assert!(!seen.contains(CORE) && !seen.contains(&basic), "{seen}");
    });
}

#[test]
fn a_secret_in_a_header_is_replaced() {
    run(async {
        let server =
            Server::start(|_| answer("200 OK", &[("x-echo", &format!("a {SECRET} b"))], "{}"));
        assert_eq!(seen(server).await, "200 x-echo=a [secret] b {}");
    });
}

#[test]
fn a_secret_split_over_pieces_of_the_answer_is_replaced() {
    run(async {
        let (first, last) = SECRET.split_at(9);
        let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len()).into_bytes();
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut pieces = vec![head.to_vec(), chunk(first), chunk(last)];
        pieces.push(b"0\r\n\r\n".to_vec());
        assert_eq!(
            seen(Server::start(move |_| Reply::Pieces(pieces.clone()))).await,
            "200 [secret]"
        );
    });
}

#[test]
fn a_secret_in_a_compressed_answer_is_replaced() {
    use std::io::Write as _;
    run(async {
        let mut body = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        body.write_all(SECRET.as_bytes()).unwrap();
        let body = body.finish().unwrap();
        let server =
            Server::start(move |_| answer("200 OK", &[("content-encoding", "gzip")], &body));
        assert_eq!(seen(server).await, "200 [secret]");
    });
}

#[test]
fn a_secret_in_the_name_of_a_header_is_replaced_or_the_header_dropped() {
    run(async {
        // A token of lower-case letters is a header's name too.
        let name = "s3cretname-0123456789";
        let server = Server::start(move |_| answer("200 OK", &[(&format!("x-{name}"), "1")], "{}"));
        let act = Act::Send(Ask::get(server.url("/")).authenticated());
        let hostile = Hostile::checking(vec![act]).at(&server).with_secret(name);
        let (unleashed, findings) = hostile.check().await;
        let findings = findings.unwrap();
        assert!(!findings[0].contains(name), "{findings:?}");
        unleashed.incident(IncidentCode::SecretEchoed);
        the_next_connection_works().await;
    });
}

#[test]
fn a_cookie_that_the_server_sets_is_not_given_to_the_plugin() {
    run(async {
        let server = Server::start(|received| {
            let cookie = received.header("cookie").unwrap_or("none").to_owned();
            answer(
                "200 OK",
                &[("set-cookie", "session=42; Path=/"), ("x-cookie", &cookie)],
                "{}",
            )
        });
        let acts = vec![
            Act::Send(Ask::get(server.url("/"))),
            Act::Send(Ask::get(server.url("/"))),
        ];
        let (_, findings) = Hostile::checking(acts).at(&server).check().await;
        assert_eq!(
            findings.unwrap(),
            ["200 x-cookie=none {}", "200 x-cookie=none {}"]
        );
        the_next_connection_works().await;
    });
}

#[test]
fn a_secret_does_not_reach_the_words_of_an_adjustment() {
    run(async {
        let server = Server::start(|_| answer("400 Bad Request", &[], SECRET));
        let acts = vec![Act::Send(Ask::post(server.url("/write")).authenticated())];
        let (_, posting) = Hostile::new(Export::Adjust, acts, Answer::Adjusted(Said::Rejected))
            .at(&server)
            .adjust()
            .await;
        assert!(
            matches!(&posting, Posting::Doubtful { why } if why.contains("[secret]")),
            "{posting:?}"
        );
        assert!(!format!("{posting:?}").contains(CORE));
        the_next_connection_works().await;
    });
}

#[test]
fn a_secret_in_latin_1_is_replaced() {
    run(async {
        let secret = "gr\u{fc}n-s3cret";
        let server = Server::start(|_| answer("200 OK", &[], b"<gr\xfcn-s3cret>"));
        let act = Act::Send(Ask::get(server.url("/")).authenticated());
        let hostile = Hostile::checking(vec![act]).at(&server).with_secret(secret);
        let (_, findings) = hostile.check().await;
        assert_eq!(findings.unwrap(), ["200 <[secret]>"]);
        the_next_connection_works().await;
    });
}

#[test]
fn a_guess_comes_back_the_same_whether_it_is_right_or_wrong() {
    run(async {
        let secret = "p4ssword-of-coro";
        for guess in [secret, "p4ssword-of-core"] {
            for authenticated in [false, true] {
                let server = Server::start(|received| {
                    json(&format!(
                        "no company {}",
                        String::from_utf8_lossy(&received.body)
                    ))
                });
                let ask = Ask {
                    body: Some(guess.into()),
                    authenticate: authenticated,
                    ..Ask::post(server.url("/read/query"))
                };
                let hostile = Hostile::checking(vec![Act::Send(ask)])
                    .at(&server)
                    .with_secret(secret);
                let (unleashed, findings) = hostile.check().await;
                let seen = findings.unwrap().remove(0);
                assert_eq!(seen, format!("200 no company {guess}"));
                // People are told; the plugin is not.
                let codes = hostile_plugins::incident_codes(&unleashed.session);
                let expected: &[&str] = match guess == secret {
                    true => &["secret-known"],
                    false => &[],
                };
                assert_eq!(codes, expected);
            }
        }
        the_next_connection_works().await;
    });
}

#[test]
fn a_guess_that_was_right_is_not_told_by_a_later_answer_either() {
    run(async {
        let secret = "p4ssword-of-coro";
        let server = Server::start(move |_| json(secret));
        let ask = Ask::get(server.url(&format!("/?q={secret}")));
        let again = Ask::get(server.url("/saved"));
        let hostile = Hostile::checking(vec![Act::Send(ask), Act::Send(again)])
            .at(&server)
            .with_secret(secret);
        let (_, findings) = hostile.check().await;
        let seen = format!("200 {secret}");
        assert_eq!(findings.unwrap(), [seen.clone(), seen]);
        the_next_connection_works().await;
    });
}

#[test]
fn secrets_that_could_be_data_do_not_break_answers() {
    run(async {
        for secret in ["1", "true", "12345678"] {
            let server = Server::start(|_| json("{\"id\":12345678,\"active\":true,\"n\":1}"));
            let act = Act::Send(Ask::get(server.url("/")).authenticated());
            let hostile = Hostile::checking(vec![act]).at(&server).with_secret(secret);
            let (_, findings) = hostile.check().await;
            let whole = "200 {\"id\":12345678,\"active\":true,\"n\":1}";
            assert_eq!(findings.unwrap(), [whole]);
        }
        the_next_connection_works().await;
    });
}
