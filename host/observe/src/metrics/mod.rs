//! Metrics in the Prometheus text format: atomics on the hot path, text only when somebody asks.
//!
//! A block of atomics is looked up by its labels once, when the snapshot that uses it is built, and kept by an `Arc`; the same
//! labels give the same block, so counts survive reloads. Invariant: the number of series is bounded, see [`blocks`].

mod blocks;
mod denial;
mod histogram;
mod kinds;
mod plugin;
mod process;
mod route;
mod text;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

pub use denial::DenialMetrics;
pub use histogram::Histogram;
pub use plugin::{Gauge, PluginMetrics};
pub use route::RouteMetrics;
pub use text::Text;

use blocks::Blocks;

/// Content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics of this process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    started: SystemTime,
    routes: Blocks<3, RouteMetrics>,
    plugins: Blocks<1, PluginMetrics>,
    denials: Blocks<2, DenialMetrics>,
    collectors: Mutex<Vec<Collector>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics(Arc::new(Inner {
            started: SystemTime::now(),
            routes: Blocks::default(),
            plugins: Blocks::default(),
            denials: Blocks::default(),
            collectors: Mutex::default(),
        }))
    }
}

type Collector = Box<dyn Fn(&mut Text) + Send + Sync>;

impl Metrics {
    /// The block for requests of one route, answered by one release (short digest) of one plugin. Texts may be empty:
    /// all three are for requests that match no route.
    pub fn route(&self, route: &str, plugin: &str, release: &str) -> Arc<RouteMetrics> {
        self.0.routes.get([route, plugin, release])
    }

    /// The block of one plugin.
    pub fn plugin(&self, plugin: &str) -> Arc<PluginMetrics> {
        self.0.plugins.get([plugin])
    }

    /// The block of refusals by one route for want of one permission, both as configured.
    pub fn denials(&self, route: &str, permission: &str) -> Arc<DenialMetrics> {
        self.0.denials.get([route, permission])
    }

    /// Adds metrics of another room: `collector` is called each time somebody asks. It must be quick.
    pub fn register(&self, collector: impl Fn(&mut Text) + Send + Sync + 'static) {
        self.0.collectors.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(collector));
    }

    /// All metrics as text, content type [`CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut text = Text::default();
        text.gauge(
            "ostler_build_info",
            "The version that runs.",
            &[("version", env!("CARGO_PKG_VERSION"))],
            1.0,
        );
        process::collect(&mut text, self.0.started);
        self.0
            .routes
            .each(|[route, plugin, release], block| block.collect(&mut text, route, plugin, release));
        self.0.plugins.each(|[plugin], block| block.collect(&mut text, plugin));
        self.0.denials.each(|[route, permission], block| block.collect(&mut text, route, permission));
        for collector in &*self.0.collectors.lock().unwrap_or_else(PoisonError::into_inner) {
            collector(&mut text);
        }
        text.finish()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;
    use ostler_core::Kind;

    use super::*;

    #[test]
    fn counts_survive_a_reload_that_asks_again() {
        let metrics = Metrics::default();
        metrics.route("/", "p", "r").observe(Ok(StatusCode::OK), Duration::ZERO, 1);
        metrics.route("/", "p", "r").observe(Ok(StatusCode::OK), Duration::ZERO, 1);
        let line =
            "ostler_requests_total{route=\"/\",plugin=\"p\",release=\"r\",status=\"200\",kind=\"\"} 2\n";
        assert!(metrics.render().contains(line), "{}", metrics.render());
    }

    #[test]
    fn everything_rendered_is_valid_exposition_text() {
        let metrics = Metrics::default();
        let hostile = "/a\"b\\c\nd{e}";
        let route = metrics.route(hostile, "p", "r");
        route.observe(Ok(StatusCode::OK), Duration::from_millis(3), 13);
        route.observe(Err(Kind::PluginTrapped), Duration::from_secs(100), 0);
        metrics.route("", "", "").observe(Err(Kind::RouteNotFound), Duration::from_micros(1), 0);
        for name in ["p", "q"] {
            let plugin = metrics.plugin(name);
            plugin.idle.set(3);
            plugin.trap(Kind::DeadlineExceeded);
            plugin.queue_wait.observe(Duration::from_micros(50));
            plugin.compile.observe(Duration::from_secs(1));
        }
        for room in ["a", "b"] {
            metrics.register(move |text| text.gauge("ostler_connections", "Open.", &[("room", room)], 2.0));
        }
        let text = metrics.render();
        let families = super::text::strict::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        for name in [
            "ostler_requests_total",
            "ostler_request_duration_seconds",
            "ostler_response_bytes_total",
            "ostler_instances",
            "ostler_queue_wait_seconds",
            "ostler_plugin_traps_total",
            "ostler_plugin_memory_bytes",
            "ostler_compile_seconds",
            "ostler_connections",
            "ostler_build_info",
            "process_start_time_seconds",
            "process_resident_memory_bytes",
        ] {
            assert!(families.contains_key(name), "{name} is missing\n{text}");
        }
        let labels = &families["ostler_requests_total"][1].labels;
        assert!(labels.contains(&("route".to_owned(), hostile.to_owned())), "{labels:?}");
    }
}
