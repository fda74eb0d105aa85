//! A runtime over real services, a server that counts who comes, and what the real stores hold.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use http::Request;
use ostler_core::plugin::{Grant, PluginSpec};
use ostler_core::settings::{Node, Problems};
use ostler_core::{Body, Exchange, Peer, RequestId, Scheme};
use ostler_observe::Observe;
use ostler_release::flags::Flags;
use ostler_runtime::{Component, Config, NoCache, Plugin, Runtime, Services};
use ostler_services::{Blobs, Cache, Database, Kv, RateLimits, Sql, blob, limits};
use ostler_upstream::Upstream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Name of the one store, database, container, cache and limit that plugins are granted.
pub(crate) const NAME: &str = "default";

/// A host without its edges.
pub(crate) struct Rig {
    pub(crate) runtime: Runtime,
    pub(crate) services: Services,
    pub(crate) server: Server,
    pub(crate) home: tempfile::TempDir,
}

/// An origin that answers everything with `200 real`.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Rig::with(Flags::default()).await
    }

    /// One with these feature flags.
    pub(crate) async fn with(flags: Flags) -> Self {
        let home = tempfile::tempdir().unwrap();
        let database = Database::open(home.path()).unwrap();
        let rate_limits = RateLimits::default();
        rate_limits.apply(&[(NAME.to_owned(), limit("rate = '3/h'"))].into());
        let services = Services {
            experiments: Default::default(),
            kv: Kv::new(database),
            sql: Sql::new(home.path()),
            blobs: Blobs::new(home.path()),
            rate_limits,
            cache: Cache::default(),
            flags,
            upstream: Upstream::new(Default::default()).unwrap(),
            observe: Observe::to(&Default::default(), std::io::sink()).unwrap(),
        };
        let runtime = Runtime::new(&Config { instances: 64 }, services.clone(), Arc::new(NoCache)).unwrap();
        Rig { runtime, services, server: Server::start().await, home }
    }

    /// All grants that a plugin may have, by the one name.
    pub(crate) fn spec(&self) -> PluginSpec {
        let one = || vec![NAME.to_owned()];
        let grant = Grant {
            kv: one(),
            sqlite: one(),
            blob: one(),
            limits: one(),
            cache: one(),
            http: vec![self.server.origin()],
            ..Grant::default()
        };
        PluginSpec { grant, ..PluginSpec::default() }
    }

    pub(crate) async fn guest(&self, name: &str) -> Component {
        self.runtime.compile(harness::component(name).into()).await.unwrap()
    }

    /// Fills the real stores, which the plugins are granted.
    pub(crate) async fn fill(&self) {
        let Services { kv, sql, blobs, cache, .. } = &self.services;
        for (key, value) in [("a", "real"), ("real", "1"), ("sum", "7")] {
            kv.set(NAME, key.as_bytes(), value.into(), None).await.unwrap();
        }
        let session = sql.open(NAME).await.unwrap();
        for statement in ["CREATE TABLE real (v)", "INSERT INTO real VALUES (7)"] {
            session.execute(statement.into(), Vec::new(), soon()).await.unwrap();
        }
        let mut staged = blobs.stage().await.unwrap();
        staged.write(b"real").unwrap();
        blobs.commit(staged, blob::Id { container: NAME.into(), object: "real".into() }).await.unwrap();
        cache.set_value(NAME, "real", "real".into(), None, &["tag".into()], None).unwrap();
    }

    /// Whether the real stores hold what [`Rig::fill`] left, and nobody has come to the server.
    pub(crate) async fn assert_untouched(&self, after: &str) {
        let Services { kv, sql, blobs, cache, rate_limits, .. } = &self.services;
        let page = kv.list(NAME, b"", None, 100).unwrap();
        assert_eq!(page.keys, [&b"a"[..], b"real", b"sum"], "{after}");
        let values = kv.get_many(NAME, &page.keys).unwrap();
        assert_eq!(values, [&b"real"[..], b"1", b"7"].map(|value| Some(value.to_vec())), "{after}");
        let session = sql.open(NAME).await.unwrap();
        let schema = "SELECT group_concat(name), (SELECT sum(v) FROM real) FROM sqlite_schema";
        let answer = session.execute(schema.into(), Vec::new(), soon()).await.unwrap();
        let values =
            [ostler_services::sql::Value::Text("real".into()), ostler_services::sql::Value::Integer(7)];
        assert_eq!(answer.rows, [values], "{after}");
        assert_eq!(blobs.list(NAME.into()).await.unwrap(), ["real"], "{after}");
        let info = blobs.info(blob::Id { container: NAME.into(), object: "real".into() }).await.unwrap();
        assert_eq!(info.bytes, 4, "{after}");
        assert_eq!(cache.value(NAME, "real").await.unwrap().as_deref(), Some(&b"real"[..]), "{after}");
        let figures = rate_limits.figures();
        assert_eq!((figures[0].admitted, figures[0].refused), (0, 0), "{after}");
        assert_eq!(self.server.connections.load(SeqCst), 0, "{after}");
    }

    /// Folders of scratch state that are there.
    pub(crate) fn scratch(&self) -> usize {
        std::fs::read_dir(self.home.path().join("scratch")).map_or(0, Iterator::count)
    }
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                counted.fetch_add(1, SeqCst);
                tokio::spawn(async move {
                    let _ = socket.read(&mut [0; 4096]).await;
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nreal";
                    let _ = socket.write_all(answer.as_bytes()).await;
                });
            }
        });
        Server { address, connections }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Asks `plugin` as a request would.
pub(crate) async fn ask(plugin: &Arc<Plugin>, method: &str, target: &str, body: &str) -> Got {
    let peer = Peer { address: "127.0.0.1:1".parse().unwrap(), scheme: Scheme::Http, certificate: None };
    let exchange = Exchange::new(RequestId::generate(1), peer, "/".into(), Instant::now(), soon());
    let request = Request::builder().method(method).uri(target).header("host", "a.test");
    let request = request.body(Body::full(body.to_owned())).unwrap();
    match ostler_runtime::call(plugin, exchange, request).await {
        Ok(response) => {
            let status = response.status().as_u16();
            let body = response.into_body().whole(1 << 20).await.unwrap();
            Got { status, body: String::from_utf8_lossy(&body).into_owned() }
        }
        Err(error) => Got { status: 599, body: format!("{error:?}") },
    }
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn limit(text: &str) -> limits::Config {
    let problems = Problems::new("t");
    let node = Node::from_toml(text, &problems);
    let config = limits::Config::read(NAME, node.section("limits.a", &problems), true);
    assert!(!problems.fatal());
    config
}
