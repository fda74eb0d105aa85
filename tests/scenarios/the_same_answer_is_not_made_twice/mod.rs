//! The plugin is asked once for what can be kept; whatever becomes of the stores behind, clients only ever see answers.

mod hosts;
mod kept;
mod tiers;
mod values;

use harness::{Client, Host, Reply, Server, Setup};

/// A host whose plugin counts in a store how often it was asked, at `/kv/increment`, and says any field at `/header`.
fn setup(rules: &str, rest: &str) -> Setup {
    let route = |path: &str| format!("[[routes]]\npath = \"{path}\"\nplugin = \"p\"\ncache = {rules}\n");
    Setup::new()
        .plugin("p", "typed", "grant = { kv = [\"s\"] }")
        .with(&route("/kv/{*rest}"))
        .with(&route("/header"))
        .with(rest)
}

/// Asks how often the plugin was asked for `key`: the answer is kept, so it may be an old one.
async fn count(client: &Client, key: &str) -> Reply {
    let reply = client.get(&format!("/kv/increment?store=s&key={key}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

/// GET with a host name, which hosts on ports of their own have in common, and one that starts again.
async fn get(host: &Host, path: &str) -> Reply {
    let mut request = host.client.request(http::Method::GET, path, "");
    request.headers_mut().insert("host", "shop.test".parse().unwrap());
    host.client.try_send(request).await.unwrap()
}

fn is_hit(reply: &Reply) -> bool {
    reply.header("cache-status").starts_with("Ostler; hit")
}

async fn tier_hits(host: &Host, tier: &str) -> f64 {
    host.metric("ostler_cache_tier_hits_total", &[&format!("tier=\"{tier}\"")]).await
}

fn redis() -> Server {
    Server::start(redis_at)
}

fn redis_at(port: u16) -> std::process::Command {
    let mut command = std::process::Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()]);
    command
}

fn with_redis(port: u16) -> String {
    format!(
        "[redis]\nurl = \"redis://127.0.0.1:{port}\"\n[cache]\nshared = \"redis\"\nshared_deadline = \"1s\""
    )
}
