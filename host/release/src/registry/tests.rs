//! The promises of the registry, each as a test.

use std::path::PathBuf;
use std::time::Duration;

use ostler_core::rollout::RolloutSpec;
use tempfile::{TempDir, tempdir};

use super::*;
use crate::rollout::Rollout;

fn fresh() -> (TempDir, Registry) {
    let home = tempdir().unwrap();
    let registry = Registry::open(Database::open(home.path()).unwrap()).unwrap();
    (home, registry.with_clock(Clock::manual(1_000)))
}

/// Uploads a component of this text.
async fn upload(registry: &Registry, plugin: &str, text: &str) -> Digest {
    let new = NewRelease {
        handler: "typed".into(),
        compile_ms: 7,
        warnings: vec!["imports x".into()],
        ..NewRelease::default()
    };
    let component = Bytes::copy_from_slice(text.as_bytes());
    let digest = registry.record(plugin, new, component).await.unwrap().release.digest;
    make_live(registry, plugin, digest).await.unwrap();
    digest
}

/// Makes a release live that the plugin has, as a deployment without steps does.
pub(in crate::registry) async fn make_live(
    registry: &Registry,
    plugin: &str,
    digest: Digest,
) -> Result<(), Error> {
    let releases = (live(registry, plugin), digest);
    let by = ("anna", "");
    let (rollout, event) =
        Rollout::begin(plugin, releases, RolloutSpec::default(), registry.clock.now_ms(), by);
    registry.begin_rollout(rollout, event).await.map(drop)
}

fn live(registry: &Registry, plugin: &str) -> Option<Digest> {
    registry.live(plugin).unwrap().map(|release| release.digest)
}

fn artifact(home: &TempDir, digest: &Digest) -> PathBuf {
    home.path().join("artifacts").join(format!("{}.wasm", digest.hex()))
}

/// Goes back as an operator does.
async fn roll_back(registry: &Registry, to: Option<&Digest>) -> Result<Release, Error> {
    let target = registry.rollback_target("p", to)?;
    registry.roll_back("p", &target, ("anna", ""), None).await
}

#[tokio::test]
async fn an_upload_is_recorded_live_and_there_after_a_restart() {
    let (home, registry) = fresh();
    assert_eq!(registry.live("p").unwrap(), None);
    let digest = upload(&registry, "p", "one").await;
    let expected = Release {
        digest,
        size: 3,
        handler: "typed".into(),
        compile_ms: 7,
        warnings: vec!["imports x".into()],
        created_at_ms: 1_000,
        activated_at_ms: 1_000,
        live: true,
    };
    drop(registry);
    let registry = Registry::open(Database::open(home.path()).unwrap()).unwrap();
    assert_eq!(registry.live("p").unwrap(), Some(expected));
    assert_eq!(registry.component(digest).await.unwrap(), "one");
}

#[tokio::test]
async fn the_same_bytes_again_are_the_same_release_and_live() {
    let (_home, registry) = fresh();
    let one = upload(&registry, "p", "one").await;
    upload(&registry, "p", "two").await;
    let again = registry.record("p", NewRelease::default(), "one".into()).await.unwrap();
    assert!(!again.new && again.release.digest == one);
    assert_eq!(again.release.handler, "typed", "what was recorded first stays");
    make_live(&registry, "p", one).await.unwrap();
    assert_eq!(live(&registry, "p"), Some(one));
    assert_eq!(registry.list("p").unwrap().len(), 2);
}

