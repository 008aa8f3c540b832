//! Answers that are too large, too slow, or not what they promise.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hostile_plugins::guest::{Act, Ask};
use hostile_plugins::{Hostile, Reply, Server, answer, run, the_next_connection_works};
use psa_host_sandbox::IncidentCode;

/// What the plugin gets for a `GET` of this server, and the incident beside it.
async fn gets(server: Server, starts: &str, code: IncidentCode) {
    let act = Act::Send(Ask::get(server.url("/")));
    let (unleashed, findings) = Hostile::checking(vec![act]).at(&server).check().await;
    let findings = findings.unwrap();
    assert!(findings[0].starts_with(starts), "{}", findings[0]);
    unleashed.incident(code);
    the_next_connection_works().await;
}

const TOO_LARGE: &str = "SendFailureKind::TooLarge sent=true";
const TOO_SLOW: &str = "SendFailureKind::TimedOut sent=true";
/// Four times what is read of an answer.
const BOMB: usize = 64 << 20;

#[test]
fn a_gzip_bomb_is_not_unpacked_to_its_end() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(&vec![0; BOMB]).unwrap();
    let bomb = bomb.finish().unwrap();
    let server = Server::start(move |_| answer("200 OK", &[("content-encoding", "gzip")], &bomb));
    run(gets(server, TOO_LARGE, IncidentCode::ResponseTooLarge));
}

#[test]
fn a_deflate_bomb_is_not_unpacked_to_its_end() {
    let mut bomb = ZlibEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(&vec![0; BOMB]).unwrap();
    let bomb = bomb.finish().unwrap();
    let server =
        Server::start(move |_| answer("200 OK", &[("content-encoding", "deflate")], &bomb));
    run(gets(server, TOO_LARGE, IncidentCode::ResponseTooLarge));
}

#[test]
fn a_bomb_within_a_bomb_is_unpacked_once_at_most() {
    run(async {
        let mut inner = GzEncoder::new(Vec::new(), Compression::fast());
        inner.write_all(&vec![0; BOMB]).unwrap();
        let mut outer = GzEncoder::new(Vec::new(), Compression::fast());
        outer.write_all(&inner.finish().unwrap()).unwrap();
        let bomb = outer.finish().unwrap();
        let server =
            Server::start(move |_| answer("200 OK", &[("content-encoding", "gzip, gzip")], &bomb));
        let act = Act::Send(Ask::get(server.url("/")));
        let (_, findings) = Hostile::checking(vec![act]).at(&server).check().await;
        let finding = &findings.unwrap()[0];
        assert!(
            finding.starts_with("200 ") || finding.starts_with(TOO_LARGE),
            "{finding}"
        );
        the_next_connection_works().await;
    });
}

#[test]
fn an_endless_body_is_cut_off() {
    let server = Server::start(|_| Reply::Flood(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()));
    run(gets(server, TOO_LARGE, IncidentCode::ResponseTooLarge));
}

#[test]
fn a_promise_of_an_exabyte_reserves_nothing_and_is_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000000000\r\n\r\n";
    let server = Server::start(move |_| Reply::Flood(head.to_vec()));
    run(gets(server, TOO_LARGE, IncidentCode::ResponseTooLarge));
}

#[test]
fn a_body_that_drips_is_left() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
    let server = Server::start(move |_| Reply::Drip(head.to_vec()));
    run(gets(server, TOO_SLOW, IncidentCode::ResponseTooSlow));
}

#[test]
fn headers_that_drip_are_left() {
    let server = Server::start(|_| Reply::Drip(b"HTTP/1.1 200 OK\r\nx-drip: ".to_vec()));
    run(gets(server, TOO_SLOW, IncidentCode::ResponseTooSlow));
}

#[test]
fn silence_is_left() {
    run(gets(
        Server::start(|_| Reply::Silence),
        TOO_SLOW,
        IncidentCode::ResponseTooSlow,
    ));
}

#[test]
fn answers_that_are_not_http_are_failures_and_not_answers() {
    run(async {
        let broken = [
            "",
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/1.1 200",
            "HTTP/1.1 999999 X\r\n\r\n",
            "HTTP/9.9 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        ];
        for text in broken {
            let server = Server::start(move |_| Reply::Whole(text.as_bytes().to_vec()));
            let act = Act::Send(Ask::get(server.url("/")));
            let (unleashed, findings) = Hostile::checking(vec![act]).at(&server).check().await;
            let finding = &findings.unwrap()[0];
            assert!(
                finding.starts_with("SendFailureKind::Broken sent=true"),
                "{text:?}: {finding}"
            );
            assert!(unleashed.connector.is_usable());
        }
        the_next_connection_works().await;
    });
}
