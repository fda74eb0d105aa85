//! Users who ask, each by its `x-user`, and what they were answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::{Client, Host, Version};
use http::{HeaderValue, Method};
use tokio::task::JoinSet;

/// Users of a crowd.
pub(super) const USERS: usize = 1_000;

/// Users who ask again and again until it is enough.
pub(super) struct Crowd {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    tasks: JoinSet<()>,
}

/// What was answered.
#[derive(Default)]
pub(super) struct Seen {
    /// Versions that each user got, in order, the same ones in a row once.
    pub by_user: BTreeMap<usize, Vec<String>>,
    /// Answers of each version.
    pub answers: BTreeMap<String, usize>,
    /// Answers of 500 and more that a release of these tests means to give, by version.
    pub broken: BTreeMap<String, usize>,
    /// Whatever else went wrong.
    pub failed: Vec<String>,
}

impl Crowd {
    /// Half of it speaks HTTP/1.1, half HTTP/2.
    pub(super) fn start(host: &Host) -> Self {
        let (stop, seen) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Seen>>::default());
        let mut tasks = JoinSet::new();
        for worker in 0..4 {
            let version = if worker % 2 == 0 { Version::Http1 } else { Version::Http2 };
            let (client, stop, seen) = (host.client(version), stop.clone(), seen.clone());
            tasks.spawn(async move {
                for round in 0.. {
                    // Each user is one worker's, so that the order of its answers is known.
                    let user = (round * 4 + worker) % USERS;
                    note(&seen, user, ask(&client, user).await);
                    if stop.load(Relaxed) {
                        return;
                    }
                }
            });
        }
        Crowd { stop, seen, tasks }
    }

    pub(super) async fn finish(self) -> Seen {
        self.stop.store(true, Relaxed);
        self.tasks.join_all().await;
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Seen {
    /// Nobody who once got `new` got `old` afterwards.
    pub(super) fn nobody_goes_back(&self, new: &str, old: &str) {
        for (user, versions) in &self.by_user {
            let from = versions.iter().position(|version| version == new).unwrap_or(versions.len());
            assert!(!versions[from..].iter().any(|version| version == old), "user {user}: {versions:?}");
        }
    }

    /// Users who ever got `version`, and all.
    pub(super) fn users_of(&self, version: &str) -> (usize, usize) {
        let got = self.by_user.values().filter(|versions| versions.iter().any(|one| one == version)).count();
        (got, self.by_user.len())
    }
}

/// Status and version.
type Answer = Result<(u16, String), String>;

async fn ask(client: &Client, user: usize) -> Answer {
    let mut request = client.request(Method::GET, "/", "");
    request.headers_mut().insert("x-user", HeaderValue::from_str(&format!("user-{user}")).unwrap());
    let reply = client.try_send(request).await?;
    // A failure that a release of these tests means to give has a version of its own, being its only 5xx.
    Ok((reply.status.as_u16(), reply.text()))
}

fn note(seen: &Mutex<Seen>, user: usize, answer: Answer) {
    let mut seen = seen.lock().unwrap();
    match answer {
        Ok((200, version)) => {
            *seen.answers.entry(version.clone()).or_default() += 1;
            let versions = seen.by_user.entry(user).or_default();
            if versions.last() != Some(&version) {
                versions.push(version);
            }
        }
        Ok((500, text)) if text.contains("quietly_broken") => {
            *seen.broken.entry("v2".into()).or_default() += 1;
        }
        Ok((status, text)) => seen.failed.push(format!("{status} {text}")),
        Err(error) => seen.failed.push(error),
    }
}

/// The version that each user gets.
pub(super) async fn ask_all(host: &Host, version: Version) -> Vec<String> {
    let client = host.client(version);
    let mut tasks = JoinSet::new();
    for worker in 0..4 {
        let client = client.clone();
        tasks.spawn(async move {
            let mut got = Vec::new();
            for user in (worker..USERS).step_by(4) {
                let (status, version) = ask(&client, user).await.unwrap();
                assert_eq!(status, 200, "{version}");
                got.push((user, version));
            }
            got
        });
    }
    let mut all: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    all.sort();
    all.into_iter().map(|(_, version)| version).collect()
}

/// A few users ask once.
pub(super) async fn ask_some(host: &Host, count: usize) {
    let client = host.client(Version::Http1);
    for user in 0..count {
        assert_eq!(ask(&client, user).await.unwrap().0, 200);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Whether `hits` of `of` are a part of `share`, as chance has it.
pub(super) fn within_six_sigma(hits: usize, of: usize, share: f64) {
    let (mean, sigma) = (of as f64 * share, (of as f64 * share * (1.0 - share)).sqrt());
    assert!((hits as f64 - mean).abs() <= 6.0 * sigma, "{hits} of {of} under a share of {share}");
}
