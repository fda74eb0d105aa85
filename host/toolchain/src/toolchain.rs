//! The compiler that makes guests of Rust: rustup's with a Wasm target, or Debian's with its library source.
//!
//! Debian's is the way on machines where rustup's downloads are refused: its archive carries the library's source, which is
//! then compiled once per target folder (about half a minute).

use std::path::{Path, PathBuf};
use std::process::Command;

/// What Rust is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// `wasm32-unknown-unknown`: no WASI at all, the tightest sandbox. For typed handlers.
    Component,
    /// `wasm32-wasip2`: `std` has clocks, streams and random numbers, all through WASI.
    Wasip2,
}

impl Target {
    /// As rustc writes it.
    pub fn triple(self) -> &'static str {
        match self {
            Target::Component => "wasm32-unknown-unknown",
            Target::Wasip2 => "wasm32-wasip2",
        }
    }
}

/// Where Debian's packages put their files.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const DEBIAN_LIBC: &str = "/usr/lib/wasm32-wasi";
/// Linkers that Debian's compiler works with when rustup's is not there; newest first.
const DEBIAN_LINKERS: [&str; 5] = [
    "/usr/bin/wasm-ld",
    "/usr/bin/wasm-ld-22",
    "/usr/bin/wasm-ld-21",
    "/usr/bin/wasm-ld-20",
    "/usr/bin/wasm-ld-19",
];

/// No compiler here makes guests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Not even a compiler for this machine.
    #[error("no Rust compiler was found: install Rust from https://rustup.rs, then run `{RUSTUP_COMMAND}`")]
    Rust,
    /// A compiler, but no Wasm target.
    #[error(
        "Rust here has no WebAssembly target.\n\
         With rustup:            {RUSTUP_COMMAND}\n\
         Or on Debian, as root:  {DEBIAN_COMMAND}"
    )]
    Wasm,
}

pub(crate) const RUSTUP_COMMAND: &str = "rustup target add wasm32-wasip2 wasm32-unknown-unknown";
pub(crate) const DEBIAN_COMMAND: &str = "apt-get install rustc-web rust-web-src wasi-libc lld";

/// A way to compile Rust to Wasm that was found on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    installed: Vec<Target>,
    debian: Option<Debian>,
}

/// Debian's compiler and what it links with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Debian {
    pub(crate) rustc: PathBuf,
    pub(crate) libc: PathBuf,
    pub(crate) linker: PathBuf,
}

/// How to compile for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// The compiler on the path has the target.
    Installed(Target),
    /// Debian's compiler builds the library first.
    Debian(Target, Debian),
}

impl Toolchain {
    /// Looks for a compiler: first for rustup's targets, then for Debian's packages.
    pub fn find() -> Result<Toolchain, Missing> {
        let sysroot = sysroot().ok_or(Missing::Rust)?;
        let installed =
            [Target::Component, Target::Wasip2].into_iter().filter(|t| has_target(&sysroot, *t)).collect();
        let found = Toolchain { installed, debian: Debian::find(&sysroot) };
        match found.installed.is_empty() && found.debian.is_none() {
            true => Err(Missing::Wasm),
            false => Ok(found),
        }
    }

    /// Which one builds guests, and why, for people.
    pub fn describe(&self) -> String {
        match (self.installed.as_slice(), &self.debian) {
            ([], _) => {
                "Debian's rustc with its library source, since rustup has no WebAssembly target installed"
                    .into()
            }
            (targets, _) => {
                let triples: Vec<_> = targets.iter().map(|target| target.triple()).collect();
                format!("the installed Rust, which has {}", triples.join(" and "))
            }
        }
    }

    /// The way to `wanted`. A typed handler also works with WASI, only larger, so with nothing better it gets that.
    pub(crate) fn recipe(&self, wanted: Target) -> Result<Recipe, Missing> {
        if self.installed.contains(&wanted) {
            return Ok(Recipe::Installed(wanted));
        }
        match (&self.debian, wanted) {
            (Some(debian), _) => Ok(Recipe::Debian(wanted, debian.clone())),
            (None, Target::Component) if self.installed.contains(&Target::Wasip2) => {
                Ok(Recipe::Installed(Target::Wasip2))
            }
            (None, _) => Err(Missing::Wasm),
        }
    }
}

impl Recipe {
    /// What is compiled for.
    pub(crate) fn target(&self) -> Target {
        match self {
            Recipe::Installed(target) | Recipe::Debian(target, _) => *target,
        }
    }
}

impl Debian {
    /// Its packages, if they are all there. rustup's linker is taken before Debian's: it is always new enough.
    fn find(sysroot: &Path) -> Option<Debian> {
        let (rustc, libc) = (PathBuf::from(DEBIAN_RUSTC), PathBuf::from(DEBIAN_LIBC));
        let complete =
            rustc.is_file() && Path::new(DEBIAN_SOURCE).is_file() && libc.join("crt1-reactor.o").is_file();
        let linker = rust_lld(sysroot)
            .or_else(|| DEBIAN_LINKERS.map(PathBuf::from).into_iter().find(|it| it.is_file()));
        complete.then_some(Debian { rustc, libc, linker: linker? })
    }
}

/// Folder of the compiler that cargo will use.
fn sysroot() -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| PathBuf::from(text.trim()))
}

/// Whether the standard library for `target` is installed.
fn has_target(sysroot: &Path, target: Target) -> bool {
    let library = sysroot.join("lib/rustlib").join(target.triple()).join("lib");
    let Ok(entries) = library.read_dir() else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

/// rustup's own linker, which lies under the machine's target.
fn rust_lld(sysroot: &Path) -> Option<PathBuf> {
    let targets = sysroot.join("lib/rustlib").read_dir().ok()?;
    targets.flatten().map(|target| target.path().join("bin/rust-lld")).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debian() -> Debian {
        Debian { rustc: "rustc".into(), libc: "libc".into(), linker: "lld".into() }
    }

    #[test]
    fn an_installed_target_comes_before_debian() {
        let both = Toolchain { installed: vec![Target::Wasip2], debian: Some(debian()) };
        assert_eq!(both.recipe(Target::Wasip2), Ok(Recipe::Installed(Target::Wasip2)));
        assert_eq!(both.recipe(Target::Component), Ok(Recipe::Debian(Target::Component, debian())));
        assert!(both.describe().contains("wasm32-wasip2"));
    }

    #[test]
    fn with_wasip2_alone_a_typed_handler_is_built_for_it() {
        let only = Toolchain { installed: vec![Target::Wasip2], debian: None };
        assert_eq!(only.recipe(Target::Component), Ok(Recipe::Installed(Target::Wasip2)));
        let other = Toolchain { installed: vec![Target::Component], debian: None };
        assert_eq!(other.recipe(Target::Wasip2), Err(Missing::Wasm));
    }

    #[test]
    fn what_is_missing_is_told_with_both_commands() {
        let text = Missing::Wasm.to_string();
        assert!(text.contains("rustup target add") && text.contains("apt-get install"), "{text}");
    }

    #[test]
    fn a_target_is_there_once_its_library_is() {
        let sysroot = tempfile::tempdir().unwrap();
        assert!(!has_target(sysroot.path(), Target::Wasip2));
        let library = sysroot.path().join("lib/rustlib/wasm32-wasip2/lib");
        std::fs::create_dir_all(&library).unwrap();
        assert!(!has_target(sysroot.path(), Target::Wasip2));
        std::fs::write(library.join("libstd-0123.rlib"), "").unwrap();
        assert!(has_target(sysroot.path(), Target::Wasip2));
    }
}
