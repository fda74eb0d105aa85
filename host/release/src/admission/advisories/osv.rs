//! One file in OSV format: an advisory, or a list of them.

use serde::Deserialize;
use serde_json::Value;

use super::range::{Affected, Event, Range};
use super::{Advisories, Advisory};
use crate::admission::contents::Ecosystem;
use crate::admission::told;

/// Characters of a summary, an id or a severity that are kept.
const TEXT_MAX: usize = 300;

#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Many(Vec<Entry>),
    One(Box<Entry>),
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    withdrawn: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    severity: Vec<Severity>,
    #[serde(default)]
    affected: Vec<About>,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Deserialize)]
struct Severity {
    score: String,
}

#[derive(Deserialize)]
struct About {
    #[serde(default)]
    package: Option<Name>,
    #[serde(default)]
    ranges: Vec<Between>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    severity: Vec<Severity>,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Deserialize)]
struct Name {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct Between {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<Event>,
}

/// Adds what `text` says to `advisories`.
pub(super) fn read(text: &[u8], advisories: &mut Advisories) -> Result<(), String> {
    // An enum of both would say of a broken advisory only that it is neither.
    let many = text.trim_ascii_start().starts_with(b"[");
    let file = match many {
        true => serde_json::from_slice(text).map(File::Many),
        false => serde_json::from_slice(text).map(File::One),
    };
    match file.map_err(|error| error.to_string())? {
        File::Many(entries) => entries.into_iter().for_each(|entry| add(entry, advisories)),
        File::One(entry) => add(*entry, advisories),
    }
    Ok(())
}

fn add(entry: Entry, advisories: &mut Advisories) {
    if entry.withdrawn.is_some() {
        return;
    }
    advisories.count += 1;
    let word = |value: &Value| value["severity"].as_str().map(short);
    let score = |list: &[Severity]| list.first().map(|severity| short(&severity.score));
    for about in entry.affected {
        let Some(name) = about.package else { continue };
        let Some(ecosystem) = Ecosystem::of_osv(&name.ecosystem) else { continue };
        let severity = word(&entry.database_specific).or_else(|| score(&entry.severity));
        let severity = severity.or_else(|| score(&about.severity)).unwrap_or_default();
        let ranges = about.ranges.into_iter().filter(|range| range.kind != "GIT");
        let advisory = Advisory {
            id: short(&entry.id),
            aliases: entry.aliases.iter().map(|alias| short(alias)).collect(),
            severity,
            summary: entry.summary.as_deref().map(short).unwrap_or_default(),
            // RustSec's word for what is no vulnerability: unmaintained, unsound, notice.
            informational: about.database_specific["informational"].is_string(),
            affected: Affected::new(
                ecosystem,
                ranges.map(|range| Range::new(ecosystem, &range.events)).collect(),
                about.versions,
            ),
        };
        let key = (ecosystem, ecosystem.normal(&name.name));
        advisories.by_package.entry(key).or_default().push(advisory);
    }
}

fn short(text: &str) -> String {
    told(text, TEXT_MAX)
}
