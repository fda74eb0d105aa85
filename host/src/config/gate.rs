//! The tables of the gate, and whether routes fit them.

use std::path::Path;

use ostler_core::gate::GateSpec;
use ostler_core::plugin::RouteSpec;
use ostler_core::settings::{Problems, Section, Severity};
use ostler_policy::GateConfig;
use ostler_services::limits::Config as LimitConfig;

use super::plugins::Known;

/// Reads `[defaults]`, `[auth.NAME]`, `[authorization]`, `[limits.NAME]` and `[overload]`.
pub(super) fn read(root: &mut Section<'_>, base: &Path, server: &ostler_edge::Config) -> GateConfig {
    let redis = root.has("redis");
    let defaults = root.section("defaults").map(|mut section| {
        let defaults = GateSpec::read(&mut section);
        section.finish();
        defaults
    });
    let auth = root.named_sections("auth").into_iter();
    let auth = auth.filter_map(|(name, section)| {
        Some((name, ostler_identity::authenticate::Config::read(section, base)?))
    });
    let auth = auth.collect();
    let limits = root.named_sections("limits").into_iter();
    let limits =
        limits.map(|(name, section)| (name.clone(), LimitConfig::read(&name, section, redis))).collect();
    GateConfig {
        base: base.to_owned(),
        defaults: defaults.unwrap_or_default(),
        trusted_proxies: server.trusted_proxies.clone(),
        auth,
        authorization: root
            .section("authorization")
            .map(ostler_identity::authorize::Config::read)
            .unwrap_or_default(),
        limits,
        overload: root.section("overload").map(ostler_policy::overload::Config::read).unwrap_or_default(),
    }
}

/// Tells of plugins that may take from limits that are not there: such a call is refused until there are.
fn granted(gate: &GateConfig, plugins: &Known, problems: &Problems) {
    for (name, (definition, line)) in plugins {
        for limit in &definition.spec.grant.limits {
            if !gate.limits.contains_key(limit) {
                let key = format!("plugins.{name}.grant.limits");
                let (found, allowed) = (format!("{limit:?}"), "names of [limits.NAME]");
                let repair = format!("add [limits.{limit}]");
                problems.add(Severity::Warning, *line, key, found, allowed, repair);
            }
        }
    }
}

/// Compiles what each route asks for, and tells what does not fit.
pub(super) fn check(gate: &GateConfig, routes: &[RouteSpec], plugins: &Known, problems: &Problems) {
    granted(gate, plugins, problems);
    let nothing = GateSpec::default();
    let plugin =
        |route: &RouteSpec| plugins.get(&route.plugin).map_or(&nothing, |(definition, _)| &definition.gate);
    let routes: Vec<_> = routes.iter().map(|route| (route, plugin(route))).collect();
    for flaw in ostler_policy::check(gate, &routes) {
        problems.add(Severity::Error, flaw.line, flaw.key, flaw.found, flaw.allowed, flaw.repair);
    }
}
