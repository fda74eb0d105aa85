//! What `Cargo.toml` says to Ostler: `[package.metadata.ostler]`.

use std::path::Path;

use ostler_core::unit::parse_size;
use serde::Deserialize;

use crate::build::BuildError;
use crate::toolchain::Target;

/// Stack of a typed handler in bytes. A fresh instance pays for what it touches, and a deep one can ask for more.
const STACK: u64 = 64 << 10;
/// With WASI the whole of `std` may run: what the target itself has.
const STACK_WITH_WASI: u64 = 1 << 20;

/// The part of a crate's manifest that decides how it is built.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) target: Target,
    pub(crate) stack: u64,
}

#[derive(Deserialize)]
struct File {
    package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    ostler: Wishes,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Wishes {
    target: Option<String>,
    stack: Option<String>,
}

impl Manifest {
    /// Reads `Cargo.toml` of `dir`.
    pub(crate) fn read(dir: &Path) -> Result<Manifest, BuildError> {
        let path = dir.join("Cargo.toml");
        let text =
            std::fs::read_to_string(&path).map_err(BuildError::io(format!("reading {}", path.display())))?;
        Manifest::parse(&text).map_err(|problem| BuildError::Manifest { path, problem })
    }

    fn parse(text: &str) -> Result<Manifest, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let package =
            file.package.ok_or("a workspace without a package of its own: name the folder of one plugin")?;
        let wishes = package.metadata.ostler;
        let target = match wishes.target.as_deref() {
            None | Some("component") => Target::Component,
            Some("wasip2") => Target::Wasip2,
            Some(other) => {
                return Err(format!(
                    "package.metadata.ostler.target = {other:?}: write \"component\" or \"wasip2\""
                ));
            }
        };
        let default = if target == Target::Component { STACK } else { STACK_WITH_WASI };
        let stack = wishes.stack.as_deref().map_or(Ok(default), stack_size)?;
        Ok(Manifest { name: package.name, target, stack })
    }
}

/// The linker wants multiples of 16.
fn stack_size(text: &str) -> Result<u64, String> {
    let size = parse_size(text).filter(|size| (4 << 10..=64 << 20).contains(size) && size % 16 == 0);
    size.ok_or_else(|| {
        format!(
            "package.metadata.ostler.stack = {text:?}: write a size from 4KiB to 64MiB, such as \"256KiB\""
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(wishes: &str) -> Result<Manifest, String> {
        Manifest::parse(&format!("[package]\nname = \"a\"\n[package.metadata.ostler]\n{wishes}"))
    }

    #[test]
    fn a_typed_handler_is_the_default() {
        let manifest = Manifest::parse("[package]\nname = \"a\"").unwrap();
        assert_eq!(manifest, Manifest { name: "a".into(), target: Target::Component, stack: 65536 });
    }

    #[test]
    fn target_and_stack_can_be_chosen() {
        let manifest = parse("target = \"wasip2\"\nstack = \"256KiB\"").unwrap();
        assert_eq!((manifest.target, manifest.stack), (Target::Wasip2, 262_144));
        assert_eq!(parse("target = \"wasip2\"").unwrap().stack, 1 << 20);
    }

    #[test]
    fn wrong_wishes_are_told_what_is_right() {
        let cases = [
            ("target = \"wasm\"", "\"component\" or \"wasip2\""),
            ("stack = \"1B\"", "4KiB to 64MiB"),
            ("stack = \"9GiB\"", "4KiB to 64MiB"),
            ("stak = \"64KiB\"", "stak"),
        ];
        for (wishes, repair) in cases {
            let problem = parse(wishes).unwrap_err();
            assert!(problem.contains(repair), "{problem}");
        }
        assert!(Manifest::parse("[workspace]\nmembers = []").unwrap_err().contains("one plugin"));
    }
}
