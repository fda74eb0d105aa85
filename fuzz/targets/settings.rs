//! Settings as TOML and as JSON: any bytes give a definition or problems, and every problem can be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ostler_core::plugin::{PluginSpec, RouteSpec};
use ostler_core::settings::{Node, Problem, Problems};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let problems = Problems::new("ostler.toml");
    let mut node = Node::from_toml(text, &problems);
    node.expand(&|name| (name.len() % 2 == 0).then(|| name.to_lowercase()), &problems);
    read(&node, problems);
    if let Ok(json) = serde_json::from_str(text) {
        read(&Node::from_json(&json), Problems::new("definition"));
    }
});

fn read(node: &Node, problems: Problems) {
    let mut root = node.section("", &problems);
    if let Some(mut server) = root.section("server") {
        ostler_edge::Config::read(&mut server);
        server.finish();
    }
    for (_, mut section) in root.named_sections("plugins") {
        PluginSpec::read(&mut section);
        section.finish();
    }
    for route in root.sections("routes") {
        RouteSpec::read(route, None);
    }
    root.section("observe").map(ostler_observe::Config::read);
    root.section("runtime").map(ostler_runtime::Config::read);
    root.section("upstream").map(ostler_upstream::Config::read);
    root.finish();
    let told: Vec<_> = problems.into_vec().iter().map(Problem::to_string).collect();
    assert!(told.iter().all(|line| line.contains(": error: ") || line.contains(": warning: ")));
}
