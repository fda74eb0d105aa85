//! The disk tier: found again after a crash, thrown away when damaged.

use std::path::{Path, PathBuf};

use harness::{Host, until};

use super::{count, get, is_hit, setup, tier_hits};

const DISK: &str = "[cache]\ndisk = \"64MiB\"";

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn in_cache(host: &Host) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&host.folder.join("state/cache"), &mut found);
    found
}

/// Waits until the answer for `target` is on the disk, and with it what went there before.
async fn on_disk(host: &Host, target: &str) {
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(target.len()).any(|part| part == target.as_bytes())
    };
    until("it never comes to the disk", async || in_cache(host).iter().any(holds)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_on_disk_outlives_a_crash_but_not_a_purge() {
    let host = setup("{ ttl = \"1h\" }", DISK).start();
    for tag in ["a", "b"] {
        get(&host, &format!("/header?name=cache-tag&value={tag}")).await;
    }
    let purged = host.admin.send(http::Method::POST, "/v1/cache/purge", r#"{"tags": ["b"]}"#).await;
    assert_eq!(purged.status, 200);
    get(&host, "/header?name=cache-tag&value=c").await;
    on_disk(&host, "value=c").await;
    let host = host.kill_and_restart();
    assert!(is_hit(&get(&host, "/header?name=cache-tag&value=a").await), "it was on the disk");
    assert_eq!(tier_hits(&host, "disk").await, 1.0);
    assert!(!is_hit(&get(&host, "/header?name=cache-tag&value=b").await), "purged is purged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_disk_tier_is_thrown_away_and_nobody_notices() {
    let host = setup("{ ttl = \"1h\" }", DISK).start();
    for key in 0..50 {
        count(&host.client, &format!("k{key}")).await;
    }
    on_disk(&host, "key=k49").await;
    let found = in_cache(&host);
    assert!(found.len() > 1, "{found:?}");
    for path in &found {
        let noise: Vec<u8> = std::fs::read(path).unwrap().iter().map(|byte| byte ^ 0xa5).collect();
        std::fs::write(path, noise).unwrap();
    }
    let host = host.kill_and_restart();
    for key in 0..50 {
        let reply = count(&host.client, &format!("k{key}")).await;
        assert!(["1", "2"].contains(&reply.text().as_str()), "{}", reply.text());
    }
    // And it keeps again.
    let new = "/kv/increment?store=s&key=new";
    get(&host, new).await;
    on_disk(&host, "key=new").await;
    let host = host.kill_and_restart();
    assert!(is_hit(&get(&host, new).await));
    assert_eq!(tier_hits(&host, "disk").await, 1.0);
}
