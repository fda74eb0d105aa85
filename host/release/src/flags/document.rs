//! A file of flags in flagd's format: `flags`, `$evaluators`, `metadata`.
//!
//! **Invariant:** a document is taken whole or refused whole.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::definition::{Flag, Place};
use super::fields::read_metadata;
use super::problem::{Problems, Refused, join, show};
use super::resolution::no_metadata;
use super::set::Source;
use super::targeting::{Evaluators, Reading};
use super::{DEFINITION_MAX, FILE_MAX, FILE_NODES_MAX, FLAGS_MAX, METADATA_MAX};

const KEYS: [&str; 5] = ["flags", "$evaluators", "metadata", "$schema", "$comment"];

/// A file that was read.
#[derive(Debug)]
pub struct Document {
    /// Its flags, in the order of their keys.
    pub flags: Vec<Arc<Flag>>,
}

impl Document {
    /// Reads the bytes of `file`.
    ///
    /// # Errors
    /// Every problem with its path; at most 20 are told.
    pub fn read(file: &Path, bytes: &[u8]) -> Result<Self, Refused> {
        let repair = "correct it; docs/flags.md shows a file";
        if bytes.len() as u64 > FILE_MAX {
            let found = format!("{} bytes", bytes.len());
            return Err(Refused::one(
                "the file",
                found,
                format!("at most {FILE_MAX} bytes"),
                "split the file",
            ));
        }
        let json: Value = serde_json::from_slice(bytes)
            .map_err(|error| Refused::one("the file", error.to_string(), "JSON", repair))?;
        let Value::Object(entries) = json else {
            return Err(Refused::one("the file", show(&json), "an object with flags", repair));
        };
        let mut problems = Problems::default();
        let read = read(file, entries, &mut problems);
        read.filter(|_| problems.is_empty()).ok_or_else(|| problems.refused())
    }
}

fn read(file: &Path, mut entries: Map<String, Value>, problems: &mut Problems) -> Option<Document> {
    for unknown in entries.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        problems.unknown_key("", unknown, &KEYS[..3]);
    }
    let evaluators = match entries.remove("$evaluators") {
        None | Some(Value::Null) => Evaluators::default(),
        Some(Value::Object(evaluators)) => evaluators,
        Some(other) => {
            problems.add("$evaluators", show(&other), "an object of rules by name", "name each rule");
            return None;
        }
    };
    let metadata = read_metadata(entries.get("metadata"), "", &no_metadata(), problems)?;
    let size = metadata.to_string().len();
    if size > METADATA_MAX {
        let allowed = format!("at most {METADATA_MAX} bytes, which each flag has");
        problems.add("metadata", format!("{size} bytes"), allowed, "shorten it");
        return None;
    }
    let flags = by_key(entries.remove("flags"), problems)?;
    if flags.len() > FLAGS_MAX {
        problems.add(
            "flags",
            flags.len().to_string(),
            format!("at most {FLAGS_MAX} flags"),
            "remove old flags",
        );
        return None;
    }
    let flags = read_flags(file, flags, &Arc::new(evaluators), &metadata, problems);
    Some(Document { flags })
}

fn read_flags(
    file: &Path,
    flags: Vec<(String, Value)>,
    evaluators: &Arc<Evaluators>,
    metadata: &Arc<Value>,
    problems: &mut Problems,
) -> Vec<Arc<Flag>> {
    let mut reading = Reading::new(evaluators, FILE_NODES_MAX);
    let (file, around): (Arc<Path>, _) = (file.into(), around(evaluators, metadata));
    let mut read = Vec::with_capacity(flags.len());
    for (key, json) in flags {
        let path = join("flags", &key);
        let source = Source::File(file.clone());
        let place = Place { path: &path, source, metadata, around: &around, most: DEFINITION_MAX };
        read.extend(Flag::from_json(&key, &json, place, &mut reading, problems).map(Arc::new));
    }
    read
}

/// What changes the meaning of all flags of a document.
fn around(evaluators: &Evaluators, metadata: &Value) -> Vec<u8> {
    let mut around = metadata.to_string();
    for (name, rule) in evaluators {
        around.push_str(name);
        around.push_str(&rule.to_string());
    }
    use sha2::{Digest, Sha256};
    Sha256::digest(around).to_vec()
}

/// `flags` as an object by key, or as a list of flags that each say their `key`.
fn by_key(found: Option<Value>, problems: &mut Problems) -> Option<Vec<(String, Value)>> {
    match found {
        Some(Value::Object(flags)) => Some(flags.into_iter().collect()),
        Some(Value::Array(flags)) => listed(flags, problems),
        other => {
            let found = other.as_ref().map_or("nothing".to_owned(), show);
            problems.add(
                "flags",
                found,
                "an object of flags by key, or a list of flags",
                "write {\"flags\": {}}",
            );
            None
        }
    }
}

fn listed(flags: Vec<Value>, problems: &mut Problems) -> Option<Vec<(String, Value)>> {
    let (mut known, mut read) = (BTreeSet::new(), Vec::with_capacity(flags.len()));
    for (index, mut flag) in flags.into_iter().enumerate() {
        let key = flag.as_object_mut().and_then(|entries| entries.remove("key"));
        let Some(Value::String(key)) = key else {
            problems.add(format!("flags[{index}].key"), "no text", "the flag's key", "add \"key\"");
            return None;
        };
        if !known.insert(key.clone()) {
            problems.add(
                format!("flags[{index}].key"),
                super::problem::quote(&key),
                "each key once",
                "remove one",
            );
        }
        read.push((key, flag));
    }
    Some(read)
}
