//! What a plugin reaches beyond its request: all of what it was granted, nothing else, and it is told what is missing.

mod context;
mod http;
mod kv;
mod log;
mod machine;
mod wasi;

use ::http::Method;
use harness::{Host, Reply};

/// Asks, and fails the test unless the answer is 200.
async fn good(host: &Host, method: Method, path: &str, body: &str) -> Reply {
    let reply = host.client.send(method, path, body.to_owned()).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply
}

/// The text of a capability's refusal.
async fn denied(host: &Host, path: &str) -> String {
    let reply = host.client.get(path).await;
    assert_eq!(reply.status, 502, "{path}: {}", reply.text());
    reply.text()
}
