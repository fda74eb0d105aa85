//! Puts the rooms together, one line per room, and runs them until they are told to stop.

mod aside;
mod caches;
mod code;
mod connections;
mod flags;
mod limits;
mod reload;
mod signals;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ostler_admin::{Api, Control, Refusal, Token, TokenError};
use ostler_edge::{Listen, Server, ServerError};
use ostler_identity::authenticate::{Failures, Needs, NeedsError};
use ostler_observe::{Observe, StartError};
use ostler_policy::GateServices;
use ostler_policy::overload::Overload;
use ostler_release::Registry;
use ostler_release::flags::Store;
use ostler_runtime::{LoadError, Runtime, Services};
use ostler_services::{Blobs, Cache, Clock, Database, DatabaseError, Kv, RateLimits, Redis, Sql};
use ostler_upstream::{BadCa, Upstream};
use tokio::sync::oneshot;

use crate::config::Config;
use code::KeptCode;
use reload::Reload;
use signals::Signals;

/// Interval after which an idle instance counts as one sweep older; it ends after two.
const SWEEP: Duration = Duration::from_secs(30);

/// Why the host cannot start. Each message tells the repair, or holds one that does.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Observe(#[from] StartError),
    #[error(transparent)]
    State(#[from] DatabaseError),
    #[error(transparent)]
    Releases(#[from] ostler_release::Error),
    #[error("cannot use [redis]: {0}")]
    Redis(#[from] ostler_services::redis::RedisError),
    #[error(transparent)]
    Flags(#[from] ostler_release::flags::LoadError),
    #[error(transparent)]
    FlagProvider(#[from] ostler_release::flags::provider::ProviderError),
    #[error(transparent)]
    Identity(#[from] NeedsError),
    #[error(transparent)]
    Upstream(#[from] BadCa),
    #[error("cannot start the Wasm runtime: {0}")]
    Runtime(#[from] LoadError),
    #[error(transparent)]
    Plugins(#[from] Refusal),
    #[error(transparent)]
    Listen(#[from] ServerError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("cannot take signals: {0}")]
    Signals(std::io::Error),
}

/// Serves until SIGTERM or SIGINT, then drains. Needs a tokio runtime.
pub(crate) async fn serve(config: Config) -> Result<(), Error> {
    // Two providers of cryptography are linked; crates that name none (the one for Redis) would not choose.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let observe = Observe::start(&config.observe)?;
    let served = run(config, observe.clone()).await;
    if let Err(error) = &served {
        tracing::error!(%error, "the host ends");
    }
    observe.close();
    served
}

async fn run(config: Config, observe: Observe) -> Result<(), Error> {
    let mut signals = Signals::new().map_err(Error::Signals)?;
    let edge = Server::bind(&config.server)?;
    let admin = Server::bind(&config.admin.server())?;
    let aside = config.gate.flags.ofrep.as_ref().and_then(|ofrep| ofrep.listen);
    let aside = aside.map(|listen| Server::bind(&aside::server(listen))).transpose()?;
    let database = Database::open(&config.state)?;
    let kv = Kv::new(database.clone());
    let registry = Registry::open(database.clone())?;
    let upstream = Upstream::new(config.upstream.clone())?;
    let sql = Sql::new(database.state_dir());
    let blobs = Blobs::new(database.state_dir());
    let redis = config.redis.as_ref().map(Redis::new).transpose()?;
    let limits = RateLimits::new(redis.clone());
    let cache = Cache::new(&config.cache, &config.state, redis.clone());
    caches::register(&observe.metrics, &cache);
    let flags = Store::open(database.clone(), Clock::default(), &config.flags, redis.clone())?;
    flags::register(&observe.metrics, flags.clone());
    flags::provide(&config.flags, flags.flags()).await?;
    let counted = limits.clone();
    let failures = Failures::new(&observe.metrics);
    let identity = Needs::open(database.clone(), upstream.clone(), observe.clone(), failures)?;
    observe.exposures.hash_with(identity.secret.pseudonyms("exposure"));
    let (keys, sessions) = (identity.keys.clone(), identity.sessions.clone());
    let (limiting, caching) = (limits.clone(), cache.clone());
    let gate = GateServices {
        limits: limiting,
        cache: caching,
        flags: flags.flags().clone(),
        identity,
        overload: Overload::measured(&observe.metrics),
    };
    let services = Services {
        kv: kv.clone(),
        sql,
        blobs,
        rate_limits: limits,
        cache,
        flags: flags.flags().clone(),
        upstream,
        observe: observe.clone(),
    };
    let code = Arc::new(KeptCode(registry.code().clone()));
    let runtime = Runtime::new(&config.runtime, services, code.clone())?;
    let compatibility = runtime.compatibility();
    let _ = tokio::task::spawn_blocking(move || code.prune(&compatibility)).await;
    let token = Token::read_or_create(&config.admin.token_file)?;
    let setup = config.setup();
    let control = tokio::select! {
        started = Control::start(runtime, registry, observe.clone(), gate, setup) => started?,
        () = signals.until_stop(|| {}) => return Ok(()),
    };
    let draining = Arc::new(AtomicBool::new(false));
    let drain_delay = config.server.limits.drain_delay;
    let certificates = [edge.certificate(), admin.certificate()].into_iter().flatten().collect();
    let reload = Reload::new(config, control.clone(), observe.clone(), flags.clone(), certificates);
    let api = Api::new(control.clone(), flags.clone(), token, reload.for_api(), draining.clone());
    limits::register(&observe.metrics, counted, redis);
    connections::register(&observe.metrics, "edge", edge.counters());
    connections::register(&observe.metrics, "admin", admin.counters());

    tokio::spawn(kv.sweep_forever());
    tokio::spawn(keys.note_uses_forever());
    tokio::spawn(sessions.sweep_forever());
    tokio::spawn(sweep(control.clone()));
    tokio::spawn(watch::watch(reload.clone(), control.clone()));
    tokio::spawn(flags::watch(flags));
    announce(&edge, &admin);

    let (stop_edge, edge_stops) = oneshot::channel::<()>();
    let (stop_admin, admin_stops) = oneshot::channel::<()>();
    let admin = tokio::spawn(admin.run(Arc::new(api), ended(admin_stops)));
    let edge = tokio::spawn(edge.run(control.order().clone(), ended(edge_stops)));
    let aside = aside::Aside::start(aside, &control, &observe);
    signals.until_stop(|| reload.begin()).await;
    draining.store(true, Ordering::Relaxed);
    if !drain_delay.is_zero() {
        tracing::info!("not ready any more; listeners stay open for drain_delay");
        tokio::select! {
            () = tokio::time::sleep(drain_delay) => {}
            () = signals.until_stop(|| {}) => {}
        }
    }
    tracing::info!("draining: no new connections, requests under way are finished");
    drop(stop_edge);
    let drained = tokio::select! {
        drained = edge => drained.ok(),
        () = signals.until_stop(|| {}) => None,
    };
    aside.stop().await;
    drop(stop_admin);
    let _ = tokio::time::timeout(Duration::from_secs(1), admin).await;
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || database.settle()).await {
        tracing::warn!(%error, "the write-ahead log stays beside the database; the next start takes it over");
    }
    tracing::info!(cut = drained.map_or(0, |drained| drained.cut), "stopped");
    Ok(())
}

/// Completes once the other end is dropped.
async fn ended(signal: oneshot::Receiver<()>) {
    let _ = signal.await;
}

async fn sweep(control: Control) {
    loop {
        tokio::time::sleep(SWEEP).await;
        control.sweep().await;
    }
}

fn announce(edge: &Server, admin: &Server) {
    let url = |listen: &Listen| format!("{}://{}", listen.scheme.as_str(), listen.address);
    for listen in edge.addresses() {
        tracing::info!(listen = url(&listen), "serving");
    }
    for listen in admin.addresses() {
        tracing::info!(listen = url(&listen), "admin API");
    }
}
