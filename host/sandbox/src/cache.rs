//! Compiled plugins on disk, by the plugin's hash and the engine's version and
//! configuration, in a folder that only the host can write: what lies there is run.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::Engine;

use crate::artifact::Trusted;
use crate::{PluginHash, SandboxError};

/// The folder.
#[derive(Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
    engine: String,
}

/// Feeds what `Hash` says of the engine's configuration into SHA-256.
struct Fingerprint(Sha256);

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

impl Cache {
    /// Open the folder, made if it is not there.
    ///
    /// # Errors
    /// [`SandboxError::Folder`] where it cannot be made, or others could write to it.
    pub(crate) fn open(dir: &Path, engine: &Engine) -> Result<Self, SandboxError> {
        private_folder(dir)?;
        let mut fingerprint = Fingerprint(Sha256::new());
        engine
            .precompile_compatibility_hash()
            .hash(&mut fingerprint);
        let digest = fingerprint.0.finalize();
        Ok(Self {
            dir: dir.to_owned(),
            engine: hex::encode(&digest[..8]),
        })
    }

    fn path(&self, plugin: &PluginHash) -> PathBuf {
        self.dir.join(format!("{plugin}-{}.cwasm", self.engine))
    }

    /// A compiled plugin, if it is there and undamaged.
    pub(crate) fn get(&self, plugin: &PluginHash) -> Option<Trusted> {
        let path = self.path(plugin);
        let bytes = fs::read(&path).ok()?;
        let kept = fs::read_to_string(path.with_extension("sha256")).ok()?;
        let intact = kept.trim() == hex::encode(Sha256::digest(&bytes));
        if !intact {
            tracing::warn!(path = %path.display(), "a compiled plugin is damaged and made anew");
        }
        intact.then_some(Trusted(bytes))
    }

    /// Keep what was compiled.
    pub(crate) fn put(&self, plugin: &PluginHash, artifact: Vec<u8>) -> io::Result<Trusted> {
        let path = self.path(plugin);
        let digest = hex::encode(Sha256::digest(&artifact));
        // What a former engine was given is of no use to this one.
        self.remove(plugin, |rest| !rest.starts_with(&self.engine))?;
        // Each is replaced whole; a crash between the two is found by the digest.
        self.replace(&path, &artifact)?;
        self.replace(&path.with_extension("sha256"), digest.as_bytes())?;
        Ok(Trusted(artifact))
    }

    /// Remove what was compiled of a plugin, for this engine and for former ones.
    ///
    /// # Errors
    /// A folder or file that cannot be changed.
    pub(crate) fn evict(&self, plugin: &PluginHash) -> io::Result<()> {
        self.remove(plugin, |_| true)
    }

    fn remove(&self, plugin: &PluginHash, which: impl Fn(&str) -> bool) -> io::Result<()> {
        let of_plugin = format!("{plugin}-");
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let engine = name.to_str().and_then(|name| name.strip_prefix(&of_plugin));
            if engine.is_some_and(&which) {
                match fs::remove_file(entry.path()) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        use std::io::Write as _;
        let mut file = self.scratch()?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// A nameless-to-others file in the folder, removed when dropped.
    pub(crate) fn scratch(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::Builder::new()
            .prefix(".compiling-")
            .tempfile_in(&self.dir)
    }
}

/// Make a folder for this user alone, or check that it is one.
pub(crate) fn private_folder(dir: &Path) -> Result<(), SandboxError> {
    let error = |problem: String| SandboxError::Folder {
        path: dir.display().to_string(),
        problem,
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|e| error(e.to_string()))?;
        let found = fs::symlink_metadata(dir).map_err(|e| error(e.to_string()))?;
        if !found.is_dir() {
            return Err(error("it is not a folder (or a link to one)".to_owned()));
        }
        if found.mode() & 0o022 != 0 {
            let mode = found.mode() & 0o777;
            return Err(error(format!(
                "others could write to it (mode {mode:o}); run `chmod 700` on it"
            )));
        }
        let me = rustix::process::geteuid().as_raw();
        if found.uid() != me {
            return Err(error(format!(
                "it belongs to user {}, not to {me}",
                found.uid()
            )));
        }
    }
    #[cfg(not(unix))]
    fs::create_dir_all(dir).map_err(|e| error(e.to_string()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let dir = tempfile::tempdir().unwrap();
        let engine = crate::engine::compiling(&crate::Limits::default()).unwrap();
        let cache = Cache::open(&dir.path().join("cache"), &engine).unwrap();
        (dir, cache)
    }

    #[test]
    fn a_damaged_artifact_is_not_loaded() {
        let (_dir, cache) = cache();
        let plugin = PluginHash::of(b"plugin");
        cache.put(&plugin, b"code".to_vec()).unwrap();
        assert_eq!(cache.get(&plugin).unwrap().0, b"code");
        fs::write(cache.path(&plugin), b"evil").unwrap();
        assert!(cache.get(&plugin).is_none());
    }

    #[test]
    fn what_was_compiled_goes_with_its_plugin_and_with_its_engine() {
        let (_dir, cache) = cache();
        let (plugin, other) = (PluginHash::of(b"plugin"), PluginHash::of(b"other"));
        cache.put(&other, b"code".to_vec()).unwrap();
        let former = cache.dir.join(format!("{plugin}-0123456789abcdef.cwasm"));
        fs::write(&former, b"old").unwrap();
        cache.put(&plugin, b"code".to_vec()).unwrap();
        assert!(!former.exists());
        cache.evict(&plugin).unwrap();
        assert!(cache.get(&plugin).is_none());
        assert_eq!(cache.get(&other).unwrap().0, b"code");
        assert_eq!(fs::read_dir(&cache.dir).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_could_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o770)).unwrap();
        let error = private_folder(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("others could write to it (mode 770)"),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_made_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (dir, _cache) = cache();
        let mode = fs::metadata(dir.path().join("cache"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
