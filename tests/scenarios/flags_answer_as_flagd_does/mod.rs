//! The same definitions and the same contexts, asked of Ostler's engine and of flagd's own in-process provider.
//!
//! Variants and values must agree exactly, shares included: a user keeps their variant whichever of the two serves them.

mod table;

use std::fs;
use std::process::Command;

use harness::servers;
use ostler_release::flags::{Attributes, Document, FlagSet};
use serde_json::{Value, json};

/// An answer: flag, place of the context, variant, value, reason, whether there was an error.
type Answer = (String, usize, Option<String>, Value, String, bool);

/// What flagd's provider says.
fn of_flagd(file: &Value, contexts: &[Value]) -> Vec<Answer> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, json: &Value| {
        let path = folder.path().join(name);
        fs::write(&path, json.to_string()).unwrap();
        path
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/flags_answer_as_flagd_does/flagd.py");
    let run = Command::new(servers().join("venv/bin/python"))
        .arg(script)
        .arg(write("flags.json", file))
        .arg(write("contexts.json", &json!(contexts)))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let rows: Vec<Row> = serde_json::from_slice(&run.stdout).unwrap();
    let answer = |(flag, place, variant, value, reason, error)| {
        let (error, value) = (Option::<String>::is_some(&error), plain(value));
        // flagd's provider lets an error have the reason it likes.
        (flag, place, variant, value, if error { "ERROR".to_owned() } else { reason }, error)
    };
    rows.into_iter().map(answer).collect()
}

/// Flag, place of the context, variant, value, reason and error, as the script prints them.
type Row = (String, usize, Option<String>, Value, String, Option<String>);

/// What Ostler says; a default that the code would pass is the one that the script passes.
fn of_ostler(file: &Value, contexts: &[Value]) -> Vec<Answer> {
    let document = Document::read("flags.json".as_ref(), file.to_string().as_bytes()).unwrap();
    let set = FlagSet::new(document.flags);
    let mut answers = Vec::new();
    for (key, flag) in file["flags"].as_object().unwrap() {
        let default = match flag["variants"].as_object().unwrap().values().next().unwrap() {
            Value::Bool(_) => json!(false),
            Value::Number(_) => json!(-1.0),
            Value::String(_) => json!("code default"),
            _ => json!({}),
        };
        for (place, context) in contexts.iter().enumerate() {
            let said = set.resolve(key, &Attributes::from_json(context.clone()).unwrap());
            let value = said.value.map_or_else(|| default.clone(), |value| (*value).clone());
            let variant = said.variant.map(|variant| variant.to_string());
            let reason = said.reason.as_str().to_owned();
            answers.push((key.clone(), place, variant, plain(value), reason, said.error.is_some()));
        }
    }
    answers
}

/// Whole numbers are the same whether written as integers or not.
fn plain(value: Value) -> Value {
    match value.as_f64() {
        Some(number) => json!(number),
        None => value,
    }
}

fn compare(file: &Value, contexts: &[Value]) {
    let (theirs, ours) = (of_flagd(file, contexts), of_ostler(file, contexts));
    assert_eq!(theirs.len(), ours.len());
    let differences: Vec<String> = theirs
        .iter()
        .zip(&ours)
        .filter(|(theirs, ours)| theirs != ours)
        .map(|(theirs, ours)| format!("flagd  {theirs:?}\nostler {ours:?}\nof     {}", contexts[theirs.1]))
        .collect();
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        ours.len(),
        differences.join("\n\n")
    );
    println!("{} answers are the same", ours.len());
}

#[test]
fn every_rule_gives_the_variant_that_flagd_gives() {
    compare(&table::rules(), &table::contexts());
}

#[test]
fn shares_fall_on_the_same_keys_as_in_flagd() {
    compare(&table::shares(), &table::subjects());
}