#[tokio::test]
async fn rolling_back_again_and_again_walks_back() {
    let (_home, registry) = fresh();
    let mut digests = Vec::new();
    for text in ["a", "b", "c"] {
        digests.push(upload(&registry, "p", text).await);
    }
    assert_eq!(roll_back(&registry, None).await.unwrap().digest, digests[1]);
    assert_eq!(roll_back(&registry, None).await.unwrap().digest, digests[0]);
    let told = roll_back(&registry, None).await.unwrap_err();
    assert!(matches!(told, Error::NothingToRollBackTo { .. }), "{told}");
    assert_eq!(live(&registry, "p"), Some(digests[0]));
    let d = upload(&registry, "p", "d").await;
    assert_eq!(roll_back(&registry, None).await.unwrap().digest, digests[0], "not what was rolled back");
    assert_eq!(roll_back(&registry, Some(&d)).await.unwrap().digest, d, "a named one may lie ahead");
    assert_eq!(roll_back(&registry, None).await.unwrap().digest, digests[0]);
}

#[tokio::test]
async fn rolling_back_to_a_named_release_forgets_what_came_after_it() {
    let (_home, registry) = fresh();
    let mut digests = Vec::new();
    for text in ["a", "b", "c", "d"] {
        digests.push(upload(&registry, "p", text).await);
    }
    assert_eq!(roll_back(&registry, Some(&digests[3])).await.unwrap().digest, digests[3]);
    assert_eq!(roll_back(&registry, Some(&digests[1])).await.unwrap().digest, digests[1]);
    assert_eq!(roll_back(&registry, None).await.unwrap().digest, digests[0]);
    let stranger = Digest::of(b"stranger");
    let told = roll_back(&registry, Some(&stranger)).await.unwrap_err();
    assert!(matches!(told, Error::NoSuchRelease { .. }), "{told}");
    assert_eq!(live(&registry, "p"), Some(digests[0]));
}

#[tokio::test]
async fn deleting_a_release_takes_it_out_of_the_history() {
    let (_home, registry) = fresh();
    let a = upload(&registry, "p", "a").await;
    let b = upload(&registry, "p", "b").await;
    make_live(&registry, "p", a).await.unwrap();
    registry.delete("p", &b).await.unwrap();
    let told = roll_back(&registry, None).await.unwrap_err();
    assert!(matches!(told, Error::NothingToRollBackTo { .. }), "not from a to a: {told}");
    let told = make_live(&registry, "p", b).await.unwrap_err();
    assert!(matches!(told, Error::NoSuchRelease { .. }), "{told}");
}

#[tokio::test]
async fn the_live_release_cannot_be_deleted_and_shared_components_stay() {
    let (home, registry) = fresh();
    let one = upload(&registry, "p", "one").await;
    upload(&registry, "q", "one").await;
    let two = upload(&registry, "p", "two").await;
    let told = registry.delete("p", &two).await.unwrap_err();
    assert!(matches!(told, Error::IsLive { .. }), "{told}");
    registry.delete("p", &one).await.unwrap();
    assert_eq!(registry.component(one).await.unwrap(), "one", "q has it still");
    let told = registry.delete("p", &one).await.unwrap_err();
    assert!(matches!(told, Error::NoSuchRelease { .. }), "{told}");
    upload(&registry, "q", "three").await;
    let code = registry.code().clone();
    tokio::task::spawn_blocking(move || code.store("48", &one, b"code").unwrap()).await.unwrap();
    registry.delete("q", &one).await.unwrap();
    assert!(!artifact(&home, &one).exists());
    assert_eq!(registry.code().load("48", &one), None);
}

#[tokio::test]
async fn a_plugin_keeps_its_latest_releases_and_the_live_one_always() {
    let (home, registry) = fresh();
    let registry = registry.with_keep(3);
    let first = upload(&registry, "p", "0").await;
    upload(&registry, "other", "0").await;
    for text in ["1", "2"] {
        upload(&registry, "p", text).await;
    }
    make_live(&registry, "p", first).await.unwrap();
    for text in ["3", "4", "5"] {
        upload(&registry, "p", text).await;
    }
    let kept: Vec<_> = registry.list("p").unwrap().iter().map(|release| release.digest).collect();
    assert_eq!(kept, ["5", "4", "3"].map(|text| Digest::of(text.as_bytes())));
    assert!(artifact(&home, &first).exists(), "the other plugin has it");
    assert!(!artifact(&home, &Digest::of(b"1")).exists());
    assert_eq!(roll_back(&registry, None).await.unwrap().digest, kept[1]);
    // A clock that was set back must not make the live release the oldest.
    let registry = registry.with_clock(Clock::manual(0)).with_keep(1);
    let new = upload(&registry, "p", "6").await;
    assert_eq!(registry.list("p").unwrap().len(), 2, "it, and what was live when it came");
    assert_eq!(live(&registry, "p"), Some(new));
}

