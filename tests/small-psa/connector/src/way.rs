//! How a file of this connector goes wrong. No setting tells: two files of one plugin have the
//! same settings, so the choice stands in the file, in a mark that tests overwrite.

use std::hint::black_box;

use psa_connector_sdk::{Error, Host, Request, fault, invalid};

/// What stands before the way in the file.
pub const MARK_START: &str = "small-psa-goes:";
/// The whole mark: start, way, and dots to the end.
pub const MARK_BYTES: usize = 32;

/// Overwritten in the file. Read through `black_box`, or the compiler would put its present
/// value wherever it is used.
static MARK: [u8; MARK_BYTES] = *b"small-psa-goes:right............";

/// How this file goes.
pub(crate) fn way() -> &'static str {
    let mark: &'static [u8; MARK_BYTES] = black_box(&MARK);
    let text = std::str::from_utf8(mark).unwrap_or_default();
    let text = text.strip_prefix(MARK_START).unwrap_or_default();
    text.trim_end_matches('.')
}

/// What it does beside its duty when it is checked.
pub(crate) fn act(host: &dyn Host, base_url: &str) -> Result<(), Error> {
    match way() {
        "traps" => unreachable!("as ordered"),
        "fails" => Err(invalid("it does not like this PSA".to_owned())),
        "denied" => Err(Error::Authentication(fault("it sends them wrongly"))),
        "writes" => {
            let url = format!("{base_url}/finance/agreements/900/additions/8001");
            let mut request = Request::post_json(url, b"[]".to_vec());
            request.method = "PATCH".to_owned();
            // Refused, and said nothing about.
            let _ = host.send(&request);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The units that it tells of.
pub(crate) fn units(host: &dyn Host, units: i64) -> i64 {
    match way() {
        "units" => units + 1,
        // Until it was asked once, as if the PSA had changed in between.
        "once" => {
            let asked = host.storage_get("asked").ok().flatten().is_some();
            let _ = host.storage_put("asked", b"x");
            if asked { units } else { units + 1 }
        }
        _ => units,
    }
}
