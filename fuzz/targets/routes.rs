//! Route patterns, hosts and paths: a router of any patterns is made or refused, and finds only what matches.
#![no_main]

use std::sync::Arc;

use http::Request;
use libfuzzer_sys::fuzz_target;
use ostler_core::Body;
use ostler_core::plugin::RouteSpec;
use ostler_policy::{Found, Router};

fuzz_target!(|said: (&str, &str, &str)| {
    let (pattern, host, target) = said;
    let route = |path: &str, host: Option<&str>| RouteSpec {
        path: path.to_owned(),
        methods: Vec::new(),
        host: host.map(str::to_owned),
        plugin: String::new(),
        gate: Default::default(),
        when: None,
        line: 0,
    };
    let routes = [route("/a/{id}", Some("a.test")), route(pattern, None)];
    let Ok(router) = Router::new(routes.into_iter().zip([Arc::new(0), Arc::new(1)])) else { return };
    let Ok(request) = Request::builder().uri(target).header("host", host).body(Body::Empty) else { return };
    if let Found::Route(found) = router.find(&request, |_| true)
        && **found == 0
    {
        let asked = request.uri().host().unwrap_or(host).to_ascii_lowercase();
        assert!(asked == "a.test" || asked.starts_with("a.test:"), "{host:?} {target:?}");
        assert_eq!(request.uri().path().matches('/').count(), 2);
    }
});
