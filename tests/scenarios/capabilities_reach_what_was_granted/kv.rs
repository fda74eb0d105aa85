//! `ostler:plugin/kv`: every function, what is refused, and what survives.

use std::time::{Duration, Instant};

use ::http::Method;
use harness::{Host, Setup, until};
use serde_json::{Value, json};

use super::{denied, good};

fn host() -> Host {
    Host::of("typed", "grant = { kv = [\"a\", \"b\"] }")
}

async fn ask(host: &Host, path: &str) -> Value {
    good(host, Method::GET, path, "").await.json()
}

async fn set(host: &Host, key: &str, value: &str) {
    good(host, Method::PUT, &format!("/kv/set?store=a&key={key}"), value).await;
}

async fn get(host: &Host, key: &str) -> Option<String> {
    let reply = host.client.get(&format!("/kv/get?store=a&key={key}")).await;
    (reply.status != 404).then(|| reply.text())
}

#[tokio::test]
async fn values_are_set_read_and_deleted() {
    let host = host();
    assert_eq!(get(&host, "k").await, None);
    assert_eq!(ask(&host, "/kv/exists?store=a&key=k").await, false);
    set(&host, "k", "one").await;
    set(&host, "k", "two").await;
    assert_eq!(get(&host, "k").await.as_deref(), Some("two"));
    assert_eq!(ask(&host, "/kv/exists?store=a&key=k").await, true);
    // Another store is another world.
    assert_eq!(ask(&host, "/kv/exists?store=b&key=k").await, false);
    assert_eq!(ask(&host, "/kv/delete?store=a&key=k").await, true);
    assert_eq!(ask(&host, "/kv/delete?store=a&key=k").await, false);
    assert_eq!(get(&host, "k").await, None);
}

