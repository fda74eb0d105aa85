//! `log`, stdout and stderr: lines that say whose they are, bounded per call.

use ::http::Method;
use harness::Host;
use serde_json::Value;

use super::good;

fn of<'a>(lines: &'a [Value], id: &'a str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line["target"] == "plugin" && line["request_id"] == id)
}

#[tokio::test]
async fn a_line_carries_plugin_release_request_id_and_fields() {
    let host = Host::of("typed", "");
    let reply = good(&host, Method::GET, "/log?lines=3&bytes=5", "").await;
    let id = reply.header("x-request-id").to_owned();
    let line = host.line(|line| line["request_id"] == id.as_str() && line["msg"] == "xxxxx").await;
    assert_eq!((&line["plugin"], &line["target"]), (&"p".into(), &"plugin".into()), "{line}");
    assert_eq!(line["fields.number"], "0", "{line}");
    let release = line["release"].as_str().unwrap();
    assert!(release.len() >= 12 && release.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
    assert_eq!(of(&host.lines_so_far().await, &id).count(), 3);
}

#[tokio::test]
async fn standard_output_and_error_become_lines_even_without_an_end() {
    for instances in ["warm", "fresh"] {
        let host = Host::of("p2", &format!("instances = {instances:?}"));
        for _ in 0..2 {
            let reply = good(&host, Method::GET, "/print", "").await;
            let id = reply.header("x-request-id").to_owned();
            for (text, level) in [("a line on standard output", "info"), ("a line on standard error", "warn")]
            {
                let line = host.line(|line| line["request_id"] == id.as_str() && line["msg"] == text).await;
                assert_eq!((&line["plugin"], &line["target"]), (&"p".into(), &"plugin".into()), "{line}");
                assert_eq!(line["level"].as_str().unwrap().to_lowercase(), level, "{line}");
            }
        }
    }
}

#[tokio::test]
async fn a_panics_text_is_in_the_log_under_its_request() {
    for component in ["typed", "p2", "p3"] {
        let host = Host::of(component, "");
        let reply = host.client.get("/panic").await;
        let id = reply.header("x-request-id").to_owned();
        let says = |line: &Value| line.to_string().contains("a panic on purpose");
        host.line(|line| line["request_id"] == id.as_str() && line["target"] == "plugin" && says(line)).await;
    }
}

#[tokio::test]
async fn what_one_call_may_log_is_bounded_and_the_rest_is_said_to_be_dropped() {
    for (component, path) in [("typed", "/flood-log"), ("p2", "/flood-stdout")] {
        let host = Host::of(component, "deadline = \"1s\"\nlog = \"4KiB\"");
        for _ in 0..2 {
            let reply = host.client.get(path).await;
            assert_eq!(reply.code(), "deadline_exceeded");
            let id = reply.header("x-request-id").to_owned();
            let lines = host.lines_so_far().await;
            let said: Vec<_> = of(&lines, &id).filter_map(|line| line["msg"].as_str()).collect();
            assert!((10..25).contains(&said.len()), "{} lines", said.len());
            assert_eq!(said.iter().filter(|text| text.contains("is dropped")).count(), 1, "{said:?}");
            assert!(said.last().unwrap().contains("is dropped"), "{said:?}");
        }
    }
}

#[tokio::test]
async fn a_quiet_host_writes_no_plugins_lines() {
    let host = harness::Setup::new()
        .plugin("p", "typed", "")
        .route("/{*rest}", "p")
        .with("[observe]\nlevel = \"info,plugin=warn\"")
        .start();
    let reply = good(&host, Method::GET, "/log?lines=3", "").await;
    let id = reply.header("x-request-id").to_owned();
    assert_eq!(of(&host.lines_so_far().await, &id).count(), 0);
}
