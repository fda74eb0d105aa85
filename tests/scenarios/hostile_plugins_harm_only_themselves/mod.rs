//! Each way to harm the host that a component has: the client learns of it in time and by its own code, the operator
//! by its cause, and the next request to the same plugin and to the one beside it is answered as ever.

mod before_the_answer;
mod beside_spinners;
mod inside_the_body;
mod memory;

use std::time::Instant;

use harness::{BOUNDED, Host, Reply, Setup, until};
use http::Method;

/// A host with the hostile `component` twice at every path, as `bad` and, for host `late.test`, as `late`, which has a short
/// deadline; `bad` has the usual one, long enough for honest requests on a busy machine. Beside them is an honest plugin at
/// `/hello/{name}`.
fn host(component: &str, instances: &str) -> Host {
    let keys = format!(
        "memory = \"16MiB\"\ninstances = {instances:?}\nresponse_body = \"1MiB\"\n\
         grant = {{ kv = [\"flood\"], config = {{ secret = \"hunter2\" }} }}"
    );
    let late = |path| format!("[[routes]]\nhost = \"late.test\"\npath = {path:?}\nplugin = \"late\"\n");
    Setup::new()
        .plugin("bad", component, &keys)
        .route("/{*rest}", "bad")
        .route("/", "bad")
        .plugin("late", component, &format!("deadline = \"1s\"\n{keys}"))
        .with(&["/{*rest}", "/"].map(late).concat())
        .plugin("good", "hello-typed", "")
        .route("/hello/{name}", "good")
        .start()
}

/// The plugin that is asked for what ends with `code`.
fn plugin(code: &str) -> &'static str {
    if code == "deadline_exceeded" { "late" } else { "bad" }
}

/// Asks for what ends with `code`, and holds the reply to its time.
async fn ask(host: &Host, path: &str, code: &str) -> Reply {
    let start = Instant::now();
    let reply = get(host, plugin(code), path).await;
    let took = start.elapsed();
    println!("{path}: {} after {took:?}", reply.status);
    assert!(took < BOUNDED, "{path} took {took:?}");
    reply
}

async fn get(host: &Host, plugin: &str, path: &str) -> Reply {
    let mut request = host.client.request(Method::GET, path, "");
    request.headers_mut().insert("host", format!("{plugin}.test").parse().unwrap());
    host.client.try_send(request).await.unwrap()
}

/// The refusal must have `code` and tell nothing else of what happened; the log tells the cause under the same id.
async fn refused(host: &Host, path: &str, status: u16, code: &str) {
    let reply = ask(host, path, code).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{path}: {}", reply.text());
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let id = reply.header("x-request-id").to_owned();
    assert_eq!(reply.json()["request_id"], id.as_str());
    for private in ["wasm", "panic", "hunter2", "on purpose", "private", "/root", ".rs"] {
        assert!(!reply.text().contains(private), "{path} tells {private}: {}", reply.text());
    }
    let plugin = plugin(code);
    host.line(|line| line["request_id"] == id.as_str() && line["code"] == code && line["plugin"] == plugin)
        .await;
    let access = host.line(|line| line["request_id"] == id.as_str() && line["msg"] == "request").await;
    assert_eq!((&access["status"], &access["kind"]), (&status.into(), &code.into()), "{access}");
    goes_on(host, path).await;
}

/// All plugins answer; the one with the short deadline as soon as the machine lets it.
async fn goes_on(host: &Host, after: &str) {
    let same = host.client.get("/").await;
    assert_eq!((same.status.as_u16(), same.text().trim()), (200, "good"), "after {after}: {}", same.text());
    until("it does not go on after its deadline", async || get(host, "late", "/").await.status == 200).await;
    let beside = host.client.get("/hello/you").await;
    assert_eq!(beside.status, 200, "after {after}: {}", beside.text());
}

/// Nothing is busy any more, and what all instances of hostile plugins together hold is at most `bytes`.
async fn comes_back(host: &Host, bytes: f64) {
    let memory = async |plugin: &str| {
        host.metric("ostler_plugin_memory_bytes", &[&format!("plugin={plugin:?}")]).await
    };
    let busy = async || host.metric("ostler_instances", &["state=\"busy\""]).await;
    let back = async || busy().await == 0.0 && memory("bad").await + memory("late").await <= bytes;
    until("calls run on, or hold memory", back).await;
}
