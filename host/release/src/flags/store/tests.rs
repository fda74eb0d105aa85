//! Layers and changes.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::flags::{Attributes, Nobody, State};

struct Home {
    folder: tempfile::TempDir,
    clock: Clock,
}

impl Home {
    fn new() -> Self {
        Home { folder: tempfile::tempdir().unwrap(), clock: Clock::manual(1_000) }
    }

    fn file(&self, name: &str, content: Value) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, content.to_string()).unwrap();
        file
    }

    fn open(&self, files: &[PathBuf]) -> Store {
        let database = Database::open(&self.folder.path().join("state")).unwrap();
        let config = Config { files: files.to_vec(), ..Config::default() };
        Store::open(database, self.clock.clone(), &config, None).unwrap()
    }
}

fn on_off(default: &str) -> Value {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": default})
}

fn note(expected: Option<u64>) -> Note {
    Note { expected, who: "ada".into(), why: "test".into() }
}

fn is_on(store: &Store, key: &str) -> bool {
    store.flags().boolean(key, false, &Nobody).value
}

async fn set(store: &Store, default: &str, expected: Option<u64>) -> Result<u64, ChangeError> {
    let text = on_off(default).to_string();
    store.set("f", text.as_bytes(), note(expected)).await.map(|change| change.version)
}

#[tokio::test]
async fn the_api_stands_before_files_and_later_files_before_earlier_ones() {
    let home = Home::new();
    let first = home.file("a.json", json!({"flags": {"f": on_off("off"), "g": on_off("on")}}));
    let second = home.file("b.json", json!({"flags": {"f": on_off("on")}}));
    let store = home.open(&[first, second.clone()]);
    assert!(is_on(&store, "f") && is_on(&store, "g"));
    assert_eq!(*store.flags().all().get("f").unwrap().source(), Source::File(second.into()));

    set(&store, "off", Some(0)).await.unwrap();
    assert!(!is_on(&store, "f"));
    assert_eq!(*store.flags().all().get("f").unwrap().source(), Source::Api { version: 1 });

    store.remove("f", note(Some(1))).await.unwrap();
    assert!(is_on(&store, "f"));
}

#[tokio::test]
async fn a_lost_update_is_refused() {
    let home = Home::new();
    let store = home.open(&[]);
    assert_eq!(set(&store, "on", Some(0)).await.unwrap(), 1);
    assert_eq!(set(&store, "off", Some(1)).await.unwrap(), 2);
    for stale in [0, 1, 3] {
        let error = set(&store, "on", Some(stale)).await.unwrap_err();
        assert!(
            matches!(error, ChangeError::Conflict { expected, found: 2, .. } if expected == stale),
            "{error}"
        );
    }
    assert!(!is_on(&store, "f"));
    assert_eq!(set(&store, "on", None).await.unwrap(), 3);
    let both = tokio::join!(set(&store, "on", Some(3)), set(&store, "off", Some(3)));
    assert!(both.0.is_ok() != both.1.is_ok(), "one of two wins");
}

