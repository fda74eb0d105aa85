//! `rollout`: how a new release of a plugin takes over from the old one. The same keys in `[plugins.NAME.rollout]`, and with a
//! deployment, where they stand before the plugin's.
//!
//! **Invariant:** what [`RolloutSpec::to_json`] writes has the keys that are read, so that a rollout under way is understood by
//! later versions; and [`RolloutSpec::from_json`] tells what an earlier one does not understand.

mod json;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

pub use read::{METRICS_MAX, RULES_MAX, STEPS_MAX};

/// How a new release takes over.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutSpec {
    /// Default: instant.
    pub strategy: Strategy,
    /// How long the old release is kept ready to take over again, once the new one serves all. Default: 10 min.
    pub keep: Duration,
    /// Shares of a canary, in order. Default: 1, 5, 25, 50, 100 %.
    pub steps: Vec<Share>,
    /// Share of the new release in an A/B comparison (default 50 %), or of requests that are copied to a shadow (10 %).
    pub share: Option<Share>,
    /// Shortest time for a step. Default: 60 s.
    pub interval: Duration,
    /// Requests that the new release must have answered in a step. Default: 100.
    pub min_requests: u64,
    /// What makes requests belong together, so that a user does not flip. Default: the principal (of a session, whose it is),
    /// else the address.
    pub sticky: Sticky,
    /// Permission of principals whose `x-ostler-release` header chooses. Without it nobody's does.
    pub testers: Option<String>,
    /// Requests that always go to one of the two, the first that fits.
    pub rules: Vec<Rule>,
    /// Whether a shadow is also sent requests of unsafe methods. Default: no.
    pub unsafe_methods: bool,
    /// What the new release must keep to.
    pub analysis: AnalysisSpec,
}

/// The ways to take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// All requests at once.
    Instant,
    /// All requests at once; the old release is kept ready.
    BlueGreen,
    /// A growing share of the requests.
    Canary,
    /// Copies of requests, whose answers are compared and dropped.
    Shadow,
    /// Both side by side until somebody decides.
    Ab,
}

/// A share of all, in hundred-thousandths (1 % is 1,000).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(pub u32);

/// What makes requests belong together. What a request lacks is taken from its client's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sticky {
    /// Who was proved to ask.
    Principal,
    /// The client's address.
    Address,
    /// A cookie.
    Cookie(String),
    /// A header field.
    Header(String),
}

/// Requests that always go to one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Principals of this tenant.
    pub tenant: Option<String>,
    /// Requests with this field; any value if none is said.
    pub header: Option<(String, Option<String>)>,
    /// Whether they go to the new one, or to the old.
    pub candidate: bool,
}

/// What the new release must keep to, compared with the old one: over the same time, but in a last step of 100 %, where it is
/// what the old one did in the step before.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisSpec {
    /// Time between two checks. Default: 10 s.
    pub every: Duration,
    /// Failed checks that withdraw the release. Default: 2.
    pub failures: u32,
    /// Chance that a check of a step, however many are made, fails although nothing is wrong. Default: 0.01.
    pub significance: f64,
    /// Errors of the new release beyond the old one's that are borne, as part of all requests. Default: 0.
    pub error_rate: f64,
    /// How many times slower half of its answers may be. Default: 1.5.
    pub p50: f64,
    /// How many times slower the slowest hundredth may be. Default: 1.5.
    pub p99: f64,
    /// How many times more memory its instances may take. Default: 1.5.
    pub memory: f64,
    /// Metrics that plugins report, by name, with the factor of the old release's mean that is borne.
    pub metrics: Vec<MetricRule>,
}

/// What a metric that plugins report must keep to.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRule {
    /// As in `experiment.track`.
    pub name: String,
    /// Least mean, as part of the old release's.
    pub at_least: Option<f64>,
    /// Greatest mean, as part of the old release's.
    pub at_most: Option<f64>,
}

impl Default for RolloutSpec {
    fn default() -> Self {
        RolloutSpec {
            strategy: Strategy::Instant,
            keep: Duration::from_secs(600),
            steps: [1, 5, 25, 50, 100].map(|percent| Share(percent * 1_000)).into(),
            share: None,
            interval: Duration::from_secs(60),
            min_requests: 100,
            sticky: Sticky::Principal,
            testers: None,
            rules: Vec::new(),
            unsafe_methods: false,
            analysis: AnalysisSpec::default(),
        }
    }
}

impl Default for AnalysisSpec {
    fn default() -> Self {
        AnalysisSpec {
            every: Duration::from_secs(10),
            failures: 2,
            significance: 0.01,
            error_rate: 0.0,
            p50: 1.5,
            p99: 1.5,
            memory: 1.5,
            metrics: Vec::new(),
        }
    }
}

impl Share {
    /// Everything.
    pub const ALL: Share = Share(100_000);
    /// Nothing.
    pub const NONE: Share = Share(0);

    /// The share in a text such as `0.1%`; the sign may be missing. `None` if it is none, or finer than a thousandth of a
    /// percent.
    pub fn parse(text: &str) -> Option<Self> {
        let percent = text.strip_suffix('%').unwrap_or(text);
        if percent.is_empty() || !percent.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return None;
        }
        let parts = percent.parse::<f64>().ok()? * 1_000.0;
        let whole = parts.round();
        (whole <= 100_000.0 && (parts - whole).abs() < 1e-6).then_some(Share(whole as u32))
    }

    /// As a part of one.
    pub fn part(self) -> f64 {
        f64::from(self.0) / f64::from(Share::ALL.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 1_000.0)
    }
}

impl Strategy {
    /// All of them, by the names that settings, API and metrics have for them.
    pub const ALL: [(&'static str, Strategy); 5] = [
        ("instant", Strategy::Instant),
        ("blue-green", Strategy::BlueGreen),
        ("canary", Strategy::Canary),
        ("shadow", Strategy::Shadow),
        ("ab", Strategy::Ab),
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Strategy::Instant => "instant",
            Strategy::BlueGreen => "blue-green",
            Strategy::Canary => "canary",
            Strategy::Shadow => "shadow",
            Strategy::Ab => "ab",
        }
    }
}

impl RolloutSpec {
    /// The share of the new release at `step`, from 0: of a shadow, that of the requests that are copied.
    pub fn share_at(&self, step: usize) -> Share {
        match self.strategy {
            Strategy::Canary => self.steps.get(step).copied().unwrap_or(Share::ALL),
            Strategy::Instant | Strategy::BlueGreen => Share::ALL,
            Strategy::Shadow => self.share.unwrap_or(Share(10_000)),
            Strategy::Ab => self.share.unwrap_or(Share(50_000)),
        }
    }

    /// Steps of it; 1 but for a canary.
    pub fn step_count(&self) -> usize {
        if self.strategy == Strategy::Canary { self.steps.len() } else { 1 }
    }
}
