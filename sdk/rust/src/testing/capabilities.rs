//! The functions of the bindings, answered by the host of this thread.

use super::with;

/// Stand-in for `ostler:plugin/log`.
pub(crate) mod log {
    use crate::log::Level;
    use crate::testing::Line;

    pub(crate) fn write(level: Level, message: &str, fields: &[(String, String)]) {
        let line = Line { level, message: message.to_owned(), fields: fields.to_vec() };
        super::with(|state| state.lines.push(line));
    }
}

/// Stand-in for `ostler:plugin/config`.
pub(crate) mod config {
    pub(crate) fn get(key: &str) -> Option<String> {
        super::with(|state| state.config.get(key).cloned())
    }

    pub(crate) fn all() -> Vec<(String, String)> {
        super::with(|state| state.config.clone().into_iter().collect())
    }
}

/// Stand-in for `ostler:plugin/context`.
pub(crate) mod context {
    use crate::bindings::ostler::plugin::context::{Exchange, Principal};

    pub(crate) fn get() -> Exchange {
        super::with(|state| state.exchange.clone())
    }

    pub(crate) fn deadline_left_ms() -> u64 {
        super::with(|state| u64::try_from(state.deadline_left.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn get_principal() -> Option<Principal> {
        super::with(|state| state.principal.clone())
    }

    pub(crate) fn get_parameters() -> Vec<(String, String)> {
        super::with(|state| state.parameters.clone())
    }
}

/// Stand-in for `ostler:plugin/authz`.
pub(crate) mod authz {
    use crate::bindings::ostler::plugin::authz::Decision;

    pub(crate) fn check(permission: &str, resource: &str) -> Decision {
        super::with(|state| {
            let has = |resource: &str| state.allowed.contains(&(permission.to_owned(), resource.to_owned()));
            let allowed = has("") || has(resource);
            let reason = if allowed { "the test allows it" } else { "nothing in the test allows it" };
            Decision { allowed, reason: reason.into() }
        })
    }
}

/// Stand-in for `ostler:plugin/rate-limit`.
pub(crate) mod rate_limit {
    use crate::bindings::ostler::plugin::rate_limit::{Decision, Error};

    pub(crate) fn check(limit: &str, key: &str, cost: u32) -> Result<Decision, Error> {
        super::with(|state| match state.limits.get_mut(limit) {
            Some(limit) => limit.check(key, cost, state.now),
            None => Err(Error::Denied(format!("not granted: {limit:?} is not in grant.limits"))),
        })
    }
}

/// Stand-in for `ostler:plugin/cache`.
pub(crate) mod cache {
    use std::time::Duration;

    use crate::bindings::ostler::plugin::cache::{Error, Found};
    use crate::testing::cache::{Cache, check};

    fn within<T>(cache: &str, act: impl FnOnce(&mut Cache, Duration) -> T) -> Result<T, Error> {
        super::with(|state| match state.caches.get_mut(cache) {
            Some(cache) if cache.lost => Err(Error::Unavailable("the shared store is gone".into())),
            Some(cache) => Ok(act(cache, state.now)),
            None => Err(Error::Denied(format!("not granted: {cache:?} is not in grant.cache"))),
        })
    }

    pub(crate) fn get(cache: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        check(key, &[], None, &[])?;
        within(cache, |cache, now| cache.get(key, now))
    }

    pub(crate) fn set(
        cache: &str,
        key: &str,
        value: &[u8],
        ttl_ms: Option<u64>,
        tags: &[String],
    ) -> Result<(), Error> {
        check(key, value, ttl_ms, tags)?;
        within(cache, |cache, now| {
            cache.put(key, value.to_vec(), ttl_ms.map(|ttl| now + Duration::from_millis(ttl)), tags.to_vec());
        })
    }

    pub(crate) fn delete(cache: &str, key: &str) -> Result<(), Error> {
        check(key, &[], None, &[])?;
        within(cache, |cache, _| cache.remove(key))
    }

    pub(crate) fn delete_tag(cache: &str, tag: &str) -> Result<(), Error> {
        within(cache, |cache, _| cache.remove_tag(tag))
    }

    pub(crate) fn get_or_compute_lock(cache: &str, key: &str, _wait_ms: u32) -> Result<Found, Error> {
        check(key, &[], None, &[])?;
        within(cache, |cache, now| match cache.get(key, now) {
            Some(value) => Found::Value(value),
            None => {
                cache.locked.insert(key.to_owned());
                Found::Compute
            }
        })
    }

    pub(crate) fn unlock(cache: &str, key: &str) -> Result<(), Error> {
        within(cache, |cache, _| {
            cache.locked.remove(key);
        })
    }
}

/// Stand-in for `ostler:plugin/flags`.
pub(crate) mod flags {
    use crate::bindings::ostler::plugin::flags::{Details, Value};
    use crate::testing::flag;

    pub(crate) fn get_boolean(key: &str, default: bool) -> bool {
        match resolve(key, &Value::Boolean(default)).value {
            Value::Boolean(value) => value,
            _ => default,
        }
    }

    pub(crate) fn get_string(key: &str, default: &str) -> String {
        match resolve(key, &Value::String(default.to_owned())).value {
            Value::String(value) => value,
            _ => default.to_owned(),
        }
    }

    pub(crate) fn get_number(key: &str, default: f64) -> f64 {
        match resolve(key, &Value::Number(default)).value {
            Value::Number(value) => value,
            _ => default,
        }
    }

    pub(crate) fn get_object(key: &str, default: &str) -> String {
        match resolve(key, &Value::Object(default.to_owned())).value {
            Value::Object(value) => value,
            _ => default.to_owned(),
        }
    }

    pub(crate) fn resolve(key: &str, default: &Value) -> Details {
        super::with(|state| flag::resolve(state.flags.get(key), key, default.clone()))
    }

    pub(crate) fn add_context(attributes: &[(String, String)]) -> bool {
        super::with(|state| flag::add(&mut state.flag_context, attributes))
    }
}

/// Stand-in for `ostler:plugin/experiment`.
pub(crate) mod experiment {
    use crate::testing::flag::is_metric;

    pub(crate) fn track(metric: &str, value: f64) -> bool {
        let taken = is_metric(metric) && value.is_finite();
        if taken {
            super::with(|state| state.tracked.push((metric.to_owned(), value)));
        }
        taken
    }
}

/// Stand-in for `ostler:plugin/http-client`.
pub(crate) mod http_client {
    use crate::bindings::ostler::plugin::http_client::{Error, Outbound, Response};
    use crate::http;

    pub(crate) fn send(request: &Outbound) -> Result<Response, Error> {
        // The answer may itself use a capability, so the state must not stay borrowed while it runs.
        let Some(answer) = super::with(|state| state.http.clone()) else {
            return Err(Error::Denied(format!("not granted: {} is not in grant.http", request.url)));
        };
        match answer(http::Request(request.clone())) {
            Ok(response) => Ok(response.into()),
            Err(http::Error::Denied(text)) => Err(Error::Denied(text)),
            Err(http::Error::Invalid(text)) => Err(Error::Invalid(text)),
            Err(http::Error::Timeout) => Err(Error::Timeout),
            Err(http::Error::TooLarge) => Err(Error::TooLarge),
            Err(http::Error::Failed(text)) => Err(Error::Failed(text)),
        }
    }
}

/// Stand-in for `ostler:plugin/kv`.
pub(crate) mod kv {
    use std::time::Duration;

    use crate::bindings::ostler::plugin::kv::{Entry, Error, Page};
    use crate::testing::store::{Store, check_batch, check_key, check_value};

    fn within<T>(
        store: &str,
        act: impl FnOnce(&mut Store, Duration) -> Result<T, Error>,
    ) -> Result<T, Error> {
        super::with(|state| {
            let now = state.now;
            match state.stores.get_mut(store) {
                Some(store) => act(store, now),
                None => Err(Error::Denied(format!("not granted: {store:?} is not in grant.kv"))),
            }
        })
    }

    pub(crate) fn get(store: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        check_key(key)?;
        within(store, |store, now| Ok(store.get(key, now)))
    }

    pub(crate) fn set(store: &str, key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
        check_key(key)?;
        check_value(value)?;
        within(store, |store, now| {
            store.put(key, value.to_vec(), ttl_ms.map(|ttl| now + Duration::from_millis(ttl)));
            Ok(())
        })
    }

    pub(crate) fn delete(store: &str, key: &str) -> Result<bool, Error> {
        check_key(key)?;
        within(store, |store, now| Ok(store.remove(key, now)))
    }

    pub(crate) fn exists(store: &str, key: &str) -> Result<bool, Error> {
        Ok(get(store, key)?.is_some())
    }

    pub(crate) fn list_keys(
        store: &str,
        prefix: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, Error> {
        within(store, |store, now| {
            let (keys, cursor) = store.list(prefix, cursor, limit.clamp(1, 1000) as usize, now);
            Ok(Page { keys, cursor })
        })
    }

    pub(crate) fn increment(store: &str, key: &str, delta: i64) -> Result<i64, Error> {
        check_key(key)?;
        within(store, |store, now| store.increment(key, delta, now).ok_or(Error::NotANumber))
    }

    pub(crate) fn compare_and_swap(
        store: &str,
        key: &str,
        expected: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<bool, Error> {
        check_key(key)?;
        check_value(value.unwrap_or_default())?;
        within(store, |store, now| {
            let equal = store.get(key, now).as_deref() == expected;
            match value {
                Some(value) if equal => store.put(key, value.to_vec(), None),
                None if equal => {
                    store.remove(key, now);
                }
                _ => {}
            }
            Ok(equal)
        })
    }

    pub(crate) fn get_many(store: &str, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        check_batch(keys.len())?;
        keys.iter().try_for_each(|key| check_key(key))?;
        within(store, |store, now| Ok(keys.iter().map(|key| store.get(key, now)).collect()))
    }

    pub(crate) fn set_many(store: &str, entries: &[Entry]) -> Result<(), Error> {
        check_batch(entries.len())?;
        entries
            .iter()
            .try_for_each(|entry| check_key(&entry.key).and_then(|()| check_value(&entry.value)))?;
        within(store, |store, _| {
            entries.iter().for_each(|entry| store.put(&entry.key, entry.value.clone(), None));
            Ok(())
        })
    }

    pub(crate) fn delete_many(store: &str, keys: &[String]) -> Result<(), Error> {
        check_batch(keys.len())?;
        keys.iter().try_for_each(|key| check_key(key))?;
        within(store, |store, now| {
            keys.iter().for_each(|key| {
                store.remove(key, now);
            });
            Ok(())
        })
    }
}
