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
        // Of a table that has other keys too.
        flags: Default::default(),
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
    granted(gate, plugins, problems);
    let nothing = GateSpec::default();
    let plugin =
        |route: &RouteSpec| plugins.get(&route.plugin).map_or(&nothing, |(definition, _)| &definition.gate);
    let routes: Vec<_> = routes.iter().map(|route| (route, plugin(route))).collect();
    for flaw in ostler_policy::check(gate, &routes) {
        problems.add(Severity::Error, flaw.line, flaw.key, flaw.found, flaw.allowed, flaw.repair);
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    /// Configurations that name `api.yaml`, whose seventh line is broken, and exactly what is told of each.
    const BROKEN: [(&str, &str); 4] = [
        (
            "[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'\nopenapi = 'none.yaml'",
            "ostler.toml:5: error: openapi: found none.yaml: cannot be read: No such file or directory (os error 2); allowed: a file \
             of YAML or JSON; repair: name a file, relative to the configuration file, that the host may read",
        ),
        (
            "[plugins.a]\nopenapi = 'api.yaml'\nschema = 'x'\n[[routes]]\npath = '/'\nplugin = 'a'",
            "ostler.toml:2: error: openapi: found openapi and schema; allowed: one of them; repair: leave out schema",
        ),
        (
            "[defaults]\nopenapi = 'api.yaml'\n[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'",
            "ostler.toml:2: error: openapi: found api.yaml:7 at /paths/~1a/get/parameters/0/schema/type: \"integr\" is no type; \
             allowed: null, boolean, object, array, number, integer, string, or a list of them; repair: name the type",
        ),
        (
            "[defaults]\ncheck_responses = 'yes'",
            "ostler.toml:2: error: defaults.check_responses: found \"yes\"; allowed: \"off\" or \"log\" or \"refuse\"",
        ),
    ];

    #[test]
    fn broken_documents_are_told_with_their_lines() {
        let folder = tempfile::tempdir().unwrap();
        let api = "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - {name: a, in: query,\n         schema: {type: integr}}\n";
        std::fs::write(folder.path().join("api.yaml"), api).unwrap();
        let file = folder.path().join("ostler.toml");
        let here = format!("{}/", folder.path().display());
        for (text, expected) in BROKEN {
            std::fs::write(&file, text).unwrap();
            let problems = Config::load(&file).unwrap_err();
            let told: Vec<_> =
                problems.iter().map(|problem| problem.to_string().replace(&here, "")).collect();
            assert_eq!(told, [expected], "{text}");
        }
    }
}
