//! `[overload]`: how many requests are let in at once, and which are shed first when there are more.
//!
//! The host has a limit, and each plugin has one, learned from how long its calls take ([`limit`]). A request that finds no
//! place is refused at once: what waits only grows old. Low priority is shed first, high priority last.
//!
//! **Invariant:** whoever was let in gives its place back, however its request ends.

mod gradient;
mod limit;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ostler_core::gate::Priority;
use ostler_core::settings::Section;
use ostler_core::{Error, Kind};
use ostler_observe::Metrics;
use ostler_observe::metrics::Text;

pub(crate) use limit::Limit;

use limit::Bounds;

/// Settings of `[overload]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `adaptive`: whether limits follow how long calls take. Default: true; false keeps them at their upper bounds.
    pub adaptive: bool,
    /// `max_in_flight`: requests at once, of the whole host. Default: 4096.
    pub max_in_flight: u32,
    /// `plugin_max_in_flight`: requests at once, of one plugin. Default: 1024.
    pub plugin_max_in_flight: u32,
    /// `min_in_flight`: requests at once that each limit lets in however slow calls have become. Default: 64.
    pub min_in_flight: u32,
    /// `retry_after`: what a request that was shed is told. Default: 1 s.
    pub retry_after: Duration,
}

/// Knows how much this host and each plugin can take.
pub struct Overload {
    host: Arc<Limit>,
    plugins: Mutex<Plugins>,
    retry_after_ms: AtomicU32,
    /// Times are counted from here.
    since: Instant,
}

struct Plugins {
    bounds: Bounds,
    /// By plugin and, for one that takes over, its release.
    limits: BTreeMap<(String, String), Arc<Limit>>,
}

/// A place among the requests under way; dropped when the reply has been made.
pub(crate) struct Place<'a> {
    overload: &'a Overload,
    plugin: Option<&'a Limit>,
    /// Requests of the plugin under way, this one among them.
    crowd: u32,
    /// It is the place of a release that takes over, whose slowness says nothing of the host.
    trial: bool,
}

/// When a call began, if there is something to learn from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing(Option<u64>);

impl Default for Config {
    fn default() -> Self {
        Config {
            adaptive: true,
            max_in_flight: 4096,
            plugin_max_in_flight: 1024,
            min_in_flight: 64,
            retry_after: Duration::from_secs(1),
        }
    }
}

impl Config {
    /// Reads `[overload]`.
    pub fn read(mut section: Section<'_>) -> Self {
        let default = Config::default();
        let mut count = |key, default: u32| {
            section.integer(key, 1..=1_000_000).and_then(|count| u32::try_from(count).ok()).unwrap_or(default)
        };
        let max_in_flight = count("max_in_flight", default.max_in_flight);
        let plugin_max_in_flight = count("plugin_max_in_flight", default.plugin_max_in_flight);
        let min_in_flight = count("min_in_flight", default.min_in_flight);
        let retry_after = Duration::from_secs(1)..=Duration::from_secs(3600);
        let config = Config {
            adaptive: section.boolean("adaptive").unwrap_or(default.adaptive),
            max_in_flight,
            plugin_max_in_flight,
            min_in_flight,
            retry_after: section.duration("retry_after", retry_after).unwrap_or(default.retry_after),
        };
        let least = max_in_flight.min(plugin_max_in_flight);
        if section.has("min_in_flight") && min_in_flight > least {
            let allowed = "at most max_in_flight and plugin_max_in_flight";
            section.problem(
                "min_in_flight",
                min_in_flight.to_string(),
                allowed,
                format!("write {least} or less"),
            );
        }
        section.finish();
        config
    }

    fn host(&self) -> Bounds {
        Bounds::new(self.min_in_flight, self.max_in_flight, self.max_in_flight, self.adaptive)
    }

    /// A plugin begins in the middle: far above what it needs when all is well, not so far that the first overload is felt long.
    fn plugin(&self) -> Bounds {
        const FIRST: u32 = 512;
        Bounds::new(self.min_in_flight, FIRST, self.plugin_max_in_flight, self.adaptive)
    }
}

impl Default for Overload {
    fn default() -> Self {
        let config = Config::default();
        Overload {
            host: Arc::new(Limit::of_ratios(config.host())),
            plugins: Mutex::new(Plugins { bounds: config.plugin(), limits: BTreeMap::new() }),
            retry_after_ms: AtomicU32::new(1000),
            since: Instant::now(),
        }
    }
}

