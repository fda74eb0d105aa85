//! `host/README.md` is the map: what it names exists, and its order of policies is the one in force. Links in all other
//! documents lead somewhere too, down to the heading.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Texts between backticks, outside of fenced blocks.
fn quoted(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// Whether a quoted text is meant as a path of this repository.
fn is_path(text: &str) -> bool {
    let sane = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    text.chars().all(sane) && !text.starts_with('/') && (text.contains('/') || text.ends_with(".rs"))
}

#[test]
fn everything_the_map_names_exists() {
    let paths: Vec<_> = quoted(&read("host/README.md")).into_iter().filter(|text| is_path(text)).collect();
    assert!(paths.len() > 60, "{paths:?}");
    let missing: Vec<_> = paths.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "host/README.md names what is not there: {missing:?}");
}

#[test]
fn every_room_has_its_paragraph() {
    let map = read("host/README.md");
    for entry in fs::read_dir(root().join("host")).unwrap() {
        let entry = entry.unwrap();
        let room = format!("### `host/{}`", entry.file_name().to_string_lossy());
        let is_room = entry.path().join("Cargo.toml").is_file();
        assert!(!is_room || map.contains(&room), "host/README.md has no paragraph {room}");
    }
}

/// The numbered list in `text`, whose lines begin with `prefix`: each item as one line, without emphasis.
fn list(text: &str, prefix: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix(prefix)) {
        let number = items.len() + 1;
        if let Some(item) = line.strip_prefix(&format!("{number}. ")) {
            items.push(item.replace("**", ""));
        } else if let (Some(rest), Some(last)) = (line.strip_prefix("   "), items.last_mut()) {
            last.push(' ');
            last.push_str(rest.trim());
        }
    }
    items
}

#[test]
fn the_map_tells_the_order_of_the_policies_as_the_code_does() {
    let code = list(&read("host/policy/src/order.rs"), "//! ");
    assert!(code.len() >= 5, "{code:?}");
    assert_eq!(list(&read("host/README.md"), ""), code);
}

/// All Markdown files, but not those of build output, of other people or of templates with places to fill in.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && !["target", "templates", "deps"].contains(&&*name) {
            documents(&path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// The anchor of a heading, as GitHub makes it: in small letters, with `-` for each space and no other signs.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    heading.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The anchors of a document's headings, outside of fenced blocks.
fn anchors(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if let (false, true, Some((_, heading))) =
            (fenced, line.starts_with('#'), line.split_once("# "))
        {
            found.push(anchor(heading));
        }
    }
    found
}

/// Whether `link`, written in `document` whose text is `text`, leads to a file and to a heading that are there.
fn leads_somewhere(document: &Path, text: &str, link: &str) -> bool {
    let (target, heading) = link.split_once('#').unwrap_or((link, ""));
    let there = document.with_file_name(target);
    let has = |text: &str| heading.is_empty() || anchors(text).iter().any(|anchor| anchor == heading);
    match target {
        "" => has(text),
        target if target.contains(':') => true,
        target if target.ends_with(".md") => fs::read_to_string(there).is_ok_and(|text| has(&text)),
        _ => there.exists(),
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut found = Vec::new();
    documents(&root(), &mut found);
    assert!(found.len() > 8, "{found:?}");
    let mut broken = Vec::new();
    for document in &found {
        let text = fs::read_to_string(document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !leads_somewhere(document, &text, link) {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_link_to_a_heading_that_is_gone_leads_nowhere() {
    let text = "# A `when`: so?\n## Two words\n```sh\n# no heading\n```\n";
    let document = root().join("docs/none.md");
    for (link, there) in [
        ("#a-when-so", true),
        ("#two-words", true),
        ("#no-heading", false),
        ("flags.md#switches", true),
        ("flags.md#gone", false),
        ("gone.md", false),
        ("https://flagd.dev/#x", true),
    ] {
        assert_eq!(leads_somewhere(&document, text, link), there, "{link}");
    }
}
