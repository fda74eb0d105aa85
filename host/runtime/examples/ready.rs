//! How long it takes until a release that was kept ready answers again, beside one that was not and one that is not loaded.
//!
//! `OSTLER_GUESTS=FOLDER cargo run -p ostler-runtime --example ready`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints, and ends when it cannot go on"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use ostler_core::plugin::PluginSpec;
use ostler_core::{Body, Exchange, Peer, RequestId, Scheme};
use ostler_observe::Observe;
use ostler_runtime::{Config, NoCache, Plugin, Runtime, Services, warm};
use ostler_services::{Blobs, Cache, Database, Kv, RateLimits, Sql};
use ostler_upstream::Upstream;

#[tokio::main]
async fn main() {
    let home = tempfile::tempdir().unwrap();
    let services = Services {
        kv: Kv::new(Database::open(home.path()).unwrap()),
        sql: Sql::new(home.path()),
        blobs: Blobs::new(home.path()),
        rate_limits: RateLimits::default(),
        cache: Cache::default(),
        experiments: Default::default(),
        flags: Default::default(),
        upstream: Upstream::new(Default::default()).unwrap(),
        observe: Observe::to(&Default::default(), std::io::sink()).unwrap(),
    };
    let runtime = Runtime::new(&Config { instances: 64 }, services, Arc::new(NoCache)).unwrap();
    for guest in ["typed", "p2", "p3", "todo-js", "todo-python"] {
        let bytes: Arc<[u8]> = harness::component(guest).into();
        let since = Instant::now();
        let component = runtime.compile(bytes).await.unwrap();
        let compiled = since.elapsed();
        let spec = PluginSpec::default();
        let plugin =
            |before: Option<&Plugin>| Arc::new(runtime.plugin(guest, &spec, &component, before).unwrap());
        let old = plugin(None);
        ask(&old).await;
        warm(&old, 4).await.unwrap();
        old.keep_ready(4);
        let new = plugin(Some(&old));
        for _ in 0..100 {
            ask(&new).await;
            old.sweep();
        }
        let ready = time(|| ask(&old)).await;
        let linked = time(|| async { ask(&plugin(None)).await }).await;
        println!("{guest}: kept ready {ready:?}, code loaded only {linked:?}, compiled anew {compiled:?}");
    }
}

async fn time<F: Future<Output = ()>>(mut call: impl FnMut() -> F) -> Duration {
    let since = Instant::now();
    call().await;
    since.elapsed()
}

async fn ask(plugin: &Arc<Plugin>) {
    let peer = Peer { address: "127.0.0.1:1".parse().unwrap(), scheme: Scheme::Http, certificate: None };
    let deadline = Instant::now() + Duration::from_secs(30);
    let exchange = Exchange::new(RequestId::generate(1), peer, "/".into(), Instant::now(), deadline);
    let request = Request::builder().uri("/").header("host", "a.test").body(Body::Empty).unwrap();
    let _ = ostler_runtime::call(plugin, exchange, request).await.unwrap().into_body().whole(1 << 20).await;
}