impl Overload {
    /// One whose limits are among `metrics`.
    pub fn measured(metrics: &Metrics) -> Arc<Self> {
        let overload = Arc::new(Overload::default());
        let own = overload.clone();
        metrics.register(move |text| own.collect(text));
        overload
    }

    /// Puts these settings in force; what was learned stays.
    pub fn apply(&self, config: &Config) {
        let retry_after = u32::try_from(config.retry_after.as_millis()).unwrap_or(u32::MAX);
        self.retry_after_ms.store(retry_after, Ordering::Relaxed);
        self.host.bound(config.host());
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        plugins.bounds = config.plugin();
        // A plugin that is gone has nobody else who holds its limit.
        plugins.limits.retain(|_, limit| Arc::strong_count(limit) > 1);
        plugins.limits.values().for_each(|limit| limit.bound(config.plugin()));
    }

    /// The limit of a plugin, the same as long as somebody holds it.
    pub(crate) fn plugin(&self, name: &str) -> Arc<Limit> {
        self.candidate(name, "")
    }

    /// The limit of a release of a plugin that takes over from the live one, likewise.
    pub(crate) fn candidate(&self, plugin: &str, release: &str) -> Arc<Limit> {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        let (bounds, name) = (plugins.bounds, (plugin.to_owned(), release.to_owned()));
        plugins.limits.entry(name).or_insert_with(|| Arc::new(Limit::of_times(bounds))).clone()
    }

    /// Lets a request of `plugin` in, or sheds it.
    pub(crate) fn admit<'a>(
        &'a self,
        plugin: Option<&'a Limit>,
        priority: Priority,
    ) -> Result<Place<'a>, Error> {
        if self.host.enter(priority).is_none() {
            let detail = "this host has more requests under way than it can answer in time";
            return Err(self.shed(&self.host, detail));
        }
        let mut place = Place { overload: self, plugin: None, crowd: 0, trial: false };
        if let Some(limit) = plugin {
            place.enter(limit, priority)?;
        }
        Ok(place)
    }

    #[cold]
    fn shed(&self, limit: &Limit, detail: &'static str) -> Error {
        limit.doubt(self.now());
        let after = Duration::from_millis(self.retry_after_ms.load(Ordering::Relaxed).into());
        Error::new(Kind::Overloaded, detail).retry_after(after)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn collect(&self, text: &mut Text) {
        let limits = self.plugins.lock().unwrap_or_else(PoisonError::into_inner).limits.clone();
        let plugins =
            limits.iter().map(|((plugin, release), limit)| (plugin.as_str(), release.as_str(), limit));
        for (plugin, release, limit) in plugins.chain([("", "", &self.host)]) {
            limit.collect(text, plugin, release);
        }
    }
}

impl<'a> Place<'a> {
    /// Gives the place of the plugin back for one of its release that takes over, which has this limit.
    pub(crate) fn change(&mut self, limit: &'a Limit, priority: Priority) -> Result<(), Error> {
        if let Some(plugin) = self.plugin.take() {
            plugin.leave();
        }
        self.trial = true;
        self.enter(limit, priority)
    }

    fn enter(&mut self, limit: &'a Limit, priority: Priority) -> Result<(), Error> {
        let Some(crowd) = limit.enter(priority) else {
            let detail = "this handler has more requests under way than it can answer in time";
            return Err(self.overload.shed(limit, detail));
        };
        (self.plugin, self.crowd) = (Some(limit), crowd);
        Ok(())
    }

    /// Notes the time before a call, if it is one to learn from. One whose body is still to come is not: it takes the time of
    /// the client.
    pub(crate) fn begin(&self, body_to_come: bool) -> Timing {
        let plugin = self.plugin.filter(|plugin| !body_to_come && plugin.learns(self.crowd));
        Timing(plugin.map(|_| self.overload.now()))
    }

    /// Learns from what the call took. One that was refused without being done took no time.
    pub(crate) fn end(&self, timing: Timing, failed: Option<&Error>) {
        let done = failed.is_none_or(|error| error.kind == Kind::DeadlineExceeded);
        let (Some(plugin), Some(start), true) = (self.plugin, timing.0, done) else { return };
        let end = self.overload.now();
        let took = end.saturating_sub(start);
        if let Some(ratio) = plugin.ratio(took).filter(|_| !self.trial) {
            self.overload.host.learn(ratio, end);
        }
        plugin.learn(took, end);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(plugin) = self.plugin {
            plugin.leave();
        }
        self.overload.host.leave();
    }
}

#[cfg(test)]
mod tests;
