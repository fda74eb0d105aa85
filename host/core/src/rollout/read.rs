//! Reads the keys of a rollout.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::{AnalysisSpec, MetricRule, RolloutSpec, Rule, Share, Sticky, Strategy};
use crate::settings::{Section, Value};

/// Steps of a canary.
pub const STEPS_MAX: usize = 20;
/// Rules of a rollout.
pub const RULES_MAX: usize = 50;
/// Metrics that an analysis compares.
pub const METRICS_MAX: usize = 20;
/// Bytes of a tenant's name, a permission, a cookie's name or a field's value in a rule.
const TEXT_MAX: usize = 256;

const DAY: Duration = Duration::from_secs(24 * 3600);
const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(30 * 24 * 3600);
const EVERY: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3600);
/// How many times as much is borne; the upper end is as good as no bound.
const FACTOR: RangeInclusive<f64> = 1.0..=1_000.0;

impl RolloutSpec {
    /// Reads the keys of a section, with what it leaves open taken from `base`; the caller finishes the section.
    pub fn read(section: &mut Section<'_>, base: &RolloutSpec) -> Self {
        RolloutSpec {
            strategy: section.choice("strategy", &Strategy::ALL).unwrap_or(base.strategy),
            keep: section.duration("keep", Duration::ZERO..=DAY).unwrap_or(base.keep),
            steps: steps(section).unwrap_or_else(|| base.steps.clone()),
            share: section.read("share", SHARE, share).map(|share| share.value).or(base.share),
            interval: section.duration("interval", INTERVAL).unwrap_or(base.interval),
            min_requests: min_requests(section).unwrap_or(base.min_requests),
            sticky: sticky(section).unwrap_or_else(|| base.sticky.clone()),
            testers: text(section, "testers", "a permission").or_else(|| base.testers.clone()),
            rules: rules(section).unwrap_or_else(|| base.rules.clone()),
            unsafe_methods: section.boolean("unsafe_methods").unwrap_or(base.unsafe_methods),
            analysis: match section.section("analysis") {
                Some(section) => AnalysisSpec::read(section, &base.analysis),
                None => base.analysis.clone(),
            },
        }
    }
}

impl AnalysisSpec {
    fn read(mut section: Section<'_>, base: &AnalysisSpec) -> Self {
        let failures = section.integer("failures", 1..=100).map(|count| count as u32);
        let spec = AnalysisSpec {
            every: section.duration("every", EVERY).unwrap_or(base.every),
            failures: failures.unwrap_or(base.failures),
            significance: section.number("significance", 1e-9..=0.2).unwrap_or(base.significance),
            error_rate: section.number("error_rate", 0.0..=1.0).unwrap_or(base.error_rate),
            p50: section.number("p50", FACTOR).unwrap_or(base.p50),
            p99: section.number("p99", FACTOR).unwrap_or(base.p99),
            memory: section.number("memory", FACTOR).unwrap_or(base.memory),
            metrics: metrics(&mut section).unwrap_or_else(|| base.metrics.clone()),
        };
        section.finish();
        spec
    }
}

const SHARE: &str = "a share above 0% up to 100%, as 10 or \"0.1%\", in steps of 0.001%";

/// A share: a whole number of percent, or a text.
fn share(value: &Value) -> Option<Share> {
    let share = match value {
        Value::Integer(percent) => Share(u32::try_from(*percent).ok()?.checked_mul(1_000)?),
        Value::String(text) => Share::parse(text)?,
        _ => return None,
    };
    (Share::NONE < share && share <= Share::ALL).then_some(share)
}

/// Shares that rise, with 100 % at the end whether or not it is said.
fn steps(section: &mut Section<'_>) -> Option<Vec<Share>> {
    let allowed = format!("1 to {STEPS_MAX} shares that rise, as [1, 5, 25, 50, 100] or [\"0.1%\", \"1%\"]");
    let items = section.read("steps", &allowed, |value| match value {
        Value::Array(items) if !items.is_empty() => {
            Some(items.iter().map(|item| (item.value.to_string(), share(&item.value))).collect::<Vec<_>>())
        }
        _ => None,
    })?;
    let mut steps: Vec<Share> = Vec::new();
    for (found, share) in items.value {
        let found = match (share, steps.last()) {
            (None, _) => format!("{found}, which is no share above 0% up to 100%"),
            (Some(share), Some(before)) if share <= *before => format!("{share} after {before}"),
            (Some(share), _) => {
                steps.push(share);
                continue;
            }
        };
        section.problem("steps", found, allowed, "");
        return None;
    }
    if steps.last() != Some(&Share::ALL) {
        steps.push(Share::ALL);
    }
    if steps.len() > STEPS_MAX {
        section.problem("steps", format!("{} shares, the last included", steps.len()), allowed, "");
        return None;
    }
    Some(steps)
}

