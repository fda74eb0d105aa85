//! Where the host and the guests are.

use std::path::{Path, PathBuf};

/// The host's binary.
pub fn ostler() -> PathBuf {
    let built = variable("OSTLER_BIN").unwrap_or_else(|| beside_tests().join("ostler"));
    assert!(built.is_file(), "{} is not there: run `cargo xtask test`, which builds it", built.display());
    built
}

/// The component `name` of `tests/guests/`.
pub fn guest(name: &str) -> PathBuf {
    let folder = variable("OSTLER_GUESTS").unwrap_or_else(|| beside_tests().join("../guests-out"));
    let file = folder.join(format!("{name}.wasm"));
    assert!(file.is_file(), "{} is not there: run `cargo xtask guests`, which builds it", file.display());
    file.canonicalize().unwrap()
}

/// The folder with `node_modules` and `venv` that `cargo xtask test` brings from npm and PyPI.
pub fn servers() -> PathBuf {
    let folder = variable("OSTLER_SERVERS").unwrap_or_else(|| beside_tests().join("../servers"));
    assert!(folder.join("brought").is_file(), "{} is not there: run `cargo xtask test`", folder.display());
    folder.canonicalize().unwrap()
}

/// The folder of the build's binaries: tests run from `deps/` in it.
fn beside_tests() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().to_owned()
}

#[allow(clippy::disallowed_methods, reason = "tests are told by the environment where things are")]
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var(name).ok().map(PathBuf::from)
}
