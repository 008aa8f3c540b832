//! The one place where bytes become machine code.

use wasmtime::Engine;
use wasmtime::component::Component;

/// An artifact that this host compiled: its bytes matched the digest that was kept
/// beside them in a folder only the host can write. Made by [`crate::cache`] alone.
#[derive(Debug)]
pub(crate) struct Trusted(pub(super) Vec<u8>);

/// Make a component of an artifact. Fails where it was compiled for another engine.
#[allow(
    unsafe_code,
    reason = "wasmtime offers no safe way to load compiled code"
)]
pub(crate) fn load(engine: &Engine, artifact: &Trusted) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` runs what it is given as machine code, so the bytes must
    // come from `Engine::precompile_component`. They do: a `Trusted` is made only of
    // a file in the cache folder whose digest, kept beside it, matches; the folder is
    // checked to belong to this user with no access for others; and what was hashed
    // is what is loaded, from memory, not read again from disk. The artifact's own
    // header, checked by `deserialize`, rejects other versions and configurations.
    unsafe { Component::deserialize(engine, &artifact.0) }
}
