//! From bytes to machine code, off the request path.
//!
//! Machine code is kept in a [`CodeCache`], keyed by the engine's compatibility and the component's digest.
//! **Invariant:** only bytes that a cache vouches for are loaded; an uploaded file never is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_core::Digest;
use tokio::sync::oneshot;

use crate::background::Background;
use crate::engine::{Engines, Flavour};
use crate::runtime::LoadError;

/// Keeps machine code between starts.
///
/// Loading machine code trusts it with the whole process: `load` must return only bytes that an earlier `store` of this
/// host wrote, and must prove that they are unchanged.
pub trait CodeCache: Send + Sync + 'static {
    /// The machine code of `digest` for `compatibility`, if it is there and provably unchanged.
    fn load(&self, compatibility: &str, digest: &Digest) -> Option<Vec<u8>>;
    /// Keeps it; failures only cost time later.
    fn store(&self, compatibility: &str, digest: &Digest, code: &[u8]);
}

/// Keeps nothing.
pub struct NoCache;

impl CodeCache for NoCache {
    fn load(&self, _: &str, _: &Digest) -> Option<Vec<u8>> {
        None
    }

    fn store(&self, _: &str, _: &Digest, _: &[u8]) {}
}

/// A component, compiled.
#[derive(Clone)]
pub struct Component {
    /// Digest of its bytes.
    pub digest: Digest,
    /// Size of its bytes.
    pub size: u64,
    /// Time to compile, or to load if the cache had it.
    pub compile_time: Duration,
    /// Whether the cache had it.
    pub cached: bool,
    pub(crate) flavour: Flavour,
    pub(crate) code: wasmtime::component::Component,
}

impl Component {
    /// Names of everything it imports.
    pub(crate) fn imports(&self) -> Vec<String> {
        let imports = self.code.component_type();
        imports.imports(self.code.engine()).map(|(name, _)| name.to_owned()).collect()
    }
}

/// Compiles on threads of its own, in the background.
pub(crate) struct Compiler {
    engines: Engines,
    cache: Arc<dyn CodeCache>,
    threads: rayon::ThreadPool,
}

impl Compiler {
    pub(crate) fn new(
        engines: Engines,
        cache: Arc<dyn CodeCache>,
        background: &Arc<Background>,
    ) -> Result<Self, LoadError> {
        let (entering, leaving) = (background.clone(), background.clone());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads((cores / 2).max(1))
            .thread_name(|index| format!("ostler-compile-{index}"))
            .start_handler(move |_| entering.enter())
            .exit_handler(move |_| leaving.leave())
            // Without a handler rayon ends the process; the caller is told by the channel that closes.
            .panic_handler(|_| tracing::error!("the compiler panicked"))
            .build()
            .map_err(|error| LoadError::Host(error.to_string()))?;
        Ok(Compiler { engines, cache, threads })
    }

    /// Compiles `bytes`, or loads what the cache has of them.
    pub(crate) async fn compile(&self, bytes: Arc<[u8]>) -> Result<Component, LoadError> {
        let (engines, cache) = (self.engines.clone(), self.cache.clone());
        let (done, wait) = oneshot::channel();
        self.threads.spawn(move || {
            let _ = done.send(compile(&engines, &*cache, &bytes));
        });
        wait.await.unwrap_or_else(|_| Err(LoadError::Host("the compiler panicked".into())))
    }
}

fn compile(engines: &Engines, cache: &dyn CodeCache, bytes: &[u8]) -> Result<Component, LoadError> {
    let start = Instant::now();
    let digest = Digest::of(bytes);
    let flavour = flavour(bytes)?;
    let compatibility = engines.compatibility();
    let engine = engines.of(flavour);
    if let Some(code) = cache.load(&compatibility, &digest) {
        match load(engine, &code) {
            Ok(code) => return Ok(finish(digest, bytes, start, true, flavour, code)),
            Err(error) => {
                tracing::warn!(%digest, %error, "cached machine code does not load; compiling again")
            }
        }
    }
    let code = wasmtime::component::Component::new(engine, bytes)
        .map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
    match code.serialize() {
        Ok(serialized) => cache.store(&compatibility, &digest, &serialized),
        Err(error) => tracing::warn!(%digest, %error, "machine code cannot be kept"),
    }
    Ok(finish(digest, bytes, start, false, flavour, code))
}

fn finish(
    digest: Digest,
    bytes: &[u8],
    start: Instant,
    cached: bool,
    flavour: Flavour,
    code: wasmtime::component::Component,
) -> Component {
    Component { digest, size: bytes.len() as u64, compile_time: start.elapsed(), cached, flavour, code }
}

/// Loads machine code that a [`CodeCache`] vouches for.
#[allow(unsafe_code, reason = "the one place where machine code is loaded")]
fn load(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<wasmtime::component::Component> {
    // SAFETY: `deserialize` runs whatever the bytes say. A cache returns only bytes that this host serialized itself and
    // whose SHA-256 it has just compared with the one recorded when it wrote them (`CodeCache::load`), the copy checked is
    // the copy loaded, and the state folder is readable and writable by the host's user alone. Code of another engine
    // version or configuration is refused by wasmtime's own header check and by the key.
    unsafe { wasmtime::component::Component::deserialize(engine, code) }
}

/// Which engine `bytes` need, judged by the names of their top-level imports and exports.
fn flavour(bytes: &[u8]) -> Result<Flavour, LoadError> {
    use wasmparser::{Encoding, Parser, Payload};
    let mut depth = 0usize;
    let mut flavour = Flavour::Sequential;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| LoadError::Invalid(error.to_string()))?;
        // Spin 4 has async functions in packages of its own, whatever WASI stands beside them.
        let is_03 =
            |name: &str| name.starts_with("wasi:") && name.contains("@0.3") || name.starts_with("spin:");
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(LoadError::NotAComponent);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports.into_iter().flatten() {
                    if is_03(import.name.name) {
                        flavour = Flavour::Concurrent;
                    }
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports.into_iter().flatten() {
                    if is_03(export.name.name) {
                        flavour = Flavour::Concurrent;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(flavour)
}
