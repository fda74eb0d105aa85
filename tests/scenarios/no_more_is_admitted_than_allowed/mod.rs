//! However many ask at once, of however many hosts, no more is admitted than the rules say; and who is refused is told why.

mod plugins;
mod proxies;
mod shared;

use std::collections::BTreeMap;

use ::http::Method;
use harness::{Client, Host, Reply, Setup, Version};

/// A host with plugin `p`, these tables, and routes whose keys are `limits = [...]` and the like.
fn host(tables: &str, routes: &[(&str, &str)]) -> Host {
    setup(tables, routes).start()
}

fn setup(tables: &str, routes: &[(&str, &str)]) -> Setup {
    let setup = Setup::new().plugin("p", "p2", "").with(tables);
    routes.iter().fold(setup, |setup, (path, keys)| {
        setup.with(&format!("[[routes]]\npath = {path:?}\nplugin = \"p\"\n{keys}"))
    })
}

/// Asks `path` this often over each of so many connections, all at once; how many got each status.
async fn flood(
    address: std::net::SocketAddr,
    connections: usize,
    each: usize,
    path: &'static str,
) -> BTreeMap<u16, usize> {
    let asked: Vec<_> = (0..connections)
        .map(|_| {
            let client = Client::new(address, Version::Http1, None);
            tokio::spawn(async move {
                let mut statuses = Vec::new();
                for _ in 0..each {
                    statuses.push(client.get(path).await.status.as_u16());
                }
                statuses
            })
        })
        .collect();
    let mut counts = BTreeMap::new();
    for asked in asked {
        for status in asked.await.unwrap() {
            *counts.entry(status).or_default() += 1;
        }
    }
    counts
}

async fn get(host: &Host, path: &str, fields: &[(&str, &str)]) -> Reply {
    let mut request = host.client.request(Method::GET, path, "");
    for (name, value) in fields {
        request
            .headers_mut()
            .append(::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    host.client.try_send(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_connections_get_no_more_than_one_would() {
    for (algorithm, further) in
        [("token-bucket", ""), ("gcra", "burst = 100"), ("fixed-window", ""), ("sliding-window", "")]
    {
        let table = format!("[limits.a]\nrate = \"100/day\"\nalgorithm = \"{algorithm}\"\n{further}");
        let host = host(&table, &[("/", "limits = [\"a\"]")]);
        let counts = flood(host.address, 64, 5, "/").await;
        assert_eq!(counts, BTreeMap::from([(200, 100), (429, 220)]), "{algorithm}");
        assert_eq!(host.metric("ostler_limit_admitted_total", &["limit=\"a\""]).await, 100.0);
        assert_eq!(host.metric("ostler_limit_refused_total", &["limit=\"a\""]).await, 220.0);
    }
}

#[tokio::test]
async fn a_refusal_says_which_limit_and_when_to_come_again() {
    let tables = "[limits.minute]\nrate = \"60/min\"\nburst = 2\n[limits.day]\nrate = \"1000/day\"\nby = []";
    let host = host(tables, &[("/", "limits = [\"minute\", \"day\"]")]);
    for left in [1, 0] {
        let reply = host.client.get("/").await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "good"));
        assert_eq!(reply.header("ratelimit-policy"), "\"minute\";q=60;w=60, \"day\";q=1000;w=86400");
        let standing = reply.header("ratelimit");
        assert!(standing.starts_with(&format!("\"minute\";r={left};t=")), "{standing}");
        assert!(standing.contains("\"day\";r=99"), "{standing}");
    }
    let reply = host.client.get("/").await;
    println!("{reply:#?} {}", reply.text());
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (429, "rate_limited"));
    assert_eq!((reply.json()["limit"].as_str(), reply.header("retry-after")), (Some("minute"), "1"));
    assert!(reply.header("ratelimit").starts_with("\"minute\";r=0;t="), "{reply:?}");
    assert!(!reply.header("ratelimit-policy").is_empty());
    // What the narrow one refused, the wide one did not lose.
    assert!(reply.header("ratelimit").contains("\"day\";r=998"), "{reply:?}");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(host.client.get("/").await.status, 200, "it is admitted when it was told to come again");
}

#[tokio::test]
async fn costs_defaults_and_routes_say_how_much_is_taken() {
    let tables = "[limits.a]\nrate = \"10/day\"\n[defaults]\nlimits = [\"a\"]";
    let routes = [("/", "cost = 4"), ("/hello", ""), ("/body", "limits = []")];
    let host = host(tables, &routes);
    let left = async |path| get(&host, path, &[]).await.header("ratelimit").to_owned();
    assert!(left("/").await.starts_with("\"a\";r=6"));
    assert!(left("/hello").await.starts_with("\"a\";r=5"));
    assert_eq!(left("/body").await, "");
    assert!(left("/").await.starts_with("\"a\";r=1"));
    let refused = get(&host, "/", &[]).await;
    assert_eq!(refused.status, 429);
    assert!(left("/hello").await.starts_with("\"a\";r=0"), "one is still left for who takes one");
}

#[tokio::test]
async fn a_header_has_counters_of_its_own_and_leaving_it_out_is_no_way_around() {
    let host = host("[limits.a]\nrate = \"2/day\"\nby = [\"header:x-team\"]", &[("/", "limits = [\"a\"]")]);
    let statuses = async |fields: &[(&str, &str)]| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(get(&host, "/", fields).await.status.as_u16());
        }
        statuses
    };
    for fields in [&[("x-team", "red")][..], &[("x-team", "blue")], &[]] {
        assert_eq!(statuses(fields).await, [200, 200, 429], "{fields:?}");
    }
}

#[tokio::test]
async fn a_reload_keeps_the_counters_of_limits_that_stay() {
    let host = host(
        "[limits.a]\nrate = \"2/day\"\n[limits.b]\nrate = \"2/day\"",
        &[("/", "limits = [\"a\"]"), ("/hello", "limits = [\"b\"]")],
    );
    for path in ["/", "/", "/hello", "/hello"] {
        assert_eq!(host.client.get(path).await.status, 200);
    }
    let file = host.folder.join("ostler.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[limits.b]\nrate = \"2/day\"", "[limits.b]\nrate = \"3/day\""))
        .unwrap();
    host.line(|line| line["msg"] == "configuration reloaded").await;
    assert_eq!(host.client.get("/").await.status, 429);
    assert_eq!(host.client.get("/hello").await.status, 200);
}
