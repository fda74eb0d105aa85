//! `docs/limits.md` says what the code does: every kind of error with its facts, every constant with its value.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;

use ostler_core::Kind;
use ostler_core::unit::{parse_duration, parse_size};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Cells of the table rows under the heading `## heading`, without the table's head.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = read("docs/limits.md");
    let part = text.split("\n## ").find(|part| part.starts_with(heading)).unwrap();
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    part.lines().filter(|line| line.starts_with("| ")).skip(1).map(cells).collect()
}

#[test]
fn every_kind_is_listed_with_its_facts_in_its_order() {
    let yes = |yes| if yes { "yes" } else { "no" };
    let expected = Kind::ALL.map(|kind| {
        let facts = kind.facts();
        let status = facts.status.as_u16().to_string();
        [&format!("`{}`", facts.code), &status, facts.title, yes(facts.retryable), yes(facts.alarming)]
            .map(str::to_owned)
            .to_vec()
    });
    let listed: Vec<_> = rows("What a client sees").iter().map(|row| row[..5].to_vec()).collect();
    assert_eq!(listed, expected);
}

/// What a constant of the code comes to: `64 << 10`, `4_096`, `Duration::from_millis(150)`.
fn value(expression: &str) -> Option<u128> {
    let expression = expression.trim();
    let whole = |text: &str| text.trim().replace('_', "").parse::<u128>().ok();
    if let Some((unit, rest)) =
        expression.strip_prefix("Duration::from_").and_then(|rest| rest.split_once('('))
    {
        let factor = match unit {
            "secs" => 1_000,
            "millis" => 1,
            _ => return None,
        };
        return Some(whole(rest.strip_suffix(')')?)? * factor);
    }
    match expression.split_once("<<") {
        Some((value, shift)) => Some(whole(value)? << whole(shift)?),
        None => whole(expression),
    }
}

/// What the document says: a number, a size in bytes, or a duration in milliseconds.
fn told(text: &str) -> Option<u128> {
    text.parse()
        .ok()
        .or_else(|| parse_size(text).map(u128::from))
        .or_else(|| parse_duration(text).map(|duration| duration.as_millis()))
}

#[test]
fn every_constant_has_the_value_that_is_told() {
    let rows = rows("What is fixed");
    assert!(rows.len() > 25);
    for row in rows {
        let place: Vec<_> = row[3].split('`').collect();
        let (file, name) = (place[1], place[3]);
        let source = read(file);
        let line = source.lines().find(|line| line.contains(&format!("const {name}: ")));
        let line = line.unwrap_or_else(|| panic!("{file} has no constant {name}"));
        let expression = line.split_once(" = ").and_then(|(_, rest)| rest.strip_suffix(';')).unwrap();
        assert!(value(expression).is_some(), "{line}");
        assert_eq!(value(expression), told(&row[1]), "{}: {line}", row[0]);
    }
}
