//! `[limits.NAME]` as it is written: how often, counted by what, and where.
//!
//! **Invariant:** a [`Config`] that was read without a problem has a [`Rule`](super::rule::Rule) whose numbers fit.

use std::time::Duration;

use ostler_core::plugin::is_name;
use ostler_core::settings::{Located, Section};
use ostler_core::{When, unit};

/// One `[limits.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `rate`: what is admitted in a period. Needed.
    pub rate: Rate,
    /// `algorithm`. Default: token-bucket.
    pub algorithm: Algorithm,
    /// `burst`: what is admitted at once after a rest, for buckets. Default: the rate's count; 1 for `gcra`.
    pub burst: u32,
    /// `by`: what has a counter of its own. Default: address; an empty list counts everything together.
    pub by: Vec<Part>,
    /// `ipv6_prefix`: bits of an IPv6 address that tell clients apart. Default: 64, which one customer has at least.
    pub ipv6_prefix: u8,
    /// `shared`: whether all hosts count together, in Redis. Default: false.
    pub shared: bool,
    /// `when_unavailable`: what holds while Redis is gone. Default: local.
    pub when_unavailable: WhenUnavailable,
    /// `lease`: what a host may take from Redis at once, to spend in the next second without asking. Default: 0, none.
    pub lease: u32,
    /// `max_keys`: counters kept on this host. Default: 1,000,000.
    pub max_keys: usize,
    /// `when`: whether routes keep to it; where its flag says nothing they do. Plugins that ask it always do.
    pub when: Option<When>,
}

/// So many in a period, as `"100/min"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// What is admitted.
    pub count: u32,
    /// In this time: a second or more.
    pub period: Duration,
}

/// How it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// A bucket of `burst` tokens, filled at the rate.
    TokenBucket,
    /// The same with `burst = 1` unless it is told: requests at even distances.
    Gcra,
    /// Periods as the clock cuts them.
    FixedWindow,
    /// Any period, wherever it begins.
    SlidingWindow,
}

/// What a request's counter is named by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// `address`: the client's address.
    Address,
    /// `user`: authenticator and subject.
    User,
    /// `tenant`
    Tenant,
    /// `api-key`: the key's id.
    ApiKey,
    /// `header:NAME`, in lower case.
    Header(String),
    /// `route`
    Route,
    /// `plugin`
    Plugin,
    /// `method`
    Method,
}

/// What holds while Redis is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnavailable {
    /// The same rule, counted on each host.
    Local,
    /// Everything is admitted.
    Open,
    /// Nothing is admitted.
    Closed,
}

/// Counters kept on a host where the configuration says nothing.
pub const MAX_KEYS: usize = 1_000_000;

/// Rates beyond it would be counted in less than 100 ns each.
const PER_SECOND_MAX: u128 = 10_000_000;

/// Redis tells time in microseconds.
const SHARED_PER_SECOND_MAX: u128 = 1_000_000;

const DAY: u64 = 24 * 3600;
const PERIODS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(31 * DAY);

/// Time in which the largest burst may come back.
const REFILL_MAX: Duration = Duration::from_secs(366 * DAY);

const COUNT_MAX: u32 = 1_000_000_000;

const PARTS: &str = "address, user, tenant, api-key, header:NAME, route, plugin, method";

impl Config {
    /// Reads the limit `name`; `redis` says whether there is one to share it in.
    pub fn read(name: &str, mut section: Section<'_>, redis: bool) -> Self {
        if !is_name(name) {
            section.problem("name", format!("{name:?}"), "names of a-z, 0-9, - and _", "rename the limit");
        }
        let rate = Rate::read(&mut section);
        let algorithms = [
            ("token-bucket", Algorithm::TokenBucket),
            ("gcra", Algorithm::Gcra),
            ("fixed-window", Algorithm::FixedWindow),
            ("sliding-window", Algorithm::SlidingWindow),
        ];
        let algorithm = section.choice("algorithm", &algorithms).unwrap_or(Algorithm::TokenBucket);
        let burst = section.integer("burst", 1..=i64::from(COUNT_MAX)).map(|burst| burst as u32);
        if burst.is_some() && !algorithm.is_bucket() {
            let allowed = "burst beside \"token-bucket\" or \"gcra\" only";
            section.problem("burst", "a burst of windows", allowed, "remove burst, or choose a bucket");
        }
        let outages = [
            ("local", WhenUnavailable::Local),
            ("open", WhenUnavailable::Open),
            ("closed", WhenUnavailable::Closed),
        ];
        let config = Config {
            rate,
            algorithm,
            burst: burst.unwrap_or(if algorithm == Algorithm::Gcra { 1 } else { rate.count }),
            by: parts(&mut section),
            ipv6_prefix: section.integer("ipv6_prefix", 16..=128).unwrap_or(64) as u8,
            shared: section.boolean("shared").unwrap_or(false),
            when_unavailable: section.choice("when_unavailable", &outages).unwrap_or(WhenUnavailable::Local),
            lease: section.integer("lease", 0..=1_000_000).unwrap_or(0) as u32,
            max_keys: section.integer("max_keys", 1_000..=100_000_000).map_or(MAX_KEYS, |keys| keys as usize),
            when: When::read(&mut section),
        };
        config.check(&section, redis);
        section.finish();
        config
    }

