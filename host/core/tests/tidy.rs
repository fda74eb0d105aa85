//! Every file of the host says at its head what it is for, and none grows past what one reads in a sitting.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// Lines a file may have.
const LINES_MAX: usize = 400;

/// Longer files, each with its reason.
const LONGER: [(&str, &str); 0] = [];

/// Folders whose files are held to this.
const FOLDERS: [&str; 4] = ["host", "xtask", "tests/harness", "tests/scenarios"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "target" && name != "templates" {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn each(mut visit: impl FnMut(String, String)) {
    let mut found = Vec::new();
    FOLDERS.iter().for_each(|folder| sources(&root().join(folder), &mut found));
    assert!(found.len() > 150, "{}", found.len());
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        visit(path.strip_prefix(root()).unwrap_or(&path).display().to_string(), text);
    }
}

#[test]
fn every_file_says_at_its_head_what_it_is_for() {
    let mut silent = Vec::new();
    each(|path, text| {
        if !text.starts_with("//! ") {
            silent.push(path);
        }
    });
    assert!(silent.is_empty(), "these begin with no `//!` line: {silent:?}");
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut long = Vec::new();
    each(|path, text| {
        let lines = text.lines().count();
        if lines > LINES_MAX && !LONGER.iter().any(|(exempt, _)| *exempt == path) {
            long.push(format!("{path}: {lines}"));
        }
    });
    assert!(long.is_empty(), "more than {LINES_MAX} lines; split them, or list them with a reason: {long:?}");
}

#[test]
fn who_is_listed_as_longer_is_longer_and_has_a_reason() {
    for (path, reason) in LONGER {
        let text = fs::read_to_string(root().join(path)).unwrap();
        assert!(text.lines().count() > LINES_MAX && reason.len() > 20, "{path} needs no exemption");
    }
}