#[tokio::test]
async fn releases_that_were_never_live_push_out_none_that_were() {
    let (_home, registry) = fresh();
    let registry = registry.with_keep(4);
    let good = [upload(&registry, "p", "1").await, upload(&registry, "p", "2").await];
    for text in ["a", "b", "c", "d", "e"] {
        registry.clock.advance(Duration::from_millis(5));
        let tried = registry.record("p", NewRelease::default(), text.into()).await.unwrap().release;
        assert_eq!((tried.live, tried.activated_at_ms), (false, 0), "{text}");
    }
    let kept: Vec<_> = registry.list("p").unwrap().iter().map(|release| release.digest).collect();
    let tried = ["e", "d"].map(|text| Digest::of(text.as_bytes()));
    assert_eq!(kept, [good[1], tried[0], tried[1], good[0]]);
    assert_eq!(roll_back(&registry, None).await.unwrap().digest, good[0]);
}

#[tokio::test]
async fn the_release_to_roll_back_to_is_dropped_last() {
    let (_home, registry) = fresh();
    let registry = registry.with_keep(2);
    let [first, second] = [upload(&registry, "p", "1").await, upload(&registry, "p", "2").await];
    registry.clock.advance(Duration::from_millis(5));
    let third = upload(&registry, "p", "3").await;
    registry.clock.advance(Duration::from_millis(5));
    registry.record("p", NewRelease::default(), "4".into()).await.unwrap();
    assert!(matches!(registry.release("p", &first), Err(Error::NoSuchRelease { .. })));
    assert_eq!(registry.live("p").unwrap().unwrap().digest, third);
    assert_eq!(registry.rollback_target("p", None).unwrap(), second);
}

#[tokio::test]
async fn going_back_to_what_is_live_changes_nothing() {
    let (_home, registry) = fresh();
    let one = upload(&registry, "p", "1").await;
    let before = registry.live("p").unwrap();
    registry.clock.advance(Duration::from_millis(5));
    assert_eq!(roll_back(&registry, Some(&one)).await.unwrap().digest, one);
    assert_eq!(registry.live("p").unwrap(), before);
}

#[tokio::test]
async fn the_history_is_bounded() {
    let (_home, registry) = fresh();
    let [a, b] = [upload(&registry, "p", "a").await, upload(&registry, "p", "b").await];
    for _ in 0..HISTORY {
        make_live(&registry, "p", a).await.unwrap();
        make_live(&registry, "p", b).await.unwrap();
    }
    let sql = "SELECT count(*) FROM activation";
    let count = registry
        .database
        .read(|c| Ok::<usize, Error>(c.query_row(sql, [], |row| row.get::<_, u32>(0))? as usize));
    assert_eq!(count.unwrap(), HISTORY);
}

