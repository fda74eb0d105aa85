//! That no limit admits more than its rule, compared with models that are too slow to use and too simple to be wrong.

mod memory;
mod rules;
mod several;
mod shared;

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_core::settings::{Node, Problems};

use super::*;

pub(super) const SECOND: u64 = 1_000_000_000;

/// Some day at noon: a multiple of all periods in these tests.
pub(super) const NOON: u64 = 20_000 * 86_400 * SECOND;

pub(super) const ALGORITHMS: [&str; 4] = ["token-bucket", "gcra", "fixed-window", "sliding-window"];

pub(super) fn config(text: &str) -> Config {
    let problems = Problems::new("t");
    let node = Node::from_toml(text, &problems);
    let config = Config::read("a", node.section("limits.a", &problems), true);
    assert!(!problems.fatal(), "{text}: {:?}", problems.into_vec());
    config
}

/// Limits by name, at noon, and their clock.
pub(super) fn limits(texts: &[(&str, &str)]) -> (RateLimits, Ticks) {
    let ticks = Ticks::manual(NOON);
    let limits = RateLimits::with(None, ticks.clone());
    limits.apply(&texts.iter().map(|(name, text)| (String::from(*name), config(text))).collect());
    (limits, ticks)
}

pub(super) fn key(limit: &Limit, text: &str) -> Key {
    let mut key = limit.key();
    key.part(2, text.as_bytes());
    key.finish()
}

/// Asks one limit that is not shared.
pub(super) fn ask(limits: &RateLimits, limit: &Arc<Limit>, text: &str, cost: u32) -> Standing {
    let mut told = [None];
    let outcome = limits.take_local(&[Ask { limit, key: key(limit, text), cost }], &mut told);
    let standing = told[0].unwrap();
    assert_eq!(outcome == Outcome::Admitted, standing.admitted);
    standing
}

#[test]
fn a_limit_that_is_as_it_was_keeps_its_counters_through_a_reload() {
    let (limits, _) = limits(&[("a", "rate = '2/h'"), ("b", "rate = '2/h'")]);
    for name in ["a", "b"] {
        assert!(ask(&limits, &limits.get(name).unwrap(), "k", 2).admitted);
    }
    let next = [("a", config("rate = '2/h'")), ("b", config("rate = '3/h'"))];
    limits.apply(&BTreeMap::from(next.map(|(name, config)| (name.to_owned(), config))));
    assert!(!ask(&limits, &limits.get("a").unwrap(), "k", 1).admitted);
    assert!(ask(&limits, &limits.get("b").unwrap(), "k", 3).admitted);
    let figures = limits.figures();
    assert_eq!((figures[0].admitted, figures[0].refused), (1, 1));
    assert_eq!((figures[1].admitted, figures[1].refused), (2, 0), "counts outlive the change");
}

#[test]
fn what_is_taken_apart_is_missing_nowhere_else() {
    let (limits, _) =
        limits(&[("a", "rate = '2/h'"), ("b", "rate = '2/h'\nshared = true\nwhen_unavailable = 'closed'")]);
    let apart = limits.apart();
    for name in ["a", "b"] {
        let own = apart.get(name).unwrap();
        assert!(
            !own.is_shared() && ask(&apart, &own, "k", 2).admitted && !ask(&apart, &own, "k", 1).admitted
        );
    }
    assert!(ask(&limits, &limits.get("a").unwrap(), "k", 2).admitted);
    assert_eq!(limits.figures()[0].refused, 0);
}

#[test]
fn keys_of_the_same_text_differ_by_kind_and_by_where_parts_begin() {
    let (limits, _) = limits(&[("a", "rate = '1/s'"), ("b", "rate = '1/s'\nshared = true")]);
    for name in ["a", "b"] {
        let limit = limits.get(name).unwrap();
        let key = |parts: &[(u8, &str)]| {
            let mut key = limit.key();
            parts.iter().for_each(|(kind, text)| key.part(*kind, text.as_bytes()));
            key.finish()
        };
        let all = [
            key(&[(2, "ab")]),
            key(&[(PLUGIN_KEY, "ab")]),
            key(&[(2, "a"), (2, "b")]),
            key(&[(2, ""), (2, "ab")]),
            key(&[(2, "ab"), (2, "")]),
            key(&[]),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(key(&[(2, "ab")]), all[0]);
    }
}