    /// The most that can be admitted at once, and so the most that anything may cost.
    pub fn capacity(&self) -> u32 {
        if self.algorithm.is_bucket() { self.burst } else { self.rate.count }
    }

    fn check(&self, section: &Section<'_>, redis: bool) {
        let refill = self.rate.period.as_nanos() * u128::from(self.burst) / u128::from(self.rate.count);
        if self.algorithm.is_bucket() && refill > REFILL_MAX.as_nanos() {
            let allowed = "a burst that comes back within 366 days";
            section.problem("burst", self.burst.to_string(), allowed, "lower burst, or raise rate");
        }
        let only_shared = ["when_unavailable", "lease"].into_iter().find(|key| section.has(key));
        if let (Some(key), false) = (only_shared, self.shared) {
            let allowed = "beside shared = true only";
            section.problem(key, "a limit that is not shared", allowed, "add shared = true, or remove it");
        }
        if !self.shared {
            return;
        }
        if !redis {
            section.problem(
                "shared",
                "no [redis] to share it in",
                "shared beside [redis]",
                "add [redis] url",
            );
        }
        if self.rate.exceeds(SHARED_PER_SECOND_MAX) {
            let allowed = "at most 1000000 in a second where shared";
            section.problem("rate", self.rate.to_string(), allowed, "lower rate, or remove shared");
        }
        if self.lease > self.capacity() / 4 {
            let allowed = format!("at most a quarter of what is admitted at once, {}", self.capacity() / 4);
            section.problem("lease", self.lease.to_string(), allowed, "lower lease, or raise burst");
        }
    }
}

impl Rate {
    fn read(section: &mut Section<'_>) -> Self {
        const ALLOWED: &str = "a count and a period of 1s to 31d, such as \"100/min\" or \"20/30s\"";
        section.missing("rate", ALLOWED);
        let Some(text) = section.string("rate") else { return Rate { count: 1, period: *PERIODS.start() } };
        let rate = Rate::parse(&text.value).unwrap_or_else(|| {
            section.problem("rate", format!("{:?}", text.value), ALLOWED, "write \"100/min\"");
            Rate { count: 1, period: *PERIODS.start() }
        });
        if rate.exceeds(PER_SECOND_MAX) {
            section.problem("rate", rate.to_string(), "at most 10000000 in a second", "lower it");
        }
        rate
    }

    /// Reads `100/min`: units s, min, h, day, or a duration such as `30s`.
    pub fn parse(text: &str) -> Option<Self> {
        let (count, period) = text.split_once('/')?;
        let count = count.trim().parse().ok().filter(|count| (1..=COUNT_MAX).contains(count))?;
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let period = match period.trim() {
            "s" | "sec" | "second" => seconds(1),
            "m" | "min" | "minute" => seconds(60),
            "h" | "hour" => seconds(3600),
            "d" | "day" => seconds(DAY),
            other => unit::parse_duration(other),
        }?;
        PERIODS.contains(&period).then_some(Rate { count, period })
    }

    fn exceeds(self, per_second: u128) -> bool {
        u128::from(self.count) * 1_000_000_000 > per_second * self.period.as_nanos()
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.count, unit::format_duration(self.period))
    }
}

impl Algorithm {
    /// Whether it has a burst.
    pub fn is_bucket(self) -> bool {
        matches!(self, Algorithm::TokenBucket | Algorithm::Gcra)
    }
}

