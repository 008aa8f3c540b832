//! The history's chain, computed again from its documented form and the key file alone.

use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use psa_host_ledger::HistoryEvent;
use sha2::{Digest, Sha256};

/// The first entry, from the beginning on, that does not follow from the one before it.
pub fn first_that_does_not_hold(key_file: &Path, events: &[HistoryEvent]) -> Option<i64> {
    let master = std::fs::read_to_string(key_file).expect("a key file");
    let master = hex::decode(master.trim()).expect("a key in hexadecimal");
    let key = keyed(&master, b"psa-host history v1");
    let (mut prev, mut key_seen) = ([0_u8; 32], false);
    for (event, expected) in events.iter().zip(1..) {
        let mut bytes = b"psa-host history v1".to_vec();
        bytes.extend_from_slice(&prev);
        bytes.extend_from_slice(&event.seq.to_be_bytes());
        bytes.extend_from_slice(&event.at.as_microsecond().to_be_bytes());
        let detail = event.detail.to_string();
        for text in [&event.who, &event.what, &event.subject, &detail] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        let hash = match event.keyed {
            true => keyed(&key, &bytes),
            false => Sha256::digest(&bytes).into(),
        };
        if hash != event.hash || event.seq != expected || (key_seen && !event.keyed) {
            return Some(event.seq);
        }
        (key_seen, prev) = (key_seen || event.keyed, event.hash);
    }
    None
}

fn keyed(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}
