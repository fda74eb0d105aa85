//! The defaults that `docs/limits.md` and `docs/configuration.md` tell are those of the code.

use std::collections::BTreeMap;

use ostler_core::plugin::PluginSpec;
use ostler_core::rollout::RolloutSpec;
use ostler_core::unit::{parse_duration, parse_size};

const LIMITS: &str = include_str!("../../../docs/limits.md");
const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");

/// A number, a size in bytes or a duration in milliseconds, as documents write them.
fn value(text: &str) -> Option<u128> {
    let text = text.trim_matches(['`', '"']);
    let duration = || parse_duration(text).map(|duration| duration.as_millis());
    text.parse().ok().or_else(|| parse_size(text).map(u128::from)).or_else(duration)
}

/// Every limit of the code, by table and key.
fn defaults() -> BTreeMap<String, u128> {
    let ostler_edge::Limits {
        connections,
        header_count,
        header_bytes,
        uri_bytes,
        header_deadline,
        idle_deadline,
        body_deadline,
        body_rate,
        send_deadline,
        handshake_deadline,
        http2_streams,
        http2_pending_resets,
        http2_resets,
        drain_delay,
        grace,
    } = ostler_edge::Limits::default();
    let PluginSpec {
        path: _,
        instances: _,
        memory,
        deadline,
        concurrency,
        requests_per_instance,
        table_elements,
        response_body,
        request_body,
        log,
        grant: _,
    } = PluginSpec::default();
    let ostler_upstream::Config {
        ca_file: _,
        connect,
        first_byte,
        between_bytes,
        idle,
        idle_per_origin,
        exchanges,
        connections: upstream_connections,
        response_head,
        response_fields,
    } = ostler_upstream::Config::default();
    let ostler_services::cache::Config {
        memory: cache_memory,
        disk,
        entry,
        shared: _,
        shared_deadline,
        namespace: _,
    } = ostler_services::cache::Config::default();
    let ostler_core::gate::CacheRules {
        enabled: _,
        when: _,
        ttl: _,
        vary_on: _,
        ignore_query: _,
        stale_while_revalidate,
        stale_if_error,
        drop_set_cookie: _,
        per_release: _,
        show_tags: _,
    } = ostler_core::gate::CacheRules::default();
    let RolloutSpec { keep, interval, min_requests, analysis, .. } = RolloutSpec::default();
    let ostler_runtime::Config { instances } = ostler_runtime::Config::default();
    let ostler_policy::overload::Config {
        adaptive: _,
        max_in_flight,
        plugin_max_in_flight,
        min_in_flight,
        retry_after,
    } = ostler_policy::overload::Config::default();
    let numbers = [
        ("overload.max_in_flight", max_in_flight.into()),
        ("overload.plugin_max_in_flight", plugin_max_in_flight.into()),
        ("overload.min_in_flight", min_in_flight.into()),
        ("server.connections", connections as u64),
        ("server.header_count", header_count as u64),
        ("server.header_bytes", header_bytes as u64),
        ("server.uri_bytes", uri_bytes as u64),
        ("server.body_rate", body_rate),
        ("server.http2_streams", http2_streams.into()),
        ("server.http2_pending_resets", http2_pending_resets as u64),
        ("server.http2_resets", http2_resets.into()),
        ("plugins.NAME.memory", memory),
        ("plugins.NAME.concurrency", concurrency as u64),
        ("plugins.NAME.requests_per_instance", requests_per_instance),
        ("plugins.NAME.table_elements", table_elements),
        ("plugins.NAME.response_body", response_body),
        ("plugins.NAME.request_body", request_body),
        ("plugins.NAME.log", log),
        ("plugins.NAME.rollout.min_requests", min_requests),
        ("plugins.NAME.rollout.analysis.failures", analysis.failures.into()),
        ("plugins.NAME.rollout.analysis.error_rate", analysis.error_rate as u64),
        ("limits.NAME.max_keys", ostler_services::limits::MAX_KEYS as u64),
        ("cache.memory", cache_memory),
        ("admission.size", ostler_core::admission::COMPONENT_MAX),
        ("cache.disk", disk),
        ("cache.entry", entry),
        ("upstream.idle_per_origin", idle_per_origin as u64),
        ("upstream.exchanges", exchanges as u64),
        ("upstream.connections", upstream_connections as u64),
        ("upstream.response_head", response_head),
        ("upstream.response_fields", response_fields as u64),
        ("runtime.instances", instances.into()),
        ("flags.ofrep.bulk", ostler_policy::flags::ofrep::Config::BULK as u64),
    ];
    let durations = [
        ("overload.retry_after", retry_after),
        ("admission.hooks.deadline", ostler_release::admission::Hook::DEADLINE),
        ("server.header_deadline", header_deadline),
        ("server.idle_deadline", idle_deadline),
        ("server.body_deadline", body_deadline),
        ("server.send_deadline", send_deadline),
        ("server.handshake_deadline", handshake_deadline),
        ("server.drain_delay", drain_delay),
        ("server.grace", grace),
        ("plugins.NAME.deadline", deadline),
        ("plugins.NAME.rollout.keep", keep),
        ("plugins.NAME.rollout.interval", interval),
        ("plugins.NAME.rollout.analysis.every", analysis.every),
        ("redis.deadline", ostler_services::redis::DEADLINE),
        ("flags.provider.deadline", ostler_release::flags::provider::Config::DEADLINE),
        ("cache.shared_deadline", shared_deadline),
        ("defaults.cache.stale_while_revalidate", stale_while_revalidate),
        ("defaults.cache.stale_if_error", stale_if_error),
        ("upstream.connect", connect),
        ("upstream.first_byte", first_byte),
        ("upstream.between_bytes", between_bytes),
        ("upstream.idle", idle),
        ("auth.introspection.max_cache", ostler_identity::authenticate::MAX_CACHE),
        ("auth.jwt.leeway", ostler_identity::authenticate::LEEWAY),
        ("auth.oidc.idle", ostler_identity::sessions::IDLE),
        ("auth.oidc.life", ostler_identity::sessions::LIFE),
        ("defaults.mfa.max_age", ostler_core::gate::MfaSpec::MAX_AGE),
    ];
    let numbers = numbers.map(|(key, number)| (key.to_owned(), number.into()));
    numbers.into_iter().chain(durations.map(|(key, time)| (key.to_owned(), time.as_millis()))).collect()
}

/// Key and default of the rows below the heading `## What can be set`.
fn in_limits() -> BTreeMap<String, u128> {
    let part = LIMITS.split("\n## ").find(|part| part.starts_with("What can be set")).unwrap();
    let rows = part.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    rows.map(|(key, rest)| (key.to_owned(), value(rest.split(" | ").next().unwrap()).unwrap())).collect()
}

/// The same of `docs/configuration.md`, where a heading names the table; rows whose default is no quantity are left out.
fn in_configuration() -> BTreeMap<String, u128> {
    let (mut found, mut table) = (BTreeMap::new(), "");
    for line in CONFIGURATION.lines() {
        if let Some(heading) = line.strip_prefix("##") {
            table = heading.trim_matches(|c| " #`[]".contains(c));
        } else if let Some((key, rest)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | "))
            && let Some(value) = value(rest.split(" | ").next().unwrap_or_default())
        {
            found.insert(format!("{table}.{key}"), value);
        }
    }
    found
}

#[test]
fn the_defaults_in_the_documents_are_those_of_the_code() {
    assert_eq!(in_limits(), defaults(), "docs/limits.md");
    assert_eq!(in_configuration(), defaults(), "docs/configuration.md");
}
