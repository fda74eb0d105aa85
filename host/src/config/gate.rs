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

/// Whether listeners ask for the certificates that an authenticator looks at.
pub(super) fn check_certificates(root: &Section<'_>, gate: &GateConfig, server: &ostler_edge::Config) {
    let asked = server.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    let wanted = gate.auth.iter().find(|(_, config)| config.asks_for_certificates());
    if let (Some((name, _)), false) = (wanted, asked) {
        let found = format!("{name:?} of kind mtls, while no listener asks for certificates");
        let repair = "add client_ca = \"ca.pem\" to [server] tls";
        root.problem("auth", found, "mtls beside [server] tls.client_ca", repair);
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
