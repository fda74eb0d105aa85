//! Plugins that ask a limit themselves.

use std::path::Path;

use ::http::Method;
use harness::{Host, Setup};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// A typed handler that takes one from limit `a` under its request's target, and answers 200 or 429 with the decision's
/// bytes, or 400 with the text of an error.
const ASKS: &str = r#"(module
  (import "ostler:plugin/rate-limit@0.1.0" "check" (func $check (param i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 4)
  (global $next (mut i32) (i32.const 8192))
  (data (i32.const 16) "a")
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func (export "ostler:plugin/http-handler@0.1.0#handle")
    (param i32 i32) (param $target i32) (param $length i32) (param i32 i32 i32 i32) (result i32)
    (call $check (i32.const 16) (i32.const 1) (local.get $target) (local.get $length) (i32.const 1) (i32.const 1024))
    (i32.store8 (i32.const 2048) (i32.const 0))
    (i64.store (i32.const 2056) (i64.const 0))
    (if (i32.load8_u (i32.const 1024))
      (then
        (i32.store16 (i32.const 2052) (i32.const 400))
        (i32.store (i32.const 2064) (i32.load (i32.const 1036)))
        (i32.store (i32.const 2068) (i32.load (i32.const 1040))))
      (else
        (i32.store16 (i32.const 2052)
          (select (i32.const 200) (i32.const 429) (i32.load8_u (i32.const 1032))))
        (i32.store (i32.const 2064) (i32.const 1032))
        (i32.store (i32.const 2068) (i32.const 24))))
    (i32.const 2048))
  (func (export "cabi_post_ostler:plugin/http-handler@0.1.0#handle") (param i32)
    (global.set $next (i32.const 8192))))"#;

/// The component, beside the configuration.
fn component(folder: &Path) {
    let mut module = wat::parse_str(ASKS).unwrap();
    let mut contract = wit_parser::Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (package, _) = contract.push_dir(wit).unwrap();
    let world = contract.select_world(&[package], Some("typed")).unwrap();
    embed_component_metadata(&mut module, &contract, world, StringEncoding::UTF8).unwrap();
    let component = ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap();
    std::fs::write(folder.join("asks.wasm"), component).unwrap();
}

/// Two plugins of it at the same paths: `one` answers GET, `two` POST; `three` was granted nothing and answers PUT.
fn host(limits: &str) -> Host {
    let mut setup = Setup::new().with(limits);
    component(setup.folder());
    for (plugin, method, granted) in [("one", "GET", "\"a\""), ("two", "POST", "\"a\""), ("three", "PUT", "")]
    {
        setup = setup.with(&format!(
            "[plugins.{plugin}]\npath = \"asks.wasm\"\ngrant = {{ limits = [{granted}] }}\n\
             [[routes]]\npath = \"/{{*rest}}\"\nplugin = \"{plugin}\"\nmethods = [\"{method}\"]"
        ));
    }
    setup.with("[[routes]]\npath = \"/limited\"\nplugin = \"one\"\nlimits = [\"a\"]").start()
}

async fn asked(host: &Host, method: Method, path: &str) -> (u16, u64) {
    let reply = host.client.send(method, path, "").await;
    let remaining = reply.body.get(8..16).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
    (reply.status.as_u16(), remaining.unwrap_or(u64::MAX))
}

#[tokio::test]
async fn a_plugin_takes_from_its_limit_and_shares_it_with_who_was_granted_it_too() {
    let host = host("[limits.a]\nrate = \"2/day\"");
    assert_eq!(asked(&host, Method::GET, "/k").await, (200, 1));
    assert_eq!(asked(&host, Method::POST, "/k").await, (200, 0));
    assert_eq!(asked(&host, Method::GET, "/k").await, (429, 0));
    assert_eq!(asked(&host, Method::POST, "/k").await, (429, 0));
    assert_eq!(asked(&host, Method::GET, "/other").await, (200, 1));
    // A route that takes from the same limit has counters of its own: both go twice.
    for remaining in [1, 0] {
        assert_eq!(asked(&host, Method::GET, "/limited").await, (200, remaining));
    }
    let reply = host.client.get("/limited").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (429, "rate_limited"));
    assert_eq!(host.metric("ostler_limit_admitted_total", &["limit=\"a\""]).await, 7.0);
}

#[tokio::test]
async fn who_was_granted_nothing_or_what_is_not_there_is_told_the_repair() {
    let told = async |host: &Host, method| {
        let reply = host.client.send(method, "/k", "").await;
        assert_eq!(reply.status, 400);
        reply.text()
    };
    let host = host("[limits.a]\nrate = \"2/day\"");
    let text = told(&host, Method::PUT).await;
    assert_eq!(text, "limit \"a\" is not granted: add it to grant = { limits = [\"a\"] } of plugin three");
    let mut setup = Setup::new();
    component(setup.folder());
    setup = setup.with("[plugins.p]\npath = \"asks.wasm\"\ngrant = { limits = [\"a\"] }").route("/k", "p");
    let text = told(&setup.start(), Method::GET).await;
    assert_eq!(text, "limit \"a\" is granted but not configured: add [limits.a]");
}
