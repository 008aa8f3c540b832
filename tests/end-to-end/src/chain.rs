//! The history's chains, computed again from its documented form and the key file alone.

use std::collections::HashMap;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use psa_host_ledger::{Chain, HistoryEvent};
use sha2::{Digest, Sha256};

/// The first entry, from the beginning on, that does not follow from the one before it.
pub fn first_that_does_not_hold(key_file: &Path, events: &[HistoryEvent]) -> Option<i64> {
    let master = std::fs::read_to_string(key_file).expect("a key file");
    let master = hex::decode(master.trim()).expect("a key in hexadecimal");
    let key = keyed(&master, b"psa-host history v1");
    let mut heads: HashMap<Chain, [u8; 32]> = HashMap::new();
    let mut key_seen = false;
    for (event, expected) in events.iter().zip(1..) {
        let former = event.chain == Chain::Former;
        // A chain goes on from its own last entry; a new one from that of the former one.
        let prev = heads.get(&event.chain).or(heads.get(&Chain::Former));
        let mut bytes = match former {
            true => b"psa-host history v1".to_vec(),
            false => b"psa-host history v2".to_vec(),
        };
        bytes.extend_from_slice(prev.unwrap_or(&[0; 32]));
        bytes.extend_from_slice(&event.seq.to_be_bytes());
        bytes.extend_from_slice(&event.at.as_microsecond().to_be_bytes());
        let (chain, detail) = (event.chain.to_string(), event.detail.to_string());
        let texts = [&chain, &event.who, &event.what, &event.subject, &detail];
        for text in texts.into_iter().skip(usize::from(former)) {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        let hash: [u8; 32] = match event.keyed {
            true => keyed(&key, &bytes),
            false => Sha256::digest(&bytes).into(),
        };
        if hash != event.hash || event.seq != expected || (key_seen && !event.keyed) {
            return Some(event.seq);
        }
        key_seen |= event.keyed;
        heads.insert(event.chain.clone(), hash);
    }
    None
}

fn keyed(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}
