//! Each way to harm the host that a component has: the client learns of it in time and by its own code, the operator
//! by its cause, and the next request to the same plugin and to the one beside it is answered as ever.

mod before_the_answer;
mod beside_spinners;
mod inside_the_body;
mod memory;

use std::time::{Duration, Instant};

use harness::{Host, Reply, Setup};

/// Deadline of the hostile plugin: long enough for honest requests on a busy machine.
const DEADLINE: Duration = Duration::from_secs(1);

/// How late a reply may be on a machine that is busy with other things (the promise is 50 ms).
const SLACK: Duration = Duration::from_secs(4);

/// A host with the hostile `component` at every path, and an honest plugin beside it at `/hello/{name}`.
fn host(component: &str, instances: &str) -> Host {
    let keys = format!(
        "deadline = \"1s\"\nmemory = \"16MiB\"\ninstances = {instances:?}\nresponse_body = \"1MiB\"\n\
         grant = {{ kv = [\"flood\"], config = {{ secret = \"hunter2\" }} }}"
    );
    Setup::new()
        .plugin("bad", component, &keys)
        .route("/{*rest}", "bad")
        .route("/", "bad")
        .plugin("good", "hello-typed", "")
        .route("/hello/{name}", "good")
        .start()
}

/// Asks, and holds the reply to its time.
async fn ask(host: &Host, path: &str) -> Reply {
    let start = Instant::now();
    let reply = host.client.get(path).await;
    let took = start.elapsed();
    println!("{path}: {} after {took:?}", reply.status);
    assert!(took < DEADLINE + SLACK, "{path} took {took:?}");
    reply
}

/// The refusal must have `code` and tell nothing else of what happened; the log tells the cause under the same id.
async fn refused(host: &Host, path: &str, status: u16, code: &str) {
    let reply = ask(host, path).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{path}: {}", reply.text());
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let id = reply.header("x-request-id").to_owned();
    assert_eq!(reply.json()["request_id"], id.as_str());
    for private in ["wasm", "panic", "hunter2", "on purpose", "private", "/root", ".rs"] {
        assert!(!reply.text().contains(private), "{path} tells {private}: {}", reply.text());
    }
    host.line(|line| line["request_id"] == id.as_str() && line["code"] == code && line["plugin"] == "bad")
        .await;
    let access = host.line(|line| line["request_id"] == id.as_str() && line["msg"] == "request").await;
    assert_eq!((&access["status"], &access["kind"]), (&status.into(), &code.into()), "{access}");
    goes_on(host, path).await;
}

/// Both plugins answer.
async fn goes_on(host: &Host, after: &str) {
    let same = host.client.get("/").await;
    assert_eq!((same.status.as_u16(), same.text().trim()), (200, "good"), "after {after}: {}", same.text());
    let beside = host.client.get("/hello/you").await;
    assert_eq!(beside.status, 200, "after {after}: {}", beside.text());
}

/// Nothing is busy any more, and what all instances together hold is at most `bytes`.
async fn comes_back(host: &Host, bytes: f64) {
    let start = Instant::now();
    loop {
        let busy = host.metric("ostler_instances", &["plugin=\"bad\"", "state=\"busy\""]).await;
        let held = host.metric("ostler_plugin_memory_bytes", &["plugin=\"bad\""]).await;
        if busy == 0.0 && held <= bytes {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{busy} calls run on, {held} bytes are held");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