#[tokio::test]
async fn keys_are_listed_by_prefix_page_by_page() {
    let host = host();
    let entries: Vec<_> = (0..25).map(|number| json!([format!("p:{number:02}"), "v"])).collect();
    good(&host, Method::POST, "/kv/set-many?store=a", &json!(entries).to_string()).await;
    good(&host, Method::POST, "/kv/set-many?store=a", r#"[["o", "v"], ["q", "v"]]"#).await;
    let (mut keys, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = ask(&host, &format!("/kv/list?store=a&prefix=p:&limit=10{cursor}")).await;
        keys.extend(page["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()));
        pages += 1;
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        assert!(pages < 5);
    }
    assert_eq!(keys, (0..25).map(|number| format!("p:{number:02}")).collect::<Vec<_>>());
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn increments_from_many_sides_are_all_counted() {
    let host = host();
    let ask = |_| {
        let client = host.client.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                assert_eq!(client.get("/kv/increment?store=a&key=n&delta=3").await.status, 200);
            }
        })
    };
    let asked: Vec<_> = (0..8).map(ask).collect();
    for asked in asked {
        asked.await.unwrap();
    }
    assert_eq!(get(&host, "n").await.as_deref(), Some("480"));
    assert_eq!(self::ask(&host, "/kv/increment?store=a&key=n&delta=-480").await, 0);
    set(&host, "n", "no number").await;
    assert!(denied(&host, "/kv/increment?store=a&key=n").await.contains("integer"));
}

#[tokio::test]
async fn compare_and_swap_swaps_only_what_it_expects() {
    let host = host();
    let swap = async |query: &str| ask(&host, &format!("/kv/compare-and-swap?store=a&key=k{query}")).await;
    assert_eq!(swap("&expected=x&value=y").await, false);
    assert_eq!(swap("&value=one").await, true);
    assert_eq!(swap("&value=two").await, false);
    assert_eq!(swap("&expected=one&value=two").await, true);
    assert_eq!(get(&host, "k").await.as_deref(), Some("two"));
    assert_eq!(swap("&expected=two").await, true);
    assert_eq!(get(&host, "k").await, None);
}

#[tokio::test]
async fn batches_keep_their_order() {
    let host = host();
    good(&host, Method::POST, "/kv/set-many?store=a", r#"[["x", "1"], ["y", "2"]]"#).await;
    let values = good(&host, Method::POST, "/kv/get-many?store=a", r#"["y", "none", "x"]"#).await;
    assert_eq!(values.json(), json!(["2", null, "1"]));
    good(&host, Method::POST, "/kv/delete-many?store=a", r#"["x", "none"]"#).await;
    assert_eq!((get(&host, "x").await, get(&host, "y").await.as_deref()), (None, Some("2")));
}

#[tokio::test]
async fn a_value_with_a_time_to_live_disappears() {
    let host = host();
    good(&host, Method::PUT, "/kv/set?store=a&key=long&ttl=600000", "v").await;
    good(&host, Method::PUT, "/kv/set?store=a&key=short&ttl=300", "v").await;
    let start = Instant::now();
    while get(&host, "short").await.is_some() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not disappear");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(ask(&host, "/kv/exists?store=a&key=short").await, false);
    assert_eq!(ask(&host, "/kv/list?store=a").await["keys"], json!(["long"]));
    // Setting it anew starts anew.
    set(&host, "short", "again").await;
    assert_eq!(get(&host, "short").await.as_deref(), Some("again"));
}

#[tokio::test]
async fn what_was_not_granted_is_refused_by_name() {
    let host = host();
    for operation in ["get", "set", "delete", "exists", "increment", "list", "compare-and-swap"] {
        let text = denied(&host, &format!("/kv/{operation}?store=secrets&key=k")).await;
        assert!(
            text.contains("not granted") && text.contains("kv = [\\\"secrets\\\"]"),
            "{operation}: {text}"
        );
    }
    for operation in ["get-many", "set-many", "delete-many"] {
        let reply = host.client.send(Method::POST, &format!("/kv/{operation}?store=secrets"), "[]").await;
        assert!(reply.status == 502 && reply.text().contains("not granted"), "{operation}: {}", reply.text());
    }
    // The longest name a guest may try is not echoed whole.
    let text = denied(&host, &format!("/kv/get?store={}&key=k", "s".repeat(5000))).await;
    assert!(text.len() < 1000, "{text}");
}

#[tokio::test]
async fn values_and_keys_beyond_their_limits_are_refused() {
    let host = host();
    let large = "x".repeat((1 << 20) + 1);
    let reply = host.client.send(Method::PUT, "/kv/set?store=a&key=k", large).await;
    assert_eq!(reply.status, 502, "{}", reply.text());
    denied(&host, &format!("/kv/get?store=a&key={}", "k".repeat(513))).await;
    denied(&host, "/kv/get?store=a&key=").await;
    let many: Vec<_> = (0..1001).map(|number| format!("k{number}")).collect();
    let reply = host.client.send(Method::POST, "/kv/get-many?store=a", json!(many).to_string()).await;
    assert_eq!(reply.status, 502, "{}", reply.text());
}

#[tokio::test]
async fn plugins_that_name_the_same_store_share_it() {
    let host = Setup::new()
        .plugin("one", "typed", "grant = { kv = [\"shared\"] }")
        .with("[[routes]]\npath = \"/{*rest}\"\nhost = \"one.test\"\nplugin = \"one\"")
        .plugin("two", "typed", "grant = { kv = [\"shared\"] }")
        .route("/{*rest}", "two")
        .start();
    let mut request = host.client.request(Method::PUT, "/kv/set?store=shared&key=k", "from one");
    request.headers_mut().insert("host", "one.test".parse().unwrap());
    assert_eq!(host.client.try_send(request).await.unwrap().status, 200);
    assert_eq!(host.client.get("/kv/get?store=shared&key=k").await.text(), "from one");
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_death_of_the_host() {
    let mut host = host();
    let mut acknowledged = 0;
    for _ in 0..3 {
        let counting = {
            let client = host.client.clone();
            tokio::spawn(async move {
                let mut last = 0;
                loop {
                    let request = client.request(Method::POST, "/kv/increment?store=a&key=n", "");
                    match client.try_send(request).await {
                        Ok(reply) if reply.status == 200 && reply.whole => {
                            last = reply.json().as_i64().unwrap()
                        }
                        _ => return last,
                    }
                }
            })
        };
        set(&host, "k", &format!("{acknowledged}")).await;
        let counted =
            async || get(&host, "n").await.is_some_and(|n| n.parse::<i64>().unwrap() >= acknowledged + 50);
        until("nothing is counted", counted).await;
        host = host.kill_and_restart();
        let last = counting.await.unwrap();
        let kept: i64 = get(&host, "n").await.unwrap().parse().unwrap();
        // The one in flight may have been written without its reply.
        assert!(kept == last || kept == last + 1, "{last} was acknowledged, {kept} is there");
        assert_eq!(get(&host, "k").await.unwrap(), acknowledged.to_string());
        acknowledged = kept;
    }
}
