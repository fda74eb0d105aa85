//! The tables of the gate, and whether routes fit them.

use std::path::Path;

use ostler_core::gate::GateSpec;
use ostler_core::plugin::RouteSpec;
use ostler_core::settings::{Problems, Section, Severity};
use ostler_policy::GateConfig;

use super::plugins::Known;

/// Reads `[defaults]`, `[auth.NAME]`, `[authorization]`, `[limits.NAME]` and `[overload]`.
pub(super) fn read(root: &mut Section<'_>, base: &Path) -> GateConfig {
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
        limits.map(|(name, section)| (name, ostler_services::limits::Config::read(section))).collect();
    GateConfig {
        base: base.to_owned(),
        defaults: defaults.unwrap_or_default(),
        trusted_proxies: Vec::new(),
        auth,
        authorization: root
            .section("authorization")
            .map(ostler_identity::authorize::Config::read)
            .unwrap_or_default(),
        limits,
        overload: root.section("overload").map(ostler_policy::overload::Config::read).unwrap_or_default(),
    }
}

/// Compiles what each route asks for, and tells what does not fit.
pub(super) fn check(gate: &GateConfig, routes: &[RouteSpec], plugins: &Known, problems: &Problems) {
    let nothing = GateSpec::default();
    let plugin =
        |route: &RouteSpec| plugins.get(&route.plugin).map_or(&nothing, |(definition, _)| &definition.gate);
    let routes: Vec<_> = routes.iter().map(|route| (route, plugin(route))).collect();
    for flaw in ostler_policy::check(gate, &routes) {
        problems.add(Severity::Error, flaw.line, flaw.key, flaw.found, flaw.allowed, flaw.repair);
    }
}
