//! Copies of requests: the real stores are read, what is written is seen by the same copy alone.

use std::sync::Arc;

use ostler_runtime::Plugin;

use crate::support::{Got, NAME, Rig, ask};

async fn shadow(rig: &Rig, guest: &str) -> Arc<Plugin> {
    let component = rig.guest(guest).await;
    rig.runtime.shadow(guest, &rig.spec(), &component).unwrap().0
}

/// Guest, request, and what its answer must contain.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// All that the imports can do. Whatever was written before, each begins with what is real.
const CASES: [Case; 24] = [
    ("typed", "GET", "/kv/get?store=default&key=a", "", "real"),
    ("typed", "POST", "/kv/set?store=default&key=a", "mine", "null"),
    ("typed", "GET", "/kv/get?store=default&key=a", "", "real"),
    ("typed", "POST", "/kv/increment?store=default&key=real&delta=5", "", "6"),
    ("typed", "POST", "/kv/increment?store=default&key=real&delta=5", "", "6"),
    ("typed", "POST", "/kv/compare-and-swap?store=default&key=a&expected=real&value=x", "", "true"),
    ("typed", "POST", "/kv/compare-and-swap?store=default&key=a&expected=real", "", "true"),
    ("typed", "POST", "/kv/delete?store=default&key=a", "", "true"),
    ("typed", "POST", "/kv/delete-many?store=default", r#"["a","sum","real"]"#, "null"),
    ("typed", "POST", "/kv/set-many?store=default", r#"[["a","1"],["z","2"]]"#, "null"),
    ("typed", "GET", "/kv/list?store=default", "", r#"["a","real","sum"]"#),
    ("p2", "GET", "/wasi-keyvalue?store=default", "", "absent Some(\"real\")"),
    ("wasmcloud", "GET", "/kv?store=default", "", "49 Some(Ok(\"49\")) false"),
    ("spin", "GET", "/kv?store=default", "", r#"keys ["a", "b", "c", "real", "sum"]"#),
    ("spin5", "GET", "/kv?store=default", "", "absent Some"),
    ("spin", "GET", "/sqlite?database=default", "", "many 5000"),
    ("spin", "POST", "/sqlite/run?database=default", "SELECT sum(v) FROM real", "integer 7"),
    ("spin", "POST", "/sqlite/run?database=default", "DROP TABLE real", ""),
    ("spin5", "GET", "/sqlite?database=default", "", "seven"),
    ("spin5-sqlite3", "GET", "/?database=default", "", "changes 1"),
    ("wasmcloud", "GET", "/blob?container=default&other=default", "", "cleared"),
    ("gate", "POST", "/cache/set?cache=default&key=real&ttl=60000", "mine", "null"),
    ("gate", "POST", "/cache/delete-tag?cache=default&tag=tag", "", "null"),
    ("gate", "GET", "/cache/get?cache=default&key=real", "", "real"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_import_reads_what_is_real_and_changes_nothing() {
    let rig = Rig::new().await;
    rig.fill().await;
    for guest in ["typed", "p2", "wasmcloud", "spin", "spin5", "spin5-sqlite3", "gate"] {
        let plugin = shadow(&rig, guest).await;
        for (_, method, target, body, says) in CASES.iter().filter(|case| case.0 == guest) {
            let got = ask(&plugin, method, target, body).await;
            let fine = got.status == 200 && got.body.contains(says);
            assert!(fine, "{guest} {target}: {got:?}");
            rig.assert_untouched(&format!("{guest} {target}")).await;
        }
    }
}

/// Else the test above could not fail.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_calls_of_a_live_release_do_reach_what_is_real() {
    let rig = Rig::new().await;
    rig.fill().await;
    let component = rig.guest("typed").await;
    let live = Arc::new(rig.runtime.plugin("typed", &rig.spec(), &component, None).unwrap());
    ask(&live, "POST", "/kv/set?store=default&key=a", "mine").await;
    assert_eq!(rig.services.kv.get(NAME, b"a").unwrap().unwrap(), b"mine");
    let got = ask(&live, "POST", &format!("/fetch?url={}/pay", rig.server.origin()), "a body").await;
    assert_eq!((got.status, &*got.body), (200, "real"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_copy_sees_what_it_wrote_and_the_next_begins_anew() {
    let rig = Rig::new().await;
    rig.fill().await;
    rig.services.kv.delete(NAME, b"a").await.unwrap();
    let plugin = shadow(&rig, "p2").await;
    for _ in 0..3 {
        let Got { status, body } = ask(&plugin, "GET", &format!("/wasi-keyvalue?store={NAME}"), "").await;
        assert_eq!(status, 200, "{body}");
        for line in
            ["absent None", "get Some(\"1\")", "increment 42", r#"keys ["a", "b", "c", "real", "sum"]"#]
        {
            assert!(body.contains(line), "{body}");
        }
    }
    let keys = rig.services.kv.list(NAME, b"", None, 10).unwrap().keys;
    assert_eq!(keys, [&b"real"[..], b"sum"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_taken_or_waited_for() {
    let rig = Rig::new().await;
    rig.fill().await;
    let origin = rig.server.origin();
    for guest in ["typed", "p2", "p3", "spin"] {
        let component = rig.guest(guest).await;
        let (plugin, recorder) = rig.runtime.shadow(guest, &rig.spec(), &component).unwrap();
        let got = ask(&plugin, "POST", &format!("/fetch?url={origin}/pay"), "a body").await;
        assert_eq!(got.status, 502, "{guest}: {got:?}");
        assert_eq!(recorder.take().calls.len(), 1, "{guest}");
    }
    let gate = shadow(&rig, "gate").await;
    let taken = ask(&gate, "GET", "/limit?limit=default&key=k&cost=3", "").await;
    assert!(taken.body.contains(r#""admitted":true"#), "{taken:?}");
    // The right to make a value: the real one goes to whoever asks next, at once.
    let lock = "/cache/lock?cache=default&key=none&wait=60000";
    assert_eq!(ask(&gate, "GET", lock, "").await.status, 404);
    let right = rig.services.cache.value_or_right(NAME, "none", std::time::Duration::ZERO).await.unwrap();
    assert!(matches!(right, Some(ostler_services::cache::Found::Compute(_))));
    // While somebody has it, the copy does not wait for them.
    let since = std::time::Instant::now();
    assert_eq!(ask(&gate, "GET", lock, "").await.status, 404);
    assert!(since.elapsed() < harness::BOUNDED);
    rig.assert_untouched("gate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_copies_are_bounded_and_leave_nothing() {
    let rig = Rig::new().await;
    rig.fill().await;
    let component = rig.guest("typed").await;
    let mut spec = rig.spec();
    spec.deadline = std::time::Duration::from_secs(2);
    let plugin = rig.runtime.shadow("typed", &spec, &component).unwrap().0;
    // Writes for ever, whatever the answers.
    let flood = ask(&plugin, "GET", "/flood-kv?store=default", "");
    let flood = tokio::time::timeout(std::time::Duration::from_secs(2), flood).await;
    assert!(flood.is_err() || flood.is_ok_and(|got| got.status == 599));
    for hostile in ["/trap", "/recurse", "/memory"] {
        assert_eq!(ask(&plugin, "GET", hostile, "").await.status, 599, "{hostile}");
    }
    rig.assert_untouched("flood").await;
    let wasmcloud = shadow(&rig, "wasmcloud").await;
    for _ in 0..3 {
        ask(&wasmcloud, "GET", &format!("/unfinished?container={NAME}"), "").await;
        let put = ask(&wasmcloud, "PUT", &format!("/object?container={NAME}&name=new"), "bytes").await;
        assert_eq!((put.status, &*put.body), (200, "5"));
    }
    let kept = ask(&wasmcloud, "GET", &format!("/object?container={NAME}&name=real"), "").await;
    assert_eq!(kept.body, "real");
    rig.assert_untouched("objects").await;
    drop(wasmcloud);
    for _ in 0..200 {
        if rig.scratch() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{} folders are left", rig.scratch());
}