#[tokio::test]
async fn every_change_is_kept_with_who_when_and_why_and_can_be_gone_back_to() {
    let home = Home::new();
    let store = home.open(&[]);
    set(&store, "on", None).await.unwrap();
    home.clock.advance(Duration::from_secs(1));
    store.toggle("f", State::Disabled, note(None)).await.unwrap();
    store.remove("f", note(Some(2))).await.unwrap();
    let history = store.history("f").unwrap();
    assert_eq!(history.iter().map(|change| change.version).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(
        (history[0].definition.as_ref(), history[1].at, history[1].who.as_str()),
        (None, 2_000, "ada")
    );
    assert_eq!(store.flags().boolean("f", true, &Nobody).error.unwrap().as_str(), "FLAG_NOT_FOUND");

    assert_eq!(store.rollback("f", 1, note(Some(3))).await.unwrap().version, 4);
    assert!(is_on(&store, "f"));
    assert!(matches!(
        store.rollback("f", 9, note(None)).await,
        Err(ChangeError::NoSuchVersion { version: 9, .. })
    ));
    store.rollback("f", 3, note(None)).await.unwrap();
    assert!(!is_on(&store, "f"));
}

#[tokio::test]
async fn old_changes_go_and_the_version_stays() {
    let home = Home::new();
    let store = home.open(&[]);
    for _ in 0..HISTORY + 5 {
        set(&store, "on", None).await.unwrap();
    }
    let history = store.history("f").unwrap();
    assert_eq!((history.len(), history[0].version), (HISTORY, HISTORY as u64 + 5));
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let home = Home::new();
    let store = home.open(&[]);
    set(&store, "on", None).await.unwrap();
    let version = store.flags().all().version();
    drop(store);
    let store = home.open(&[]);
    assert!(is_on(&store, "f"));
    assert_eq!(store.flags().all().version(), version);
}

#[tokio::test]
async fn a_flag_of_a_file_is_switched_off_over_the_api_with_its_rules() {
    let home = Home::new();
    let mut flag = on_off("off");
    flag["targeting"] = json!({"if": [{"$ref": "ours"}, "on"]});
    let file = home
        .file("a.json", json!({"flags": {"f": flag}, "$evaluators": {"ours": {"==": [{"var": "a"}, 1]}}}));
    let store = home.open(&[file]);
    store.toggle("f", State::Disabled, note(None)).await.unwrap();
    assert_eq!(store.flags().boolean("f", true, &Nobody).reason.as_str(), "DISABLED");
    store.toggle("f", State::Enabled, note(None)).await.unwrap();
    let ours = Attributes::from_json(json!({"a": 1})).unwrap();
    assert!(store.flags().boolean("f", false, &ours).value);
    assert!(matches!(
        store.toggle("g", State::Enabled, note(None)).await,
        Err(ChangeError::NoSuchFlag { .. })
    ));
}

#[tokio::test]
async fn a_bad_change_leaves_what_is_in_force() {
    let home = Home::new();
    let file = home.file("a.json", json!({"flags": {"f": on_off("on")}}));
    let store = home.open(std::slice::from_ref(&file));
    let mut reference = on_off("on");
    reference["targeting"] = json!({"$ref": "x"});
    for bad in ["", "{", "null", "{}", "[1]", &on_off("onn").to_string(), &reference.to_string()] {
        assert!(
            matches!(store.set("f", bad.as_bytes(), note(None)).await, Err(ChangeError::Refused(_))),
            "{bad}"
        );
    }
    let long = Note { why: "x".repeat(2_000), ..note(None) };
    assert!(matches!(store.remove("f", long).await, Err(ChangeError::Invalid(_))));
    assert!(matches!(store.remove("f", note(None)).await, Err(ChangeError::NotOfTheApi { .. })));

    std::fs::write(&file, "{\"flags\": {\"f\": ").unwrap();
    assert!(store.reload_file(file.clone()).await.is_err());
    std::fs::remove_file(&file).unwrap();
    assert!(store.reload_file(file.clone()).await.is_err());
    assert!(is_on(&store, "f") && store.history("f").unwrap().is_empty());
    home.file("a.json", json!({"flags": {"f": on_off("off")}}));
    assert_eq!(store.reload_file(file.clone()).await.unwrap(), Some(1));
    assert_eq!(store.reload_file(file).await.unwrap(), None);
    assert!(!is_on(&store, "f"));
}

/// A change as another host tells of it.
fn told(key: &str, version: u64, definition: Option<&str>) -> Change {
    let definition = definition.map(str::to_owned);
    Change { key: key.into(), version, definition, at: 1_000, who: "eve".into(), why: "there".into() }
}

fn text(default: &str) -> String {
    on_off(default).to_string()
}

#[tokio::test]
async fn of_two_changes_of_one_version_the_one_that_is_told_counts() {
    let home = Home::new();
    let store = home.open(&[]);
    assert_eq!(set(&store, "on", None).await.unwrap(), 1);
    store.take(vec![told("f", 1, Some(&text("off")))]).await.unwrap();
    assert!(!is_on(&store, "f"));
    let history = store.history("f").unwrap();
    assert_eq!((history.len(), history[0].who.as_str()), (1, "eve"));
    store.take(vec![told("f", 1, Some(&text("off")))]).await.unwrap();
    assert_eq!(store.stats().heard(), 1, "the same again is no change");
}

#[tokio::test]
async fn what_was_missed_is_history_that_can_be_gone_back_to() {
    let home = Home::new();
    let store = home.open(&[]);
    store.take(vec![told("f", 3, Some(&text("off")))]).await.unwrap();
    store.take(vec![told("f", 1, None), told("f", 2, Some(&text("on")))]).await.unwrap();
    assert!(!is_on(&store, "f"), "what came before changes nothing");
    assert_eq!(store.history("f").unwrap().len(), 3);
    assert_eq!(store.rollback("f", 2, note(Some(3))).await.unwrap().version, 4);
    assert!(is_on(&store, "f"));
}

#[tokio::test]
async fn a_change_that_cannot_be_kept_is_told_to_whoever_told_of_it() {
    let home = Home::new();
    let store = home.open(&[]);
    let broken = |tx: &ostler_services::database::rusqlite::Transaction<'_>| {
        tx.execute_batch("DROP TABLE flag").map_err(ChangeError::from)
    };
    store.0.database.write(broken).await.unwrap();
    assert!(store.take(vec![told("f", 1, Some(&text("on")))]).await.is_err());
    assert_eq!((is_on(&store, "f"), store.stats().heard()), (false, 0));
}

