//! The components that are measured, by the names that `cargo xtask guests` gives them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// Says hello to `/` through `ostler:plugin/http-handler`.
pub(crate) const TYPED: &str = "hello-typed.wasm";
/// Says hello through `wasi:http/incoming-handler@0.2`.
pub(crate) const WASI_02: &str = "hello-p2.wasm";
/// Says hello through `wasi:http/handler@0.3`.
pub(crate) const WASI_03: &str = "hello-p3.wasm";
/// A typed handler that does what its path says; most of it is wrong.
pub(crate) const HOSTILE: &str = "typed.wasm";

/// A typed handler of any number of releases, which asks flags.
pub(crate) const ROLLOUT: &str = "rollout.wasm";

/// The folder they are in.
#[derive(Debug, Clone)]
pub(crate) struct Guests(pub(crate) Option<PathBuf>);

impl Guests {
    /// Where the component named `name` is.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf> {
        let folder = self.0.as_ref().context("no --guests DIR given")?;
        let path = folder.join(name);
        let path = path.canonicalize();
        path.with_context(|| format!("{name} is not in {}; run: cargo xtask guests", folder.display()))
    }

    /// The bytes of the component named `name`.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path(name)?;
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// The same component under another digest: a custom section that holds `mark` is added.
pub(crate) fn distinct(component: &[u8], mark: &str) -> Vec<u8> {
    const NAME: &[u8] = b"bench";
    let mut bytes = component.to_vec();
    bytes.push(0);
    leb128(&mut bytes, 1 + NAME.len() + mark.len());
    bytes.push(NAME.len() as u8);
    bytes.extend_from_slice(NAME);
    bytes.extend_from_slice(mark.as_bytes());
    bytes
}

fn leb128(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_components_differ_and_begin_alike() {
        let component = b"\0asm\x0d\0\x01\0";
        let (one, two) = (distinct(component, "1"), distinct(component, "2"));
        assert_ne!(one, two);
        assert_eq!(one, b"\0asm\x0d\0\x01\0\0\x07\x05bench1");
        assert_eq!(distinct(component, &"x".repeat(200))[8..11], [0, 0xce, 0x01]);
    }
}