impl Part {
    /// Reads one item of `by`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "address" => Part::Address,
            "user" => Part::User,
            "tenant" => Part::Tenant,
            "api-key" => Part::ApiKey,
            "route" => Part::Route,
            "plugin" => Part::Plugin,
            "method" => Part::Method,
            other => Part::Header(field_name(other.strip_prefix("header:")?)?),
        })
    }

    /// Whether it is known only once the client is.
    pub fn needs_principal(&self) -> bool {
        matches!(self, Part::User | Part::Tenant | Part::ApiKey)
    }
}

/// A token (RFC 9110 section 5.6.2) in lower case.
fn field_name(text: &str) -> Option<String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    ((1..=256).contains(&text.len()) && text.bytes().all(token)).then(|| text.to_ascii_lowercase())
}

fn parts(section: &mut Section<'_>) -> Vec<Part> {
    if !section.has("by") {
        section.strings("by");
        return vec![Part::Address];
    }
    let texts = section.strings("by");
    if texts.len() > 8 {
        section.problem("by", format!("{} parts", texts.len()), "at most 8", "remove some");
    }
    let part = |text: &Located<String>| {
        Part::parse(&text.value).or_else(|| {
            let near = ostler_core::settings::nearest(&text.value, PARTS.split(", "));
            let repair = near.map_or_else(String::new, |near| format!("write \"{near}\""));
            section.problem("by", format!("{:?}", text.value), PARTS, repair);
            None
        })
    };
    texts.iter().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use ostler_core::settings::{Node, Problems};

    use super::*;

    fn read(text: &str, redis: bool) -> (Config, Vec<String>) {
        let problems = Problems::new("ostler.toml");
        let node = Node::from_toml(text, &problems);
        let config = Config::read("a", node.section("limits.a", &problems), redis);
        (config, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn rates_are_read_as_people_write_them() {
        for (text, count, seconds) in [
            ("100/min", 100, 60),
            ("5/s", 5, 1),
            ("1000/h", 1000, 3600),
            ("7 / 30s", 7, 30),
            ("9/day", 9, DAY),
        ] {
            assert_eq!(
                Rate::parse(text),
                Some(Rate { count, period: Duration::from_secs(seconds) }),
                "{text}"
            );
        }
        for text in ["", "100", "/min", "0/s", "-1/s", "1/0s", "1/500ms", "9999999999/s", "1/99d", "1/min/h"]
        {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_key_is_read_and_has_a_default() {
        let (config, problems) = read("rate = '100/min'", false);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!((config.burst, &config.by[..], config.ipv6_prefix), (100, &[Part::Address][..], 64));
        let text = "rate = '100/min'\nalgorithm = 'gcra'\nburst = 40\nby = ['user', 'header:X-Team', 'route']\n\
                    ipv6_prefix = 56\nshared = true\nwhen_unavailable = 'closed'\nlease = 10\nmax_keys = 5000";
        let (config, problems) = read(text, true);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(config.by, [Part::User, Part::Header("x-team".into()), Part::Route]);
        assert_eq!((config.burst, config.lease, config.max_keys), (40, 10, 5000));
        assert_eq!(read("rate = '100/min'\nalgorithm = 'gcra'", false).0.burst, 1);
        assert_eq!(read("rate = '100/min'\nby = []", false).0.by, []);
    }

    #[test]
    fn impossible_limits_are_told_with_their_repair() {
        for (text, told) in [
            ("", "add rate ="),
            ("rate = 'often'", "write \"100/min\""),
            ("rate = '99999999/s'", "at most 10000000 in a second"),
            ("rate = '1/s'\nby = ['adress']", "write \"address\""),
            ("rate = '1/s'\nby = ['header:a b']", "header:NAME"),
            ("rate = '1/s'\nalgorithm = 'fixed-window'\nburst = 9", "choose a bucket"),
            ("rate = '1/31d'\nburst = 1000", "raise rate"),
            ("rate = '1/s'\nlease = 1", "add shared = true"),
            ("rate = '1/s'\nshared = true", "add [redis] url"),
            ("rate = '1/s'\nbrust = 1", "write burst"),
        ] {
            let (_, problems) = read(text, false);
            assert!(problems.len() == 1 && problems[0].contains(told), "{text}: {problems:#?}");
        }
        for (text, told) in [
            ("rate = '2000000/s'\nshared = true", "remove shared"),
            ("rate = '10/s'\nshared = true\nlease = 3", "a quarter of what is admitted at once, 2"),
        ] {
            let (_, problems) = read(text, true);
            assert!(problems.len() == 1 && problems[0].contains(told), "{text}: {problems:#?}");
        }
    }
}
