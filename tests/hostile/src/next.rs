//! The proof that a hostile plugin was contained: somebody else's run works.

use std::sync::OnceLock;

use hostile_guest::{Act, Answer, Ask, Export, Said};
use psa_host_sandbox::{Accounts, Posting};

use crate::server::{Server, json};
use crate::world::{Hostile, incident_codes, posted, whole};

/// Another connection's run: check, list, adjust, with requests, and nothing to report.
///
/// # Panics
/// Where any of it fails.
pub async fn the_next_connection_works() {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(|| Server::start(|_| json("{}")));

    let read = Act::Send(Ask::get(server.url("/read")).authenticated());
    let reader = Hostile::checking(vec![read]).at(server);
    let (mut reading, findings) = reader.check().await;
    assert_eq!(findings.unwrap(), ["200 {}"]);
    let accounts = whole(&mut reading.connector, Accounts).await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(incident_codes(&reading.session), [""; 0]);

    let write = Act::Send(Ask::post(server.url("/write")).authenticated());
    let writer = Hostile::new(
        Export::Adjust,
        vec![write],
        Answer::Adjusted(Said::Accepted),
    )
    .at(server);
    let mut writing = writer.unleash().await;
    let posting = posted(&mut writing.connector).await;
    assert!(matches!(posting, Posting::Accepted { .. }), "{posting:?}");
    assert_eq!(incident_codes(&writing.session), [""; 0]);
}
