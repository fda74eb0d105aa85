//! The disk tier: found again after a crash, thrown away when damaged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::Host;

use super::{count, is_hit, setup, tier_hits};

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

/// What goes to the disk in the background is there after its second.
async fn settled() {
    tokio::time::sleep(Duration::from_millis(2_500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_on_disk_outlives_a_crash_but_not_a_purge() {
    let host = setup("{ ttl = \"1h\" }", DISK).start();
    let with_host = |host: &Host, path: &str| {
        let mut request = host.client.request(http::Method::GET, path, "");
        request.headers_mut().insert("host", "shop.test".parse().unwrap());
        let client = host.client.clone();
        async move { client.try_send(request).await.unwrap() }
    };
    for tag in ["a", "b"] {
        with_host(&host, &format!("/header?name=cache-tag&value={tag}")).await;
    }
    let purged = host.admin.send(http::Method::POST, "/v1/cache/purge", r#"{"tags": ["b"]}"#).await;
    assert_eq!(purged.status, 200);
    settled().await;
    let host = host.kill_and_restart();
    assert!(is_hit(&with_host(&host, "/header?name=cache-tag&value=a").await), "it was on the disk");
    assert_eq!(tier_hits(&host, "disk").await, 1.0);
    assert!(!is_hit(&with_host(&host, "/header?name=cache-tag&value=b").await), "purged is purged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_disk_tier_is_thrown_away_and_nobody_notices() {
    let host = setup("{ ttl = \"1h\" }", DISK).start();
    for key in 0..50 {
        count(&host.client, &format!("k{key}")).await;
    }
    settled().await;
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
    count(&host.client, "new").await;
    settled().await;
    let host = host.kill_and_restart();
    assert_eq!(count(&host.client, "new").await.status, 200);
    assert!(!in_cache(&host).is_empty());
}
