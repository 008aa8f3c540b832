//! Who may use what: whose a file is, which of the database's files this user may not use,
//! and whether a directory lies on a network share.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat, statfs};
use rustix::io::Errno;
use rustix::process::geteuid;

/// The files that SQLite keeps beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What keeps this user from writing to a database: its directory, the database or a file
/// beside it. One that another user made there (once, with `sudo`) is enough.
pub(crate) fn refused(database: &Path) -> Option<PathBuf> {
    let folder = database.parent().map(Path::to_owned);
    let beside = BESIDE.iter().map(|ending| {
        let mut name = database.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    });
    let files = std::iter::once(database.to_owned()).chain(beside);
    folder.into_iter().chain(files).find(|path| {
        let may = accessat(
            CWD,
            path,
            Access::READ_OK | Access::WRITE_OK,
            AtFlags::EACCESS,
        );
        matches!(may, Err(Errno::ACCESS | Errno::PERM))
    })
}

/// The user whose a file is, or what is above it, where not even its owner can be seen.
pub(crate) fn owner(path: &Path) -> Option<String> {
    path.ancestors().find_map(|path| {
        let about = fs::metadata(path).ok()?;
        Some(named(about.uid()))
    })
}

/// The user that this process runs as.
pub(crate) fn this_user() -> String {
    named(geteuid().as_raw())
}

/// `ben (uid 1000)`; without a name where the system's list has none.
fn named(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    match name {
        Some(name) => format!("{name} (uid {uid})"),
        None => format!("uid {uid}"),
    }
}

/// What kind of network share a directory lies on; none: a disk of this computer, as far as
/// the system says.
#[allow(
    clippy::useless_conversion,
    reason = "the number has other widths on other machines"
)]
pub(crate) fn network_share(directory: &Path) -> Option<&'static str> {
    let about = statfs(directory).ok()?;
    // The kernel's numbers have 32 bits, and some systems extend their sign.
    let kind = u32::try_from(i64::from(about.f_type) & 0xffff_ffff).ok()?;
    share_of(kind)
}

/// By the number of its file system (`linux/magic.h` and the file systems' own headers).
fn share_of(kind: u32) -> Option<&'static str> {
    Some(match kind {
        0x6969 => "NFS",
        0x517b | 0xfe53_4d42 | 0xff53_4d42 => "SMB (a Windows share)",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x00c3_6400 => "Ceph",
        0x0bd0_0bd0 => "Lustre",
        0x564c => "NCP",
        0x7375_7245 => "Coda",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_shares_are_told_from_disks() {
        // ext4, xfs, btrfs, tmpfs, overlay, zfs; FUSE and 9p may be either.
        for disk in [
            0xef53,
            0x5846_5342,
            0x9123_683e,
            0x0102_1994,
            0x794c_7630,
            0x2fc1_2fc1,
            0x6573_5546,
            0x0102_1997,
        ] {
            assert_eq!(share_of(disk), None, "{disk:x}");
        }
        assert_eq!(share_of(0x6969), Some("NFS"));
        assert_eq!(share_of(0xff53_4d42), Some("SMB (a Windows share)"));
        let here = tempfile::tempdir().unwrap();
        assert_eq!(network_share(here.path()), None);
    }

    #[test]
    fn a_user_is_named_where_the_system_knows_a_name() {
        assert_eq!(named(0), "root (uid 0)");
        assert_eq!(named(4_000_000_000), "uid 4000000000");
        let below = Path::new("/no/such/file/anywhere");
        assert_eq!(owner(below), owner(Path::new("/")));
    }
}
