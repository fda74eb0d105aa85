//! Unit tests without a host: every capability as an in-memory stand-in, for the thread that installed it.
//!
//! ```
//! use ostler_sdk::{kv, testing::Host};
//!
//! let host = Host::new().kv("visits").config("greeting", "hi").install();
//! kv::open("visits").increment("front", 1)?;
//! assert_eq!(host.value("visits", "front").as_deref(), Some(b"1".as_slice()));
//! # Ok::<(), kv::Error>(())
//! ```
//!
//! As on the real host, what was not granted is denied: a store must be named with [`Host::kv`], and outbound HTTP
//! needs [`Host::http`]. Without an installed `Host` every use of a capability panics and says so.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use crate::bindings::ostler::plugin::context::Exchange;
use crate::log::Level;
use crate::{http, response::Response};

pub(crate) mod capabilities;
mod store;

use store::Store;

type Answer = Rc<dyn Fn(http::Request) -> Result<Response, http::Error>>;

thread_local! {
    static INSTALLED: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// A log line that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its level.
    pub level: Level,
    /// Its text.
    pub message: String,
    /// Its fields in their order.
    pub fields: Vec<(String, String)>,
}

/// What the stand-ins know.
struct State {
    config: BTreeMap<String, String>,
    stores: BTreeMap<String, Store>,
    http: Option<Answer>,
    exchange: Exchange,
    deadline_left: Duration,
    now: Duration,
    lines: Vec<Line>,
}

/// A host to be: say what it grants, then [`install`](Host::install) it.
pub struct Host(State);

impl Default for Host {
    fn default() -> Self {
        Host::new()
    }
}

impl Host {
    /// Grants nothing; 2 s are left until the deadline.
    pub fn new() -> Self {
        let exchange = Exchange {
            request_id: "test-request".into(),
            route: "/{*rest}".into(),
            plugin: "test".into(),
            release: format!("sha256:{}", "0".repeat(64)),
            client_address: "127.0.0.1".into(),
        };
        Host(State {
            config: BTreeMap::new(),
            stores: BTreeMap::new(),
            http: None,
            exchange,
            deadline_left: Duration::from_secs(2),
            now: Duration::ZERO,
            lines: Vec::new(),
        })
    }

    /// A value of `grant = { config = { ... } }`.
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.0.config.insert(key.into(), value.into());
        self
    }

    /// An empty store of `grant = { kv = [...] }`.
    pub fn kv(mut self, store: &str) -> Self {
        self.0.stores.entry(store.into()).or_default();
        self
    }

    /// A store with something in it.
    pub fn kv_value(mut self, store: &str, key: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.stores.entry(store.into()).or_default().put(key, value.into(), None);
        self
    }

    /// Answers outbound requests in place of all other servers.
    pub fn http(mut self, answer: impl Fn(http::Request) -> Result<Response, http::Error> + 'static) -> Self {
        self.0.http = Some(Rc::new(answer));
        self
    }

    /// The client's address; 127.0.0.1 otherwise.
    pub fn client_address(mut self, address: &str) -> Self {
        self.0.exchange.client_address = address.into();
        self
    }

    /// The request's id; `test-request` otherwise.
    pub fn request_id(mut self, id: &str) -> Self {
        self.0.exchange.request_id = id.into();
        self
    }

    /// What is left until the deadline.
    pub fn deadline_left(mut self, left: Duration) -> Self {
        self.0.deadline_left = left;
        self
    }

    /// Puts the stand-ins in place for this thread, until the returned value is dropped.
    #[must_use = "the host is gone once this is dropped"]
    pub fn install(self) -> Installed {
        INSTALLED.with_borrow_mut(|installed| *installed = Some(self.0));
        Installed(PhantomData)
    }
}

/// The host of this thread; look here for what a handler did.
pub struct Installed(PhantomData<Rc<()>>);

impl Installed {
    /// Log lines so far.
    pub fn logs(&self) -> Vec<Line> {
        with(|state| state.lines.clone())
    }

    /// What a store holds under `key`.
    pub fn value(&self, store: &str, key: &str) -> Option<Vec<u8>> {
        with(|state| {
            let now = state.now;
            state.stores.get(store)?.get(key, now)
        })
    }

    /// Lets time pass for values with a time to live.
    pub fn advance(&self, by: Duration) {
        with(|state| state.now += by);
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        INSTALLED.with_borrow_mut(|installed| *installed = None);
    }
}

fn with<T>(look: impl FnOnce(&mut State) -> T) -> T {
    INSTALLED.with_borrow_mut(|installed| match installed {
        Some(state) => look(state),
        None => panic!(
            "no host on this thread: begin the test with `let _host = ostler_sdk::testing::Host::new().install();`"
        ),
    })
}