#[tokio::test]
async fn definitions_come_change_and_go_with_their_releases() {
    let (home, registry) = fresh();
    let clock = registry.clock.clone();
    assert!(registry.define("p", "{\"a\":1}").await.unwrap());
    clock.advance(Duration::from_millis(5));
    assert!(!registry.define("p", "{\"a\": 2}").await.unwrap());
    assert!(registry.define("a", "{}").await.unwrap());
    let all = registry.definitions().unwrap();
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "p"]);
    let expected = Definition {
        name: "p".into(),
        text: "{\"a\": 2}".into(),
        created_at_ms: 1_000,
        updated_at_ms: 1_005,
    };
    assert_eq!(registry.definition("p").unwrap(), Some(expected));
    let digest = upload(&registry, "p", "one").await;
    registry.undefine("p").await.unwrap();
    assert_eq!((registry.definition("p").unwrap(), registry.live("p").unwrap()), (None, None));
    assert!(!artifact(&home, &digest).exists());
    let told = registry.undefine("p").await.unwrap_err();
    assert!(matches!(told, Error::NoSuchPlugin { .. }), "{told}");
}

#[tokio::test]
async fn hostile_names_and_huge_definitions_are_refused() {
    let (_home, registry) = fresh();
    let long = "x".repeat(64);
    for name in ["", "P", "a b", "../etc", "a'; DROP TABLE release; --", "a\0", &long] {
        assert!(matches!(registry.define(name, "{}").await, Err(Error::Invalid(_))), "{name:?}");
        assert_eq!(registry.definition(name).unwrap(), None);
        assert_eq!(registry.list(name).unwrap(), []);
    }
    let huge = " ".repeat(DEFINITION_MAX + 1);
    assert!(matches!(registry.define("p", &huge).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_start_removes_torn_uploads_and_keeps_what_is_recorded() {
    let (home, registry) = fresh();
    let digest = upload(&registry, "p", "one").await;
    drop(registry);
    let orphan = artifact(&home, &Digest::of(b"orphan"));
    let torn = artifact(&home, &digest).with_extension("wasm.9.tmp");
    for path in [&orphan, &torn] {
        std::fs::write(path, "half").unwrap();
    }
    let registry = Registry::open(Database::open(home.path()).unwrap()).unwrap();
    assert!(!orphan.exists() && !torn.exists());
    assert_eq!(registry.component(digest).await.unwrap(), "one");
    std::fs::remove_file(artifact(&home, &digest)).unwrap();
    let told = registry.component(digest).await.unwrap_err();
    assert!(matches!(told, Error::ArtifactLost { .. }), "{told}");
    assert_eq!(upload(&registry, "p", "one").await, digest);
    assert_eq!(registry.component(digest).await.unwrap(), "one", "uploading again mends it");
}

#[tokio::test]
async fn an_upload_that_cannot_be_recorded_leaves_nothing_and_changes_nothing() {
    let (home, registry) = fresh();
    let live_before = upload(&registry, "p", "one").await;
    registry
        .database
        .write(|tx| Ok::<_, Error>(tx.execute_batch("ALTER TABLE activation RENAME TO gone")?))
        .await
        .unwrap();
    let told = registry.record("p", NewRelease::default(), "two".into()).await.unwrap_err();
    assert!(matches!(told, Error::Unavailable(_)), "{told}");
    assert!(!artifact(&home, &Digest::of(b"two")).exists());
    assert!(registry.record("p", NewRelease::default(), "one".into()).await.is_err());
    assert!(artifact(&home, &live_before).exists(), "a component that a release names stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uploads_and_deletions_of_one_component_never_part_row_from_file() {
    let (_home, registry) = fresh();
    let digest = Digest::of(b"shared");
    let mut set = tokio::task::JoinSet::new();
    for index in 0..2 {
        let registry = registry.clone();
        set.spawn(async move {
            let plugin = format!("p{index}");
            for _ in 0..40 {
                upload(&registry, &plugin, "shared").await;
                assert_eq!(registry.component(digest).await.unwrap(), "shared");
                upload(&registry, &plugin, &plugin).await;
                registry.delete(&plugin, &digest).await.unwrap();
            }
            upload(&registry, &plugin, "shared").await;
        });
    }
    while let Some(done) = set.join_next().await {
        done.unwrap();
    }
    assert_eq!(registry.component(digest).await.unwrap(), "shared");
}
