//! Releases on trial: all state is there, begins empty, lasts from request to request and is dropped.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use ostler_upstream::Stub;

use crate::support::{NAME, Rig, ask};

fn stub(url: String) -> Stub {
    Stub { method: None, url, status: StatusCode::CREATED, headers: HeaderMap::new(), body: "stubbed".into() }
}

/// Guest, request, and what its answer must contain.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// All that the imports can do, in the words of `tests/guests/README.md`. Every store begins empty.
const CASES: [Case; 16] = [
    ("typed", "GET", "/kv/get?store=default&key=a", "", ""),
    ("typed", "POST", "/kv/set?store=default&key=a", "mine", "null"),
    ("typed", "POST", "/kv/increment?store=default&key=n&delta=5", "", "5"),
    ("typed", "GET", "/kv/list?store=default", "", r#"["a","n"]"#),
    ("typed", "POST", "/kv/delete-many?store=default", r#"["a","n","real"]"#, "null"),
    ("p2", "GET", "/wasi-keyvalue?store=default", "", "absent None"),
    ("wasmcloud", "GET", "/kv?store=default", "", "42 Some"),
    ("spin", "GET", "/kv?store=default", "", r#"keys ["a", "b", "c"]"#),
    ("spin5", "GET", "/kv?store=default", "", "absent None"),
    ("spin", "GET", "/sqlite?database=default", "", "many 5000"),
    ("spin5", "GET", "/sqlite?database=default", "", "seven"),
    ("spin5-sqlite3", "GET", "/?database=default", "", "rowid 1 changes 1"),
    ("wasmcloud", "GET", "/blob?container=default&other=default", "", "cleared"),
    ("gate", "POST", "/cache/set?cache=default&key=real&ttl=60000", "mine", "null"),
    ("gate", "POST", "/cache/delete-tag?cache=default&tag=tag", "", "null"),
    ("gate", "GET", "/limit?limit=default&key=k&cost=3", "", r#""admitted":true"#),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_import_reaches_what_is_real_and_all_of_them_work() {
    let rig = Rig::new().await;
    rig.fill().await;
    for guest in ["typed", "p2", "wasmcloud", "spin", "spin5", "spin5-sqlite3", "gate"] {
        let component = rig.guest(guest).await;
        let (plugin, _) = rig.runtime.smoke(guest, &rig.spec(), &component, Vec::new()).await.unwrap();
        for (_, method, target, body, says) in CASES.iter().filter(|case| case.0 == guest) {
            let got = ask(&plugin, method, target, body).await;
            let expected = if says.is_empty() { 404 } else { 200 };
            assert!(got.status == expected && got.body.contains(says), "{guest} {target}: {got:?}");
            rig.assert_untouched(&format!("{guest} {target}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outbound_calls_of_every_interface_are_stubbed_or_refused_and_recorded() {
    let rig = Rig::new().await;
    rig.fill().await;
    let origin = rig.server.origin();
    for guest in ["typed", "p2", "p3", "spin"] {
        let component = rig.guest(guest).await;
        let stubs = vec![stub(format!("{origin}/stub*"))];
        let (plugin, recorder) = rig.runtime.smoke(guest, &rig.spec(), &component, stubs).await.unwrap();
        let got = ask(&plugin, "POST", &format!("/fetch?url={origin}/stub/1"), "a body").await;
        assert!(got.body.contains("stubbed") || got.body.contains("201"), "{guest}: {got:?}");
        let got = ask(&plugin, "POST", &format!("/fetch?url={origin}/other"), "a body").await;
        assert_eq!(got.status, 502, "{guest}: {got:?}");
        if guest != "spin" {
            assert!(got.body.contains("/other was not sent"), "{guest}: {got:?}");
        }
        let denied = ask(&plugin, "GET", "/fetch?url=http://elsewhere.test/", "").await;
        assert_eq!(denied.status, 502, "{guest}: {denied:?}");
        let calls = recorder.take().calls;
        let told: Vec<_> = calls.iter().map(|call| (&*call.url, call.status.map(|it| it.as_u16()))).collect();
        let (one, other) = (format!("{origin}/stub/1"), format!("{origin}/other"));
        assert_eq!(told, [(&*one, Some(201)), (&*other, None)], "{guest}");
        rig.assert_untouched(guest).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_sockets_and_what_is_granted_to_nobody_is_denied_as_ever() {
    let rig = Rig::new().await;
    let component = rig.guest("p2").await;
    let (plugin, _) = rig.runtime.smoke("p2", &rig.spec(), &component, Vec::new()).await.unwrap();
    let around = ask(&plugin, "GET", "/around", "").await.body;
    assert!(around.contains("folders=") && !around.contains("socket=ok"), "{around}");
    let other = ask(&plugin, "GET", "/wasi-keyvalue?store=other", "").await;
    assert!(other.status == 502 && other.body.contains("not granted"), "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_trial_wrote_lasts_until_it_ends_and_leaves_nothing() {
    let rig = Rig::new().await;
    let component = rig.guest("typed").await;
    let (plugin, _) = rig.runtime.smoke("typed", &rig.spec(), &component, Vec::new()).await.unwrap();
    let other = rig.runtime.smoke("typed", &rig.spec(), &component, Vec::new()).await.unwrap().0;
    ask(&plugin, "POST", &format!("/kv/set?store={NAME}&key=k"), "v").await;
    assert_eq!(ask(&plugin, "GET", &format!("/kv/get?store={NAME}&key=k"), "").await.body, "v");
    assert_eq!(ask(&other, "GET", &format!("/kv/get?store={NAME}&key=k"), "").await.status, 404);
    assert_eq!(rig.scratch(), 2);
    drop((plugin, other));
    for _ in 0..100 {
        if rig.scratch() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} folders are left", rig.scratch());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_writes_is_bounded_by_the_scratch() {
    let rig = Rig::new().await;
    let component = rig.guest("typed").await;
    let (plugin, _) = rig.runtime.smoke("typed", &rig.spec(), &component, Vec::new()).await.unwrap();
    let value = "x".repeat(1 << 20);
    let mut refused = None;
    for number in 0..80 {
        let got = ask(&plugin, "POST", &format!("/kv/set?store={NAME}&key=k{number}"), &value).await;
        if got.status != 200 {
            refused = Some((number, got.body));
            break;
        }
    }
    let (number, text) = refused.expect("a bound");
    assert!((60..65).contains(&number) && text.contains("full"), "{number}: {text}");
}
