//! `ostler:plugin/rate-limit`: the limits that the plugin was granted.
//!
//! A key is the plugin's own text. Plugins that were granted the same limit share its counters; routes never do.

use std::sync::Arc;

use ostler_services::RateLimits;
use ostler_services::limits::{Ask, Limit, Outcome, PLUGIN_KEY, Standing};

use crate::bindings::rate_limit::{Decision, Error, Host};
use crate::guest::{Env, Guest};

/// Bytes of a key.
const KEY_MAX: usize = 512;

/// What one call may take.
const COST_MAX: u32 = 1_000_000;

impl Host for Guest {
    async fn check(
        &mut self,
        limit: String,
        key: String,
        cost: u32,
    ) -> wasmtime::Result<Result<Decision, Error>> {
        let env = self.env.clone();
        Ok(match granted(&env, &limit) {
            Ok(limit) => check(&env.rate_limits, &limit, &key, cost).await,
            Err(error) => Err(error),
        })
    }
}

/// The limit, if it was granted and is there.
fn granted(env: &Env, name: &str) -> Result<Arc<Limit>, Error> {
    let shown: String = name.chars().take(64).collect();
    if !env.spec.grant.limits.iter().any(|granted| granted == name) {
        return Err(Error::Denied(format!(
            "limit {shown:?} is not granted: add it to grant = {{ limits = [{shown:?}] }} of plugin {}",
            env.plugin
        )));
    }
    let missing =
        || Error::Invalid(format!("limit {shown:?} is granted but not configured: add [limits.{name}]"));
    env.rate_limits.get(name).ok_or_else(missing)
}

async fn check(limits: &RateLimits, limit: &Limit, key: &str, cost: u32) -> Result<Decision, Error> {
    if !(1..=KEY_MAX).contains(&key.len()) {
        return Err(Error::Invalid(format!("a key has 1 to {KEY_MAX} bytes, not {}", key.len())));
    }
    if !(1..=COST_MAX).contains(&cost) {
        return Err(Error::Invalid(format!("a cost is 1 to {COST_MAX}, not {cost}")));
    }
    let (name, most) = (limit.name(), limit.config().capacity());
    if cost > most {
        let text = format!("limit {name:?} never admits {cost}: it holds {most}");
        return Err(Error::Invalid(text));
    }
    let mut writer = limit.key();
    writer.part(PLUGIN_KEY, key.as_bytes());
    let asks = [Ask { limit, key: writer.finish(), cost }];
    let mut told = [None];
    // A limit that is not shared answers at once.
    let outcome = Box::pin(limits.take(&asks, &mut told)).await;
    // Of a limit that fails open nothing is known while Redis is gone.
    let told = told[0].unwrap_or(Standing { remaining: most, ..Standing::default() });
    match outcome {
        Outcome::Unavailable(_) => {
            Err(Error::Unavailable(format!("limit {name:?} is shared, and Redis does not answer")))
        }
        outcome => Ok(Decision {
            admitted: outcome == Outcome::Admitted,
            remaining: u64::from(told.remaining),
            retry_after_ms: told.retry.div_ceil(1_000_000),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ostler_core::settings::{Node, Problems};
    use ostler_services::limits::Config;

    use super::*;

    fn limits(text: &str) -> RateLimits {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        let config = Config::read("a", node.section("limits.a", &problems), true);
        assert!(!problems.fatal(), "{:?}", problems.into_vec());
        let limits = RateLimits::default();
        limits.apply(&BTreeMap::from([("a".to_owned(), config)]));
        limits
    }

    #[tokio::test]
    async fn a_plugin_takes_from_its_own_keys_and_is_told_when_to_come_again() {
        let limits = limits("rate = '3/h'");
        let limit = limits.get("a").unwrap();
        let ask = async |key: &str, cost| check(&limits, &limit, key, cost).await.unwrap();
        let first = ask("tenant-1", 2).await;
        assert_eq!((first.admitted, first.remaining, first.retry_after_ms), (true, 1, 0));
        let second = ask("tenant-1", 2).await;
        assert_eq!((second.admitted, second.remaining), (false, 1));
        assert!((1_199_000..=1_200_000).contains(&second.retry_after_ms), "{}", second.retry_after_ms);
        assert!(ask("tenant-2", 3).await.admitted);
        assert!(ask("tenant-1", 1).await.admitted);
    }

    #[tokio::test]
    async fn what_is_outside_its_limits_is_told_and_not_taken() {
        let limits = limits("rate = '3/h'");
        let limit = limits.get("a").unwrap();
        for (key, cost, told) in [
            ("", 1, "1 to 512 bytes"),
            (&*"k".repeat(513), 1, "not 513"),
            ("k", 0, "1 to 1000000"),
            ("k", 1_000_001, "not 1000001"),
            ("k", 4, "it holds 3"),
        ] {
            match check(&limits, &limit, key, cost).await {
                Err(Error::Invalid(text)) => assert!(text.contains(told), "{text}"),
                other => panic!("{key:?} {cost}: {other:?}"),
            }
        }
        assert!(check(&limits, &limit, "k", 3).await.unwrap().admitted);
    }

    #[tokio::test]
    async fn a_limit_that_fails_closed_says_so_and_one_that_fails_open_admits() {
        let closed = limits("rate = '3/h'\nshared = true\nwhen_unavailable = 'closed'");
        let limit = closed.get("a").unwrap();
        assert!(matches!(check(&closed, &limit, "k", 1).await, Err(Error::Unavailable(_))));
        let open = limits("rate = '3/h'\nshared = true\nwhen_unavailable = 'open'");
        let limit = open.get("a").unwrap();
        for _ in 0..10 {
            assert!(check(&open, &limit, "k", 1).await.unwrap().admitted);
        }
    }
}
