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
//! As on the real host, what was not granted is denied: a store must be named with [`Host::kv`], a cache with [`Host::cache`],
//! a limit with [`Host::limit`], outbound HTTP needs [`Host::http`], and nobody may do anything that [`Host::allow`] does not
//! name. Without an installed `Host` every use of a capability panics and says so.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::bindings::ostler::plugin::context::{self as wit, Exchange};
use crate::context::Principal;
use crate::log::Level;
use crate::{flags, http, response::Response};

mod cache;
pub(crate) mod capabilities;
mod flag;
mod limit;
mod store;

use cache::Cache;
use flag::Flag;
use limit::Limit;
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
    caches: BTreeMap<String, Cache>,
    limits: BTreeMap<String, Limit>,
    flags: BTreeMap<String, Flag>,
    /// What the handler has added.
    flag_context: Map<String, Value>,
    /// Metric and value, in order.
    tracked: Vec<(String, f64)>,
    http: Option<Answer>,
    exchange: Exchange,
    principal: Option<wit::Principal>,
    parameters: Vec<(String, String)>,
    /// Permission and resource; an empty resource means any.
    allowed: BTreeSet<(String, String)>,
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
            caches: BTreeMap::new(),
            limits: BTreeMap::new(),
            flags: BTreeMap::new(),
            flag_context: Map::new(),
            tracked: Vec::new(),
            http: None,
            exchange,
            principal: None,
            parameters: Vec::new(),
            allowed: BTreeSet::new(),
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

    /// An empty cache of `grant = { cache = [...] }`.
    pub fn cache(mut self, cache: &str) -> Self {
        self.0.caches.entry(cache.into()).or_default();
        self
    }

    /// A limit of `grant = { limits = [...] }` that admits a cost of `admits` for each key, and again once `per` is over.
    pub fn limit(mut self, limit: &str, admits: u64, per: Duration) -> Self {
        self.0.limits.insert(limit.into(), Limit::new(admits, per));
        self
    }

    /// A flag that says `value`, whatever the context.
    pub fn flag(mut self, key: &str, value: impl Into<flags::Value>) -> Self {
        self.0.flags.insert(key.into(), Flag { value: value.into().into(), variant: None });
        self
    }

    /// A flag that says `value` by the name of its `variant`.
    pub fn flag_variant(mut self, key: &str, variant: &str, value: impl Into<flags::Value>) -> Self {
        self.0.flags.insert(key.into(), Flag { value: value.into().into(), variant: Some(variant.into()) });
        self
    }

    /// Who asks; nobody in particular otherwise.
    pub fn principal(mut self, principal: Principal) -> Self {
        let since = principal.authenticated_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.0.principal = Some(wit::Principal {
            subject: principal.subject,
            tenant: principal.tenant,
            roles: principal.roles,
            scopes: principal.scopes,
            method: principal.method,
            authenticated_at_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            claims: serde_json::Value::Object(principal.claims).to_string(),
        });
        self
    }

    /// A parameter of the request, as its document types it. Panics if `value` has no JSON form.
    pub fn parameter(mut self, name: &str, value: impl Serialize) -> Self {
        self.0.parameters.push((name.into(), serde_json::json!(value).to_string()));
        self
    }

    /// Lets the principal use `permission` on `resource`; on any if that is empty.
    pub fn allow(mut self, permission: &str, resource: &str) -> Self {
        self.0.allowed.insert((permission.into(), resource.into()));
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

    /// What a cache holds under `key`.
    pub fn cached(&self, cache: &str, key: &str) -> Option<Vec<u8>> {
        with(|state| {
            let now = state.now;
            state.caches.get(cache)?.get(key, now)
        })
    }

    /// Whether somebody has the right to make the value of `key` and has not given it back.
    pub fn is_locked(&self, cache: &str, key: &str) -> bool {
        with(|state| state.caches.get(cache).is_some_and(|cache| cache.locked.contains(key)))
    }

    /// From now on the cache answers that its shared store is gone.
    pub fn lose_cache(&self, cache: &str) {
        with(|state| {
            if let Some(cache) = state.caches.get_mut(cache) {
                cache.lost = true;
            }
        });
    }

    /// From now on the flag says `value`.
    pub fn set_flag(&self, key: &str, value: impl Into<flags::Value>) {
        let flag = Flag { value: value.into().into(), variant: None };
        with(|state| state.flags.insert(key.into(), flag));
    }

    /// Attributes that were added for flags, by name.
    pub fn flag_context(&self) -> Map<String, Value> {
        with(|state| state.flag_context.clone())
    }

    /// Values of `metric` that were tracked, in order.
    pub fn tracked(&self, metric: &str) -> Vec<f64> {
        with(|state| {
            let of_metric = state.tracked.iter().filter(|(name, _)| name == metric);
            of_metric.map(|(_, value)| *value).collect()
        })
    }

    /// Lets time pass for limits and for values with a time to live.
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
