//! Headers that would split a request, change whose it is, or never end.

use hostile_plugins::guest::{Act, Ask};
use hostile_plugins::{
    Hostile, Reply, Server, answer, incident_codes, json, run, the_next_connection_works,
};
use psa_host_sandbox::IncidentCode;

/// A request with each of these headers is refused, and nothing leaves.
async fn refused(headers: &[(&str, &str)]) {
    let server = Server::start(|_| json("{}"));
    for (name, value) in headers {
        let ask = Ask::get(server.url("/"))
            .authenticated()
            .header(*name, *value);
        let (unleashed, findings) = Hostile::checking(vec![Act::Send(ask)])
            .at(&server)
            .check()
            .await;
        assert!(
            findings.unwrap()[0].starts_with("SendFailureKind::Denied sent=false"),
            "{name:?}: {value:?}"
        );
        unleashed.incident(IncidentCode::HeaderRefused);
    }
    assert_eq!(server.lines(), [""; 0]);
    the_next_connection_works().await;
}

#[test]
fn line_breaks_in_a_header_are_refused() {
    run(refused(&[
        ("x-a", "b\r\nx-c: d"),
        ("x-a", "b\nx-c: d"),
        ("x-a", "b\rx-c: d"),
        ("x-a", "b\r\n\r\nGET /trigger HTTP/1.1"),
        ("x-a\r\nx-c", "d"),
        ("x-a: b\r\nx-c", "d"),
        ("x-a\n", "b"),
        ("x-a", "b\0c"),
        ("x-a", "b\u{7f}"),
        ("x-a", "\u{1b}[31m"),
        ("", "b"),
        ("x a", "b"),
        ("x-a:", "b"),
        (":path", "/"),
        ("x-ä", "b"),
    ]));
}

#[test]
fn the_host_and_its_credentials_cannot_be_overridden() {
    run(refused(&[
        ("Host", "evil.example"),
        ("hOsT", "evil.example"),
        ("Authorization", "Basic x"),
        ("AUTHORIZATION", "x"),
        ("Proxy-Authorization", "x"),
        ("Cookie", "session=1"),
        ("X-Api-Key", "mine"),
        ("x-api-key", ""),
        ("X_Api_Key", "mine"),
        ("x.api_key", "mine"),
    ]));
}

#[test]
fn headers_that_frame_or_reroute_a_request_are_refused() {
    run(refused(&[
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("Upgrade", "websocket"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Expect", "100-continue"),
        ("Keep-Alive", "x"),
        ("Proxy-Connection", "x"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "for=127.0.0.1"),
        ("X-HTTP-Method-Override", "POST"),
        ("X-Method-Override", "DELETE"),
        ("X-HTTP-Method", "PUT"),
        ("X-Original-URL", "/trigger"),
        ("X-Rewrite-URL", "/trigger"),
        ("X_HTTP_Method_Override", "POST"),
        ("X_Original_URL", "/trigger"),
        ("X_Forwarded_For", "127.0.0.1"),
        ("X-Original-Host", "evil.example"),
        ("X-Real-IP", "127.0.0.1"),
        ("Via", "1.1 x"),
    ]));
}

#[test]
fn headers_by_the_hundred_or_by_the_megabyte_are_refused() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let ask = || Ask::get(server.url("/"));
        let acts = vec![
            Act::SendHeaders(ask(), 65, 1),
            Act::SendHeaders(ask(), 1, 1 << 20),
        ];
        let (unleashed, _) = Hostile::checking(acts).at(&server).check().await;
        assert_eq!(incident_codes(&unleashed.session), ["header-refused"]);
        assert_eq!(unleashed.session.incidents().len(), 2);
        assert_eq!(server.lines(), [""; 0]);
        the_next_connection_works().await;
    });
}

#[test]
fn credentials_are_added_only_where_they_are_asked_for() {
    run(async {
        let server = Server::start(|_| json("{}"));
        let plain = Ask::get(server.url("/plain")).header("x-own", "kept");
        let acts = vec![
            Act::Send(plain),
            Act::Send(Ask::get(server.url("/with")).authenticated()),
        ];
        let (_unleashed, findings) = Hostile::checking(acts).at(&server).check().await;
        assert_eq!(findings.unwrap(), ["200 {}", "200 {}"]);
        let received = server.received();
        assert_eq!(received[0].header("x-own"), Some("kept"));
        assert_eq!(
            (
                received[0].header("authorization"),
                received[0].header("x-api-key")
            ),
            (None, None)
        );
        assert_eq!(
            received[1].header("x-api-key"),
            Some(hostile_plugins::SECRET)
        );
        the_next_connection_works().await;
    });
}

#[test]
fn an_answer_of_nothing_but_headers_is_cut_off() {
    run(async {
        let long = "x".repeat(8_000);
        let wide = Server::start(move |_| {
            let headers: Vec<(&str, &str)> = (0..20).map(|_| ("x-flood", long.as_str())).collect();
            answer("200 OK", &headers, "")
        });
        let (unleashed, findings) = Hostile::checking(vec![Act::Send(Ask::get(wide.url("/")))])
            .at(&wide)
            .check()
            .await;
        assert!(findings.unwrap()[0].starts_with("SendFailureKind::TooLarge sent=true"));
        unleashed.incident(IncidentCode::ResponseTooLarge);

        // Endless headers end in the HTTP client: an answer that is none.
        let endless = Server::start(|_| Reply::Flood(b"HTTP/1.1 200 OK\r\nx-flood: ".to_vec()));
        let (_, findings) = Hostile::checking(vec![Act::Send(Ask::get(endless.url("/")))])
            .at(&endless)
            .check()
            .await;
        let finding = &findings.unwrap()[0];
        assert!(
            finding.starts_with("SendFailureKind::") && finding.contains("sent=true"),
            "{finding}"
        );
        the_next_connection_works().await;
    });
}
