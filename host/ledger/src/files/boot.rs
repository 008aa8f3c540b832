//! Which boot of the machine this is: what was written without waiting for the disk is
//! certain to be there only within one.

use std::sync::OnceLock;

/// Where the kernel says it. Linux only; elsewhere no two processes know of the same boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The boot's name; none where the system does not tell.
pub(crate) fn this_boot() -> Option<&'static str> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    BOOT.get_or_init(|| {
        let text = std::fs::read_to_string(BOOT_ID).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    })
    .as_deref()
}
