//! The commands as a shell sees them: exit codes, what goes to which stream, no colour in a pipe.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn ostler(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ostler")).current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn folder(toml: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ostler.toml"), toml).unwrap();
    let component = r#"(component
        (import "ostler:plugin/kv@0.1.0" (instance))
        (instance $i) (export "ostler:plugin/http-handler@0.1.0" (instance $i)))"#;
    fs::write(folder.path().join("hello.wasm"), wat::parse_str(component).unwrap()).unwrap();
    folder
}

#[test]
fn check_tells_problems_on_standard_output_and_fails_only_for_errors() {
    let good = folder("");
    let done = ostler(good.path(), &["check"]);
    assert_eq!(
        (done.status.code(), text(&done.stdout).as_str()),
        (Some(0), "ostler.toml: no problems; 0 plugins, 0 routes\n")
    );
    let warned = folder("[plugins.a]");
    let done = ostler(warned.path(), &["check"]);
    assert_eq!(
        (done.status.code(), text(&done.stdout).ends_with("ostler.toml: 1 warning; 1 plugin, 0 routes\n")),
        (Some(0), true)
    );
    let bad = folder("[plugins.a]\nmemory = 3\n[sever]");
    let done = ostler(bad.path(), &["check"]);
    let told = text(&done.stdout);
    assert_eq!((done.status.code(), told.lines().count()), (Some(1), 4), "{told}");
    assert!(told.ends_with("ostler.toml: 2 errors, 1 warning\n") && done.stderr.is_empty(), "{told}");
}

#[test]
fn json_is_all_there_is_on_standard_output() {
    let folder = folder("[sever]");
    let check: serde_json::Value =
        serde_json::from_slice(&ostler(folder.path(), &["check", "--json"]).stdout).unwrap();
    assert_eq!((&check["ok"], &check["problems"][0]["line"]), (&false.into(), &1.into()));
    let done = ostler(folder.path(), &["inspect", "hello.wasm", "--json"]);
    let inspect: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&inspect["handler"], &inspect["needs"][0]),
        (&"ostler:plugin/http-handler@0.1".into(), &"kv".into())
    );
    let done = ostler(folder.path(), &["inspect", "ostler.toml", "--json"]);
    let failed: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(failed["error"].as_str().unwrap().contains("no WebAssembly file"), "{failed}");
    assert_eq!((done.status.code(), done.stderr.is_empty()), (Some(1), true));
}

#[test]
fn failures_go_to_standard_error_without_colour() {
    let folder = folder("");
    for arguments in [
        &["inspect", "none.wasm"][..],
        &["deploy", "hello", "hello.wasm"],
        &["deploy", "Hello", "hello.wasm"],
        &["releases", "hello", "--admin", "nonsense"],
        &["build", "."],
        &["serve", "-c", "none.toml"],
    ] {
        let done = ostler(folder.path(), arguments);
        let told = text(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(
            told.contains("error: ") && !told.contains('\u{1b}') && done.stdout.is_empty(),
            "{arguments:?}: {told}"
        );
    }
}

#[test]
fn called_wrongly_is_exit_code_2_and_help_is_0() {
    let folder = folder("");
    for (arguments, code) in [
        (&["chek"][..], 2),
        (&["rollback", "a", "--to", "x"], 2),
        (&[], 2),
        (&["--help"], 0),
        (&["dev", "-h"], 0),
    ] {
        assert_eq!(ostler(folder.path(), arguments).status.code(), Some(code), "{arguments:?}");
    }
}
