//! Kills in the middle of changes of all kinds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::{Client, Host, Setup, component, tagged, until};
use http::Method;
use rustix::process::Signal;

use super::files;

const ROUNDS: usize = 8;

/// What may be found after a kill: what was acknowledged last, and what was under way.
#[derive(Default)]
struct Model {
    /// Digests that may be live, and all of which the newest is recorded last.
    live: Vec<String>,
    uploaded: Vec<String>,
    /// Deadlines of the definitions; `None` where there is none.
    defined: BTreeMap<String, Vec<Option<String>>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_uploads_definitions_and_rollbacks_hold() {
    let setup = Setup::new().with("[plugins.up]\n[plugins.good]");
    let mut host = setup.route("/up", "up").route("/", "good").start();
    host.admin.send(Method::PUT, "/v1/plugins/good/releases", component("hello-typed")).await;
    let model = Arc::new(Mutex::new(Model::default()));
    for round in 0..ROUNDS {
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let changing =
            tokio::spawn(change_for_ever(host.admin.clone(), model.clone(), round, acknowledged.clone()));
        until("no change is acknowledged", async || acknowledged.load(Relaxed) >= 2).await;
        // The instant of the kill, not a wait for something.
        tokio::time::sleep(Duration::from_millis(random() % 500)).await;
        host.signal(Signal::KILL);
        changing.await.unwrap();
        host = host.kill_and_restart();
        check(&host, &model).await;
    }
}

/// Changes one thing after the other until the host is gone, and counts how many it acknowledged.
async fn change_for_ever(
    admin: Client,
    model: Arc<Mutex<Model>>,
    round: usize,
    acknowledged: Arc<AtomicUsize>,
) {
    for number in 0.. {
        let (method, path, body) = begin(&mut model.lock().unwrap(), round * 1_000 + number);
        let request = admin.request(method.clone(), &path, body);
        match admin.try_send(request).await {
            Ok(reply) if reply.whole => {
                assert!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, reply.text());
                acknowledge(&mut model.lock().unwrap(), &path);
                acknowledged.fetch_add(1, Relaxed);
            }
            _ => return,
        }
    }
}

/// The next request; what it would bring about is added to what may be found.
fn begin(model: &mut Model, number: usize) -> (Method, String, Vec<u8>) {
    let name = format!("d{}", random() % 3);
    let path = format!("/v1/plugins/{name}");
    let now = model.defined.entry(name).or_insert_with(|| vec![None]);
    match (random() % 5, now.last().unwrap()) {
        (2, _) if model.uploaded.is_empty() => upload(model, number),
        (0 | 1, _) => upload(model, number),
        (2, _) => {
            let among = model.uploaded.len().saturating_sub(6)..model.uploaded.len();
            let digest = model.uploaded[among.start + random() as usize % among.len()].clone();
            model.live.push(digest.clone());
            let body = serde_json::json!({ "to": digest }).to_string();
            (Method::POST, "/v1/plugins/up/rollback".into(), body.into())
        }
        (3, Some(_)) => {
            now.push(None);
            (Method::DELETE, path, Vec::new())
        }
        _ => {
            let deadline = format!("{}s", 1 + number % 50);
            now.push(Some(deadline.clone()));
            (Method::PUT, path, serde_json::json!({ "deadline": deadline }).to_string().into())
        }
    }
}

fn upload(model: &mut Model, number: usize) -> (Method, String, Vec<u8>) {
    let bytes = tagged("table-bomb", &number.to_string());
    let digest = ostler_core::Digest::of(&bytes).to_string();
    model.live.push(digest.clone());
    model.uploaded.push(digest);
    (Method::PUT, "/v1/plugins/up/releases".into(), bytes)
}

/// What was under way is all that may be found now.
fn acknowledge(model: &mut Model, path: &str) {
    let name = path.split('/').nth(3).unwrap();
    match model.defined.get_mut(name) {
        Some(defined) => drop(defined.drain(..defined.len() - 1)),
        None => drop(model.live.drain(..model.live.len() - 1)),
    }
}

/// Compares the host with the model, and takes over what turned out of the change that was under way.
async fn check(host: &Host, model: &Mutex<Model>) {
    let plugins = host.admin.get("/v1/plugins").await.json();
    let found = |name: &str| {
        plugins["plugins"].as_array().unwrap().iter().find(|plugin| plugin["name"] == name).cloned()
    };
    let releases = host.admin.get("/v1/plugins/up/releases").await.json();
    let releases = releases["releases"].as_array().unwrap();
    let live = found("up").unwrap()["live"]["digest"].as_str().map(str::to_owned);
    {
        let mut model = model.lock().unwrap();
        match live {
            Some(live) => {
                assert!(model.live.contains(&live), "{live} is live, which is none of {:?}", model.live);
                assert_eq!(
                    (&releases[0]["digest"], &releases[0]["live"]),
                    (&live.clone().into(), &true.into())
                );
                model.live = vec![live];
            }
            None => assert!(model.uploaded.len() < 2, "no release is live"),
        }
        // One that the kill kept from ever being live is the first to make room for others: it is none to go back to.
        let was_live =
            |release: &serde_json::Value| release["activated_at_ms"].as_u64().is_some_and(|at| at > 0);
        let kept: Vec<_> = releases.iter().filter(|release| was_live(release)).collect();
        model.uploaded.retain(|digest| kept.iter().any(|release| release["digest"] == *digest));
        for (name, allowed) in &mut model.defined {
            let deadline = found(name).map(|plugin| plugin["deadline"].as_str().unwrap().to_owned());
            assert!(allowed.contains(&deadline), "{name}: {deadline:?} is none of {allowed:?}");
            *allowed = vec![deadline];
        }
    }
    let artifacts = files(&host.folder.join("state/artifacts"));
    assert_eq!(artifacts.len(), releases.len() + 1, "{artifacts:?}");
    let torn = |path: &std::path::PathBuf| path.extension().is_some_and(|ending| ending == "tmp");
    assert!(!files(&host.folder.join("state")).iter().any(torn));
    assert_eq!(host.client.get("/").await.status, 200);
    if !releases.is_empty() {
        assert_eq!(host.client.get("/up").await.status, 500, "this guest traps, so it runs");
    }
}

fn random() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    // Splitmix, so that the clock's steps do not show.
    let mut mixed = now.as_nanos() as u64 ^ 0x9e37_79b9_7f4a_7c15;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)) >> 16
}
