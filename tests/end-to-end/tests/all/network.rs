//! Between here and the PSA: the operator's proxy, and the certificates of what answers.
//! Everything goes through a proxy on this computer, which is also the PSA.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use end_to_end::Scene;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;

/// The address of Autotask that the connector asks for the zone.
const PSA: &str = "webservices.autotask.net";

/// What the proxy does with a tunnel.
enum Behind {
    /// It is the PSA, with this certificate.
    Certificate(Arc<rustls::ServerConfig>),
    /// It says no with this status.
    Refuses(&'static str),
    /// Something that speaks no TLS.
    NoTls,
}

/// A proxy on this computer, and the first line of each thing that it was sent.
struct Proxy {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(behind: Behind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://ann:pa55@{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // What goes wrong with one is the other side's to tell.
                let _ = stream.and_then(|stream| serve(stream, &behind, &told));
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, behind: &Behind, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let head = head(&mut stream)?;
    let authorization = head.lines().find(|line| {
        line.to_ascii_lowercase()
            .starts_with("proxy-authorization: basic ")
    });
    let first = head.lines().next().unwrap_or_default();
    let first = format!(
        "{first}{}",
        authorization.map_or("", |_| " with a password")
    );
    seen.lock().unwrap().push(first);
    match behind {
        Behind::Refuses(status) => {
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")
        }
        Behind::NoTls => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            let mut hello = [0; 1];
            stream.read_exact(&mut hello)?;
            stream.write_all(b"HTTP/1.1 302 Found\r\nlocation: http://sign-in.example/\r\n\r\n")
        }
        Behind::Certificate(config) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            let session = rustls::ServerConnection::new(Arc::clone(config));
            let session = session.map_err(std::io::Error::other)?;
            let mut tls = rustls::StreamOwned::new(session, stream);
            let head = self::head(&mut tls)?;
            let first = head.lines().next().unwrap_or_default().to_owned();
            seen.lock().unwrap().push(first);
            tls.write_all(
                b"HTTP/1.1 418 Teapot\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            )?;
            tls.flush()
        }
    }
}

/// Up to the empty line.
fn head(stream: &mut impl Read) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A certificate authority of a company.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// A server with a certificate for a name and some years.
    fn server(&self, name: &str, (from, to): (i32, i32)) -> Behind {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            );
        Behind::Certificate(Arc::new(config.unwrap()))
    }

    fn file(&self, folder: &Path) -> String {
        let path = folder.join("ca.pem");
        std::fs::write(&path, &self.pem).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A connection that goes to the real address of its PSA.
async fn connected() -> Scene {
    let scene = Scene::present(&[]).await;
    let mut set = scene.program();
    let set = set.args(["connection", "set", "acme", "--set", "base-url="]);
    assert!(set.status().unwrap().success());
    scene
}

/// What a check through this proxy finds.
fn check(scene: &Scene, proxy: &Proxy, ca_file: Option<&str>) -> Value {
    let mut command = scene.program();
    command
        .args(["connection", "check", "acme", "--format", "json"])
        .env("PSA_HOST_PROXY", &proxy.address);
    if let Some(file) = ca_file {
        command.args(["--ca-file", file]);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("pa55"), "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

const YEARS: (i32, i32) = (2020, 2120);

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_trusted_is_called_what_it_is() {
    let scene = connected().await;
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = authority.file(folder.path());
    for (behind, trusted, code, cause) in [
        (
            authority.server(PSA, YEARS),
            false,
            "certificate-untrusted",
            "--ca-file",
        ),
        (
            authority.server(PSA, (2020, 2021)),
            true,
            "certificate-expired",
            "clock",
        ),
        (
            authority.server(PSA, (2119, 2120)),
            true,
            "certificate-not-yet-valid",
            "clock",
        ),
        (
            authority.server("other.example", YEARS),
            true,
            "certificate-wrong-name",
            "address",
        ),
        (Behind::NoTls, true, "tls-failed", "sign-in page"),
        (
            Behind::Refuses("403 Forbidden"),
            true,
            "proxy-refused",
            "--proxy",
        ),
        (
            Behind::Refuses("407 Proxy Authentication Required"),
            true,
            "proxy-credentials",
            "USER",
        ),
    ] {
        let proxy = Proxy::start(behind);
        let found = check(&scene, &proxy, trusted.then_some(file.as_str()));
        let problem = &found["problem"];
        assert_eq!(problem["code"], code, "{found:#}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains(PSA), "{message}");
        let fix = problem["fix"].as_str().unwrap();
        assert!(fix.contains(cause), "{code}: {fix}");
        // It does not pass by itself, so it is tried once, and nothing of the PSA's is sent.
        let tunnel = format!("CONNECT {PSA}:443 HTTP/1.1 with a password");
        assert_eq!(proxy.seen(), [tunnel], "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_proxy_and_certificate_authority_lead_to_the_psa() {
    let scene = connected().await;
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = authority.file(folder.path());
    let proxy = Proxy::start(authority.server(PSA, YEARS));
    let found = check(&scene, &proxy, Some(&file));
    let code = found["problem"]["code"].as_str().unwrap();
    assert!(!code.starts_with("certificate-"), "{found:#}");
    let seen = proxy.seen();
    assert_eq!(
        seen[0],
        format!("CONNECT {PSA}:443 HTTP/1.1 with a password")
    );
    assert!(seen[1].starts_with("GET /"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_network_that_cannot_be_used_are_refused_before_anything_is_sent() {
    let scene = connected().await;
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    let missing = folder.path().join("missing.pem");
    for (option, value, code) in [
        ("--proxy", "proxy.example:3128", "proxy-invalid"),
        ("--proxy", "socks5://proxy.example", "proxy-invalid"),
        ("--ca-file", empty, "ca-file-invalid"),
        ("--ca-file", missing.to_str().unwrap(), "file-not-found"),
    ] {
        let mut command = scene.program();
        let output = command
            .args([
                "connection",
                "check",
                "acme",
                "--format",
                "json",
                option,
                value,
            ])
            .output()
            .unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let problem = match said["problem"].is_null() {
            true => &said["error"],
            false => &said["problem"],
        };
        assert_eq!(problem["code"], code, "{said:#}");
    }
}
