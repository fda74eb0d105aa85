//! More requests than a plugin can answer: those of low priority are refused at once, those that matter are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::{Host, Reply, Setup};
use http::Method;

/// How long clients go on asking.
const LOAD: Duration = Duration::from_secs(5);

/// Takes the same CPU time each: some milliseconds.
const BURN: &str = "/burn?rounds=3000000";

fn host(overload: &str) -> Arc<Host> {
    let route = |priority: &str| {
        format!(
            "[[routes]]\npath = \"/burn\"\nhost = \"{priority}.test\"\nplugin = \"p\"\npriority = \"{priority}\"\n"
        )
    };
    let routes = ["low", "normal", "high"].map(route).concat();
    let text = format!("{routes}[overload]\n{overload}\n");
    Arc::new(Setup::new().plugin("p", "typed", "").with(&text).start())
}

async fn burn(host: &Host, priority: &str) -> Reply {
    let mut request = host.client.request(Method::GET, BURN, "");
    request.headers_mut().insert("host", format!("{priority}.test").parse().unwrap());
    host.client.try_send(request).await.unwrap()
}

/// Clients that ask again as soon as they have an answer, until `end`; what was answered, by its status.
async fn load(host: &Arc<Host>, priority: &'static str, clients: usize, end: Instant) -> (usize, usize) {
    let client = |host: Arc<Host>| async move {
        let (mut answered, mut shed) = (0, 0);
        while Instant::now() < end {
            let reply = burn(&host, priority).await;
            match reply.status.as_u16() {
                200 => answered += 1,
                503 => {
                    assert_eq!(reply.code(), "overloaded", "{reply:?}");
                    assert_eq!(reply.header("retry-after"), "3", "{reply:?}");
                    shed += 1;
                    // Some of what a client that heeds it would wait.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                _ => panic!("{reply:?}"),
            }
        }
        (answered, shed)
    };
    let clients: Vec<_> = (0..clients).map(|_| tokio::spawn(client(host.clone()))).collect();
    let mut sum = (0, 0);
    for client in clients {
        let (answered, shed) = client.await.unwrap();
        sum = (sum.0 + answered, sum.1 + shed);
    }
    sum
}

#[tokio::test]
async fn low_priority_is_shed_and_high_priority_health_and_admin_answer() {
    // Places for 12 of low priority and for 24 of high: 32 clients of low want more than twice what there is for them.
    let host = host("plugin_max_in_flight = 16\nmin_in_flight = 8\nretry_after = \"3s\"");
    assert_eq!(burn(&host, "low").await.status, 200);
    let end = Instant::now() + LOAD;
    let under_load = Arc::new(AtomicBool::new(true));
    let (watching, own) = (under_load.clone(), host.clone());
    let operator = tokio::spawn(async move {
        let mut asked = 0;
        while watching.load(Ordering::Relaxed) {
            for path in ["/healthz", "/readyz", "/v1/plugins", "/metrics"] {
                let reply = own.admin.get(path).await;
                assert_eq!(reply.status, 200, "{path}: {reply:?}");
                asked += 1;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        asked
    });
    let (low, high) = tokio::join!(load(&host, "low", 32, end), load(&host, "high", 4, end));
    under_load.store(false, Ordering::Relaxed);
    assert!(operator.await.unwrap() >= 8);
    assert!(low.0 > 0 && low.1 > 0, "low priority, answered and shed: {low:?}");
    assert!(high.0 > 0, "{high:?}");
    assert_eq!(high.1, 0, "of high priority nothing is shed: {high:?}");
    let shed = async |priority: &str| {
        let labels = ["plugin=\"p\"", &format!("priority=\"{priority}\"")];
        host.metric("ostler_overload_shed_total", &labels).await
    };
    assert_eq!(shed("low").await as usize, low.1);
    assert_eq!(shed("high").await, 0.0);
    // All places come back.
    let start = Instant::now();
    while host.metric("ostler_overload_in_flight", &["plugin=\"p\""]).await > 0.0 {
        assert!(start.elapsed() < Duration::from_secs(20), "a place is not given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(burn(&host, "low").await.status, 200);
}

#[tokio::test]
async fn with_default_settings_32_busy_connections_are_not_too_many() {
    let host = Arc::new(Host::of("typed", ""));
    let clients: Vec<_> = (0..32)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move {
                for _ in 0..200 {
                    let reply = host.client.get("/").await;
                    assert_eq!(reply.status, 200, "{reply:?}");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    for plugin in ["plugin=\"p\"", "plugin=\"\""] {
        assert_eq!(host.metric("ostler_overload_shed_total", &[plugin]).await, 0.0);
    }
}
