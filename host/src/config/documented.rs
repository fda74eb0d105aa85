//! `docs/configuration.md` says what the readers read: every key, no other, and an example that works.

use std::collections::BTreeSet;
use std::fs;

use super::*;

const DOCS: &str = include_str!("../../../docs/configuration.md");

/// Keys that a table's reader knows are told when it meets one that it does not know.
fn known() -> BTreeSet<String> {
    const EVERY_TABLE: &str = "
        zz = 1
        [server]
        zz = 1
        tls = { zz = 1 }
        [admin]
        zz = 1
        tls = { zz = 1 }
        [state]
        zz = 1
        [plugins.NAME]
        zz = 1
        grant = { zz = 1 }
        rollout = { zz = 1, analysis = { zz = 1 } }
        admission = { zz = 1 }
        [[routes]]
        zz = 1
        [defaults]
        zz = 1
        cache = { zz = 1 }
        mfa = { zz = 1 }
        [auth.api-key]
        kind = 'api-key'
        zz = 1
        [auth.basic]
        kind = 'basic'
        zz = 1
        [auth.introspection]
        kind = 'introspection'
        zz = 1
        [auth.jwt]
        kind = 'jwt'
        zz = 1
        [auth.mtls]
        kind = 'mtls'
        zz = 1
        [auth.oidc]
        kind = 'oidc'
        zz = 1
        [authorization]
        zz = 1
        [limits.NAME]
        zz = 1
        [overload]
        zz = 1
        [cache]
        zz = 1
        [redis]
        zz = 1
        [flags]
        zz = 1
        provider = { zz = 1 }
        ofrep = { zz = 1 }
        [admission]
        zz = 1
        keys.NAME = { zz = 1 }
        sigstore = { zz = 1 }
        hooks = [{ zz = 1 }]
        [observe]
        zz = 1
        [runtime]
        zz = 1
        [upstream]
        zz = 1
        ";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ostler.toml");
    fs::write(&file, EVERY_TABLE).unwrap();
    let problems = Config::load(&file).unwrap_err();
    let unknown = problems.iter().filter(|problem| problem.found == "an unknown key");
    let known: BTreeSet<String> = unknown
        .flat_map(|problem| {
            let table = problem
                .key
                .trim_end_matches("zz")
                .replace("routes[0]", "routes")
                .replace("hooks[0]", "hooks");
            problem.allowed.split(", ").map(move |key| format!("{table}{key}"))
        })
        .collect();
    // The keys of the gate may stand in three places, and are told of once.
    let again = |key: &String| {
        let key = key.strip_prefix("plugins.NAME.").or(key.strip_prefix("routes."));
        let shared = key.is_some_and(|key| known.contains(&format!("defaults.{key}")));
        shared || key.is_some_and(|key| key.starts_with("admission.") && known.contains(key))
    };
    known.iter().filter(|key| !again(key)).cloned().collect()
}

/// Keys in the first column under a heading such as `[server]`; tables themselves are told by their heading.
fn documented() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut table = "";
    for line in DOCS.lines() {
        if let Some(heading) = line.strip_prefix("##") {
            table = heading.trim_matches(|c| " #`[]".contains(c));
            keys.insert(table.split('.').next().unwrap_or_default().to_owned());
        } else if let Some(row) = line.strip_prefix("| `") {
            keys.insert(format!("{table}.{}", row.split('`').next().unwrap_or_default()));
        }
    }
    keys
}

#[test]
fn every_key_is_documented_and_nothing_else_is() {
    let (known, documented) = (known(), documented());
    let difference: Vec<_> = known.symmetric_difference(&documented).collect();
    assert!(
        difference.is_empty(),
        "in docs/configuration.md or in a reader, but not in both: {difference:?}"
    );
    assert!(known.len() > 50, "{known:?}");
}

#[test]
fn the_example_is_a_configuration_without_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    write("cert.pem", made.cert.pem().as_bytes());
    write("key.pem", made.signing_key.serialize_pem().as_bytes());
    let handler = r#"(component (instance $i) (export "ostler:plugin/http-handler@0.1.0" (instance $i)))"#;
    write("hello.wasm", &wat::parse_str(handler).unwrap());
    let example = DOCS.split("```").nth(1).unwrap().strip_prefix("toml").unwrap();
    write("ostler.toml", example.as_bytes());
    let (_, warnings) = Config::load(&folder.path().join("ostler.toml")).unwrap();
    assert_eq!(warnings, []);
}