fn min_requests(section: &mut Section<'_>) -> Option<u64> {
    section.integer("min_requests", 1..=1_000_000_000).map(i64::unsigned_abs)
}

fn sticky(section: &mut Section<'_>) -> Option<Sticky> {
    let allowed = "\"principal\", \"address\", \"cookie:NAME\" or \"header:NAME\"";
    let read = section.read("sticky", allowed, |value| {
        let Value::String(text) = value else { return None };
        match text.split_once(':') {
            None if text == "principal" => Some(Sticky::Principal),
            None if text == "address" => Some(Sticky::Address),
            Some(("cookie", name)) => is_cookie(name).then(|| Sticky::Cookie(name.to_owned())),
            Some(("header", name)) => field(name).map(Sticky::Header),
            _ => None,
        }
    });
    read.map(|sticky| sticky.value)
}

fn rules(section: &mut Section<'_>) -> Option<Vec<Rule>> {
    let tables = some_of(section, "rules", RULES_MAX)?;
    Some(tables.into_iter().filter_map(rule).collect())
}

fn rule(mut section: Section<'_>) -> Option<Rule> {
    section.missing("release", "\"candidate\" or \"stable\"");
    let candidate = section.choice("release", &[("candidate", true), ("stable", false)]);
    let tenant = text(&mut section, "tenant", "a tenant's name");
    let name = section.read("header", "a field's name", |value| match value {
        Value::String(text) => field(text),
        _ => None,
    });
    let value = section.read("value", "a field's value", |value| match value {
        Value::String(text) if text.len() <= TEXT_MAX => {
            HeaderValue::from_str(text).is_ok().then(|| text.clone())
        }
        _ => None,
    });
    if !section.has("tenant") && !section.has("header") {
        section.problem(
            "tenant",
            "neither tenant nor header",
            "one of them or both",
            "say whose requests it is about",
        );
    }
    if section.has("value") && !section.has("header") {
        section.problem("value", "a value of no field", "only beside header", "add header = \"NAME\"");
    }
    section.finish();
    let header = name.map(|name| (name.value, value.map(|value| value.value)));
    Some(Rule { tenant, header, candidate: candidate? })
}

fn metrics(section: &mut Section<'_>) -> Option<Vec<MetricRule>> {
    let tables = some_of(section, "metrics", METRICS_MAX)?;
    Some(tables.into_iter().filter_map(metric).collect())
}

fn metric(mut section: Section<'_>) -> Option<MetricRule> {
    section.missing("name", "the name of a metric that the plugin reports");
    let name = text(&mut section, "name", "the name of a metric");
    let at_least = section.number("at_least", 0.0..=1_000_000.0);
    let at_most = section.number("at_most", 0.0..=1_000_000.0);
    if !section.has("at_least") && !section.has("at_most") {
        let repair = "add at_least = 0.95, say";
        section.problem("at_least", "neither at_least nor at_most", "one of them or both", repair);
    }
    if at_least.zip(at_most).is_some_and(|(least, most)| least > most) {
        section.problem("at_most", "less than at_least", "at_least or more", "");
    }
    section.finish();
    Some(MetricRule { name: name?, at_least, at_most })
}

/// The tables of a list, of which there may be so many; none if the key is absent.
fn some_of<'a>(section: &mut Section<'a>, key: &'static str, max: usize) -> Option<Vec<Section<'a>>> {
    let tables = section.sections(key);
    if tables.len() > max {
        section.problem(key, format!("{} of them", tables.len()), format!("up to {max}"), "");
    }
    section.has(key).then_some(tables)
}

/// A text that is not empty and not long.
fn text(section: &mut Section<'_>, key: &'static str, what: &str) -> Option<String> {
    let read = section.read(key, &format!("{what}, 1 to {TEXT_MAX} bytes"), |value| match value {
        Value::String(text) => (1..=TEXT_MAX).contains(&text.len()).then(|| text.clone()),
        _ => None,
    });
    read.map(|text| text.value)
}

/// The name of a field, in the form it is looked up in.
fn field(name: &str) -> Option<String> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    (name.as_str().len() <= TEXT_MAX).then(|| name.as_str().to_owned())
}

/// A token (RFC 6265 section 4.1.1).
fn is_cookie(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=TEXT_MAX).contains(&name.len()) && name.bytes().all(token)
}
