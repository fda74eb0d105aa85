//! Components that are read without being run: handlers, imports, needs, and hostile bytes.

use super::*;

const TYPED: &str = r#"(component
    (import "ostler:plugin/kv@0.1.0" (instance))
    (import "wasi:cli/stdout@0.2.3" (instance))
    (core module (@custom "notes" "12345") (memory 1))
    (component (import "inner:only/thing" (instance)) (core module))
    (instance $handler)
    (export "ostler:plugin/http-handler@0.1.0" (instance $handler))
)"#;

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn exporting(name: &str) -> Vec<u8> {
    component(&format!(r#"(component (instance $i) (export "{name}" (instance $i)))"#))
}

fn importing(name: &str) -> Inspection {
    inspect(&component(&format!(r#"(component (import "{name}" (instance)))"#))).unwrap()
}

#[test]
fn a_typed_component_is_read() {
    let bytes = component(TYPED);
    let found = inspect(&bytes).unwrap();
    assert_eq!(found.bytes, bytes.len() as u64);
    assert_eq!(found.handler, Some(Handler::Typed));
    assert_eq!(found.exports, ["ostler:plugin/http-handler@0.1.0"]);
    let imports: Vec<_> =
        found.imports.iter().map(|import| (import.name.as_str(), import.provider)).collect();
    let expected = [("ostler:plugin/kv@0.1.0", Provider::Ostler), ("wasi:cli/stdout@0.2.3", Provider::Wasi)];
    assert_eq!(imports, expected, "imports of inner components are not its own");
    assert_eq!(found.needs, [Need::Kv]);
    assert_eq!(found.core_modules, 2);
    assert!(found.custom_sections.contains(&CustomSection { name: "notes".into(), bytes: 5 }));
    assert_eq!(found.refusals(), Vec::<String>::new());
}

#[test]
fn handlers_are_told_apart_along_their_version_tracks() {
    for (name, handler) in [
        ("ostler:plugin/http-handler@0.1.7", Some(Handler::Typed)),
        ("wasi:http/incoming-handler@0.2.0", Some(Handler::WasiHttp02)),
        ("wasi:http/incoming-handler@0.2.12", Some(Handler::WasiHttp02)),
        ("wasi:http/handler@0.3.2", Some(Handler::WasiHttp03)),
        ("wasi:http/handler@0.3.0-rc-2025-09-16", None),
        ("wasi:http/incoming-handler@0.20.1", None),
        ("ostler:plugin/http-handler@0.2.0", None),
        ("ostler:plugin/http-handler", None),
    ] {
        assert_eq!(inspect(&exporting(name)).unwrap().handler, handler, "{name}");
    }
}

#[test]
fn with_several_handlers_the_one_the_runtime_links_comes_first() {
    let found = inspect(&component(
        r#"(component (instance $i)
            (export "wasi:http/handler@0.3.0" (instance $i))
            (export "wasi:http/incoming-handler@0.2.3" (instance $i))
            (export "ostler:plugin/http-handler@0.1.0" (instance $i)))"#,
    ));
    assert_eq!(found.unwrap().handlers, [Handler::Typed, Handler::WasiHttp03, Handler::WasiHttp02]);
}

#[test]
fn an_import_nobody_provides_is_refused_by_name() {
    for (name, reason) in [
        ("acme:db/query@1.0.0", "it imports acme:db/query@1.0.0, which nobody provides"),
        (
            "wasi:keyvalue/store@0.2.0-draft9",
            "it imports wasi:keyvalue/store@0.2.0-draft9, which nobody provides; did you mean \
             wasi:keyvalue/store@0.2.0-draft?",
        ),
        ("plain-name", "it imports plain-name, which nobody provides"),
    ] {
        assert_eq!(importing(name).refusals()[1], reason);
    }
}

#[test]
fn what_has_no_handler_is_told_what_to_export() {
    let command = inspect(&exporting("wasi:cli/run@0.2.3")).unwrap().refusals();
    assert!(command[0].starts_with("it is a command (it exports wasi:cli/run)"), "{command:?}");
    let nothing = inspect(&component("(component)")).unwrap().refusals();
    assert!(nothing[0].starts_with("it exports no handler; it exports nothing; export"), "{nothing:?}");
}

#[test]
fn a_known_import_that_is_not_granted_is_a_warning() {
    for (name, need) in [
        ("ostler:plugin/kv@0.1.0", "kv"),
        ("wasi:keyvalue/batch@0.2.0-draft", "kv"),
        ("wasi:config/store@0.2.0-rc.1", "config"),
        ("wasi:config/store@0.2.0-draft", "config"),
        ("wasi:keyvalue/store@0.2.0-draft2", "kv"),
        ("fermyon:spin/key-value@2.0.0", "kv"),
        ("spin:key-value/key-value@3.0.0", "kv"),
        ("spin:variables/variables@3.0.0", "config"),
        ("fermyon:spin/sqlite@2.0.0", "sqlite"),
        ("spin:sqlite/sqlite@3.0.0", "sqlite"),
        ("spin:sqlite/sqlite@3.1.0", "sqlite"),
        ("wasi:blobstore/blobstore@0.2.0-draft", "blob"),
        ("wasi:http/outgoing-handler@0.2.8", "http"),
        ("wasi:http/client@0.3.0", "http"),
        ("ostler:plugin/rate-limit@0.1.0", "limits"),
        ("ostler:plugin/cache@0.1.0", "cache"),
    ] {
        let found = importing(name);
        assert_eq!(found.refusals().len(), 1, "{name} is provided; only the handler is missing");
        let warnings = found.warnings(&Grant::default());
        assert!(warnings[0].contains(&format!("but {need} is not granted")), "{warnings:?}");
    }
    let granted = Grant { kv: vec!["a".into()], ..Grant::default() };
    assert_eq!(importing("ostler:plugin/kv@0.1.0").warnings(&granted), Vec::<String>::new());
}

#[test]
fn all_that_is_not_granted_is_one_warning() {
    let needs = vec![Need::Kv, Need::Http, Need::Cache];
    let found = Inspection { needs, ..importing("ostler:plugin/kv@0.1.0") };
    let granted = Grant { kv: vec!["a".into()], ..Grant::default() };
    assert_eq!(
        found.lacking(&granted).as_deref(),
        Some("it imports outbound HTTP and caches, but http and cache are not granted; calls will be denied")
    );
    assert_eq!(
        found.lacking(&Grant::default()).as_deref(),
        Some(
            "it imports key-value stores, outbound HTTP and caches, but kv, http and cache are not granted; calls will \
             be denied"
        )
    );
}

#[test]
fn an_import_that_is_known_and_absent_is_a_warning_and_no_refusal() {
    for name in ["spin:redis/redis@3.0.0", "fermyon:spin/llm@2.0.0", "wasi:cli/exit@0.3.0-rc-2026-03-15"] {
        let found = importing(name);
        assert_eq!(found.imports[0].provider, Provider::Absent, "{name}");
        assert_eq!(found.refusals().len(), 1, "{name}: only the handler is missing");
        let warnings = found.warnings(&Grant::default());
        assert_eq!(
            warnings,
            [format!("it imports {name}, which this host does not have; a call ends the request")]
        );
    }
    assert_eq!(importing("wasi:logging/logging").imports[0].provider, Provider::Ostler);
    assert_eq!(importing("wasi:cli/exit@0.3.0-rc-1").imports[0].provider, Provider::Nobody);
}

#[test]
fn other_kinds_of_file_are_named() {
    let precompiled = Engine::default().precompile_component(&component(TYPED)).unwrap();
    assert_eq!(inspect(&precompiled), Err(NotAComponent::Precompiled));
    assert_eq!(inspect(&component("(module)")), Err(NotAComponent::CoreModule));
    assert_eq!(inspect(b""), Err(NotAComponent::Empty));
    assert_eq!(inspect(b"  (component)"), Err(NotAComponent::Text));
    assert_eq!(inspect(b"\x7fELF, or not"), Err(NotAComponent::Unknown));
    let wit = r#"(component (@custom "wit-component-encoding" "\04\00")
        (type (component)) (export "a:b/c" (type 0)))"#;
    assert_eq!(inspect(&component(wit)), Err(NotAComponent::WitPackage));
}

#[test]
fn languages_come_from_producers_and_interpreters_do_not_hide_them() {
    let rust = component(
        r#"(component (core module (@producers (language "Rust" "2021") (processed-by "rustc" "1.95"))))"#,
    );
    let found = inspect(&rust).unwrap();
    assert_eq!((found.languages, found.tools), (vec!["Rust".to_owned()], vec!["rustc 1.95".to_owned()]));
    let python = component(
        r#"(component (core module (@producers (language "C11" "") (processed-by "componentize-py" "0.25"))))"#,
    );
    assert_eq!(inspect(&python).unwrap().languages, ["Python", "C11"]);
}

#[test]
fn hostile_bytes_give_an_answer_and_never_a_panic() {
    let good = component(TYPED);
    let mut random = fastrand::Rng::with_seed(2);
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(8..bytes.len());
            match random.u8(0..3) {
                0 => bytes[at] = random.u8(..),
                1 => bytes.truncate(at + 1),
                _ => bytes.insert(at, random.u8(..)),
            }
            if bytes.len() < 9 {
                break;
            }
        }
        let _ = inspect(&bytes).map(|found| (found.refusals(), found.warnings(&Grant::default())));
    }
}

#[test]
fn thousands_of_names_are_refused() {
    let imports: String = (0..=NAMES_MAX).map(|n| format!(r#"(import "a{n}" (instance))"#)).collect();
    let refused = inspect(&component(&format!("(component {imports})")));
    assert!(matches!(refused, Err(NotAComponent::Damaged(_))), "{refused:?}");
}

#[test]
fn components_nested_ten_thousand_deep_are_walked() {
    let header = component("(component)");
    let mut bytes = header.clone();
    for _ in 0..10_000 {
        let mut outer = header.clone();
        outer.push(4);
        leb128(bytes.len(), &mut outer);
        outer.append(&mut bytes);
        bytes = outer;
    }
    assert_eq!(inspect(&bytes).unwrap().core_modules, 0);
}

fn leb128(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
