//! One host: hits, one call for a hundred, stale answers, purges.

use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Setup, ostler};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{count, is_hit, setup};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_are_one_call() {
    let host = setup("{ ttl = \"1h\" }", "").start();
    let asks: Vec<_> = (0..100)
        .map(|_| {
            let client = host.client.clone();
            tokio::spawn(async move { count(&client, "k").await.text() })
        })
        .collect();
    for ask in asks {
        assert_eq!(ask.await.unwrap(), "1");
    }
    let total = |result: &'static str| {
        let host = &host;
        async move { host.metric("ostler_cache_requests_total", &[&format!("result=\"{result}\"")]).await }
    };
    assert_eq!(total("miss").await, 1.0);
    assert_eq!(total("hit").await + total("collapsed").await, 99.0);
    let hit = count(&host.client, "k").await;
    assert!(is_hit(&hit) && !hit.header("age").is_empty(), "{:?}", hit.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_says_of_its_keeping_counts() {
    let host = setup("{}", "").start();
    for (value, kept) in
        [("max-age%3D60", true), ("private", false), ("no-store", false), ("max-age%3D0", false)]
    {
        let path = format!("/header?name=cache-control&value={value}");
        host.client.get(&path).await;
        assert_eq!(is_hit(&host.client.get(&path).await), kept, "{value}");
    }
    let mut only = host.client.request(http::Method::GET, "/header?name=x&value=y", "");
    only.headers_mut().insert("cache-control", "only-if-cached".parse().unwrap());
    let reply = host.client.try_send(only).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.code()), (504, "not_cached".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_answer_is_given_while_the_next_is_made() {
    let host = setup("{ ttl = \"1s\", stale_while_revalidate = \"1h\" }", "").start();
    assert_eq!(count(&host.client, "k").await.text(), "1");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let stale = count(&host.client, "k").await;
    assert_eq!((stale.text(), is_hit(&stale)), ("1".to_owned(), true));
    let since = Instant::now();
    while count(&host.client, "k").await.text() == "1" {
        assert!(since.elapsed() < Duration::from_secs(30), "the next one is never made");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Answers `ok` to every connection until it is dropped.
async fn upstream() -> (u16, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
                .await;
        }
    });
    (port, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_answer_stands_in_for_a_plugin_that_fails() {
    let (port, upstream) = upstream().await;
    let grant = format!("grant = {{ http = [\"http://127.0.0.1:{port}\"], networks = [\"127.0.0.1\"] }}");
    let rules = "cache = { ttl = \"1s\", stale_if_error = \"1h\" }";
    let host = Setup::new()
        .plugin("p", "typed", &grant)
        .with(&format!("[[routes]]\npath = \"/fetch\"\nplugin = \"p\"\n{rules}"))
        .start();
    let path = format!("/fetch?url=http://127.0.0.1:{port}/");
    let good = host.client.get(&path).await;
    assert_eq!((good.status.as_u16(), good.text()), (200, "ok".to_owned()));
    upstream.abort();
    let _ = upstream.await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let stale = host.client.get(&path).await;
    assert_eq!((stale.status.as_u16(), stale.text()), (200, "ok".to_owned()));
    let told = stale.header("cache-status");
    assert!(told.starts_with("Ostler; hit; fwd=stale; fwd-status=502; ttl=-"), "{told}");
    let other = host.client.get(&format!("{path}?other")).await;
    assert_eq!(other.status, 502, "nothing was kept of that");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_drop_what_they_name() {
    let host = setup("{ ttl = \"1h\" }", "").start();
    let tagged = "/header?name=cache-tag&value=a";
    let key = format!("{}{tagged}", host.address);
    let purge = |arguments: &[&str]| {
        let done = Command::new(ostler())
            .args(["cache", "purge", "--admin", &format!("http://{}", host.admin_address), "--token-file"])
            .arg(host.folder.join("admin.token"))
            .args(arguments)
            .output()
            .unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    for arguments in
        [&["--tag", "a"][..], &["--key", &key], &["--prefix", &host.address.to_string()], &["--all"]]
    {
        let first = host.client.get(tagged).await;
        assert_eq!(first.header("cache-tag"), "");
        assert!(is_hit(&host.client.get(tagged).await));
        assert_eq!(purge(arguments), (true, String::new()));
        assert!(!is_hit(&host.client.get(tagged).await), "{arguments:?}");
    }
    assert!(purge(&["--tag", "other", "--prefix", "elsewhere"]).0);
    assert!(is_hit(&host.client.get(tagged).await));
    let (done, told) = purge(&[]);
    assert!(!done && told.contains("repair: name it with --tag"), "{told}");
    let refused = host.admin.send(http::Method::POST, "/v1/cache/purge", r#"{"tag": ["a"]}"#).await;
    assert_eq!(refused.status, 422);
    assert_eq!(
        host.client.send(http::Method::POST, tagged, "").await.header("cache-status"),
        "Ostler; fwd=method"
    );
    assert!(!is_hit(&host.client.get(tagged).await), "a write drops what is kept at its place");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_stream_pass_unharmed_and_are_kept_if_they_fit() {
    for guest in ["p2", "p3"] {
        let host = Setup::new()
            .plugin("p", guest, "")
            .with("[[routes]]\npath = \"/{*rest}\"\nplugin = \"p\"\ncache = { ttl = \"1h\" }")
            .start();
        let drip = host.client.get("/drip?chunks=3&ms=20").await;
        assert!(drip.whole && drip.text().lines().count() == 3, "{guest}: {}", drip.text());
        assert_eq!(drip.header("cache-status"), "Ostler; fwd=uri-miss");
        let since = Instant::now();
        loop {
            let again = host.client.get("/drip?chunks=3&ms=20").await;
            assert_eq!((again.whole, again.text()), (true, drip.text()));
            if is_hit(&again) {
                break;
            }
            assert!(since.elapsed() < Duration::from_secs(30), "{guest}: never kept");
        }
        for _ in 0..2 {
            let large = host.client.get("/body?bytes=3000000").await;
            assert_eq!((large.whole, large.body.len(), is_hit(&large)), (true, 3_000_000, false), "{guest}");
            let mut request = host.client.request(http::Method::GET, "/trailers", "");
            request.headers_mut().insert("te", "trailers".parse().unwrap());
            let trailers = host.client.try_send(request).await.unwrap();
            assert_eq!(trailers.trailers.unwrap()["x-sum"], "3", "{guest}");
            let broken = host.client.get("/trap-inside").await;
            // What dies before its head is sent on is given the right status.
            let failed = broken.status == 500 || !broken.whole;
            assert!(failed && !is_hit(&broken), "{guest}: half an answer is never kept");
        }
        let waits = [0, 1].map(|_| {
            let client = host.client.clone();
            tokio::spawn(async move { client.get("/drip?chunks=10&ms=20").await })
        });
        for wait in waits {
            assert_eq!(wait.await.unwrap().text().lines().count(), 10, "{guest}");
        }
    }
}
