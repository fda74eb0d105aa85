//! Components made for other hosts, by those hosts' own SDKs, run as they are and reach what was granted.

mod spin;
mod spin_sqlite;
mod wasmcloud;
mod wstd;

use harness::Host;

/// The answer of `path`, which must be a 200.
async fn good(host: &Host, path: &str) -> String {
    let reply = host.client.get(path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.text()
}

/// What the component was told in place of an answer; some SDKs quote it once more.
async fn refused(host: &Host, path: &str) -> String {
    let reply = host.client.get(path).await;
    assert_eq!(reply.status, 502, "{path}: {}", reply.text());
    reply.text().replace('\\', "")
}
