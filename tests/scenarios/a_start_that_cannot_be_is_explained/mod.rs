//! A host that cannot start says why and how to mend it, and exits with 1; the first start makes its token.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use harness::{Setup, ostler};

fn serve(folder: &Path, text: &str) -> Output {
    std::fs::write(folder.join("second.toml"), text).unwrap();
    Command::new(ostler()).arg("serve").arg("-c").arg(folder.join("second.toml")).output().unwrap()
}

/// Asserts that a start ends with 1 and tells all of `told`.
fn refused(output: &Output, told: &[&str]) {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{text}");
    for wanted in told {
        assert!(text.contains(wanted), "{wanted:?} is not told in {text}");
    }
}

#[test]
fn the_first_start_makes_a_token_for_its_owner_alone_and_later_ones_keep_it() {
    let host = Setup::new().plugin("p", "hello-typed", "").route("/", "p").start();
    let file = host.folder.join("admin.token");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(host.folder.join("state")).unwrap().permissions().mode() & 0o777, 0o700);
    let token = std::fs::read_to_string(&file).unwrap();
    let host = host.kill_and_restart();
    assert_eq!(std::fs::read_to_string(host.folder.join("admin.token")).unwrap(), token);
}

#[test]
fn a_port_or_a_state_folder_that_another_host_has_is_told() {
    let host = Setup::new().plugin("p", "hello-typed", "").route("/", "p").start();
    let taken = host.address.to_string();
    let text = format!(
        "[server]\nlisten = [\"http://{taken}\"]\n[admin]\nlisten = \"127.0.0.1:0\"\n[state]\ndir = \"other\""
    );
    refused(
        &serve(&host.folder, &text),
        &[&taken, "stop the program that holds this port, or choose another port"],
    );
    let text = "[server]\nlisten = [\"http://127.0.0.1:0\"]\n[admin]\nlisten = \"127.0.0.1:0\"\n[state]\ndir = \"state\"";
    refused(&serve(&host.folder, text), &["belongs to a running host", "a state folder of its own"]);
}

#[test]
fn an_admin_address_that_others_reach_needs_tls() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[server]\nlisten = [\"http://127.0.0.1:0\"]\n[admin]\nlisten = \"0.0.0.0:0\"";
    refused(&serve(folder.path(), text), &["admin.listen", "0.0.0.0:0 without tls", "add tls ="]);
}

#[test]
fn all_problems_of_a_file_are_told_together() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[server]\nlsten = []\n[plugins.p]\npath = \"none.wasm\"\nmemory = \"1\"\n[[routes]]\npath = \"/\"\nplugin = \"q\"";
    let told =
        ["second.toml:2", "listen", "second.toml:4", "none.wasm", "second.toml:5", "second.toml:8", "\"q\""];
    refused(&serve(folder.path(), text), &told);
}