#[tokio::test]
async fn a_definition_of_a_newer_host_leaves_the_last_one_that_is_understood() {
    let home = Home::new();
    let store = home.open(&[]);
    set(&store, "on", None).await.unwrap();
    let newer = r#"{"state": "PAUSED", "variants": {"on": true}, "defaultVariant": "on"}"#;
    store.take(vec![told("f", 2, Some(newer))]).await.unwrap();
    assert_eq!((is_on(&store, "f"), store.stats().definitions_passed_over()), (true, 1));
    assert!(matches!(set(&store, "off", Some(1)).await, Err(ChangeError::Conflict { found: 2, .. })));
    drop(store);
    let store = home.open(&[]);
    assert_eq!((is_on(&store, "f"), store.stats().definitions_passed_over()), (true, 1));
}

#[tokio::test]
async fn what_is_kept_of_removed_flags_is_bounded() {
    let home = Home::new();
    let store = home.open(&[]);
    let removed = rows::REMOVED + 2;
    let changes = (0..removed).flat_map(|number| {
        let key = format!("f{number}");
        let at = number as i64;
        [Change { at, ..told(&key, 1, Some(&text("on"))) }, Change { at, ..told(&key, 2, None) }]
    });
    store.take(changes.collect()).await.unwrap();
    let versions = |number: usize| {
        store.history(&format!("f{number}")).unwrap().iter().map(|change| change.version).collect::<Vec<_>>()
    };
    assert_eq!((versions(1), versions(2), versions(removed - 1)), (vec![2], vec![2, 1], vec![2, 1]));
    assert_eq!(store.version("f0").unwrap(), 2, "and the version stays");
}

#[tokio::test]
async fn definitions_over_the_api_have_room_for_so_many_bytes() {
    let home = Home::new();
    let store = home.open(&[]);
    let mut large = on_off("on");
    large["metadata"] = json!({"note": "x".repeat(60_000)});
    let many = API_MAX / large.to_string().len();
    let all = (0..many).map(|number| told(&format!("f{number}"), 1, Some(&large.to_string())));
    store.take(all.collect()).await.unwrap();
    let more = store.set("more", large.to_string().as_bytes(), note(None)).await;
    assert!(matches!(&more, Err(ChangeError::Invalid(why)) if why.contains("67108864 bytes")), "{more:?}");
    store.set("f0", large.to_string().as_bytes(), note(None)).await.unwrap();
}

#[tokio::test]
async fn a_flag_of_a_file_is_switched_off_however_long_what_it_refers_to_is() {
    let home = Home::new();
    let mut flag = on_off("off");
    flag["targeting"] = json!({"if": [{"$ref": "long"}, "on"]});
    flag["metadata"] = json!({"owner": "shop", "note": "x".repeat(40_000)});
    let long = json!({"in": [{"var": "a"}, "y".repeat(60_000)]});
    let file = json!({"flags": {"f": flag}, "$evaluators": {"long": long}, "metadata": {"place": "here"}});
    let store = home.open(&[home.file("a.json", file)]);
    store.toggle("f", State::Disabled, note(None)).await.unwrap();
    let said = store.flags().boolean("f", true, &Nobody);
    assert_eq!((said.reason.as_str(), &said.metadata["place"]), ("DISABLED", &json!("here")));
    store.toggle("f", State::Enabled, note(None)).await.unwrap();
    let ours = Attributes::from_json(json!({"a": "y"})).unwrap();
    assert!(store.flags().boolean("f", false, &ours).value);
    store.rollback("f", 1, note(None)).await.unwrap();
    assert_eq!(store.flags().boolean("f", true, &Nobody).reason.as_str(), "DISABLED");
}
