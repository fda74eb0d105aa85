//! What choosing a release costs under a five-step canary: `cargo run --release -p ostler-release --example choice`.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use ostler_core::Digest;
use ostler_core::principal::{Assurance, Method, Principal};
use ostler_core::rollout::{RolloutSpec, Rule, Sticky, Strategy};
use ostler_release::rollout::{Asker, Choice};

const ROUNDS: u32 = 2_000_000;

fn main() {
    let canary = RolloutSpec { strategy: Strategy::Canary, ..RolloutSpec::default() };
    let rule = Rule { tenant: Some("acme".into()), header: None, candidate: true };
    let full = RolloutSpec { testers: Some("test".into()), rules: vec![rule], ..canary.clone() };
    let cookie = RolloutSpec { sticky: Sticky::Cookie("sid".into()), ..canary.clone() };
    let who = principal();
    measure("by principal", &canary, Some(&who));
    measure("by address", &canary, None);
    measure("by cookie", &cookie, None);
    measure("by principal, with testers and a rule", &full, Some(&who));
}

/// Prints the mean time of a choice, over the shares of all five steps.
fn measure(what: &str, spec: &RolloutSpec, principal: Option<&Principal>) {
    let headers = headers();
    let client = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let asker = Asker { principal, client, headers: &headers, permitted: &|_| true };
    let releases = [Digest::of(b"stable"), Digest::of(b"candidate")];
    let choices: Vec<_> = spec.steps.iter().map(|share| Choice::new(spec, 7, *share, releases)).collect();
    let started = busy();
    for _ in 0..ROUNDS {
        for choice in &choices {
            black_box(black_box(choice).pick(black_box(&asker)));
        }
    }
    let each = (busy() - started) / (ROUNDS * choices.len() as u32);
    println!("{what}: {} ns", each.as_nanos());
}

/// Time that this thread has had a processor, which others on a busy machine take none of.
fn busy() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}

/// As a browser sends them.
fn headers() -> HeaderMap {
    let fields = [
        ("host", "shop.example.com"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-US,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("cookie", "theme=dark; sid=4f1c2a9e-7b60-4c55-9d43-0a1b2c3d4e5f"),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    headers
}

fn principal() -> Principal {
    Principal {
        subject: "3f0c8a52-9f6e-4b8e-8d5a-6a1f1f0f7c11".into(),
        tenant: Some("bank".into()),
        roles: Vec::new(),
        scopes: Vec::new(),
        authenticator: "idp".into(),
        method: Method::Jwt,
        authenticated_at: SystemTime::UNIX_EPOCH,
        assurance: Assurance::default(),
        claims: Arc::new(serde_json::Value::Null),
    }
}
