//! wasmCloud: a guest of the real `wasmcloud-component` crate.

use ::http::Method;
use harness::Host;

use super::{good, refused};

#[tokio::test]
async fn every_function_of_wasi_blobstore_does_what_it_says() {
    let host = Host::of("wasmcloud", "grant = { blob = [\"files\", \"other\"] }");
    for _ in 0..2 {
        let told = good(&host, "/blob?container=files&other=other").await;
        assert_eq!(
            told.lines().collect::<Vec<_>>(),
            [
                "exists true",
                "name files files",
                "get \"5 three\"",
                "part \"2 hr\"",
                "info a files 5 true",
                "has true false",
                "skip (1, false)",
                "names ([\"b/c\", \"moved\"], true)",
                "left ([\"b/c\"], true)",
                "cleared ([], true)",
            ]
        );
    }
}

#[tokio::test]
async fn a_large_object_streams_in_and_out_and_survives() {
    let host = Host::of("wasmcloud", "deadline = \"60s\"\ngrant = { blob = [\"files\"] }");
    let object: Vec<u8> = (0..5u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let path = "/object?container=files&name=../../large";
    let reply = host.client.send(Method::PUT, path, object.clone()).await;
    assert_eq!((reply.status.as_u16(), reply.text()), (200, object.len().to_string()));
    let host = host.kill_and_restart();
    let reply = host.client.get(path).await;
    assert_eq!((reply.status.as_u16(), reply.whole), (200, true));
    assert!(*reply.body == *object, "{} bytes came back", reply.body.len());
}

#[tokio::test]
async fn an_object_that_was_not_finished_never_was() {
    let host = Host::of("wasmcloud", "grant = { blob = [\"files\"] }");
    assert_eq!(good(&host, "/unfinished?container=files").await, "false");
    let text = refused(&host, "/object?container=files&name=unfinished").await;
    assert!(text.contains("has no object"), "{text}");
}

#[tokio::test]
async fn a_container_that_was_not_granted_does_not_open() {
    let host = Host::of("wasmcloud", "grant = { blob = [\"files\"] }");
    for path in ["/object?container=secrets&name=a", "/blob?container=files&other=secrets"] {
        let text = refused(&host, path).await;
        assert!(text.contains("not granted") && text.contains("blob = [\"secrets\"]"), "{text}");
    }
}

#[tokio::test]
async fn wasi_logging_writes_lines_with_their_context() {
    let host = Host::of("wasmcloud", "");
    let reply = host.client.get("/log?context=billing").await;
    for (level, text) in [("warn", "Warn"), ("error", "Error"), ("error", "Critical"), ("info", "Info")] {
        let wanted = format!("a line of Level::{text}");
        let line = host.line(|line| line["msg"] == wanted.as_str()).await;
        assert_eq!(line["level"].as_str().unwrap().to_lowercase(), level, "{line}");
        assert_eq!((&line["plugin"], &line["fields.context"]), (&"p".into(), &"billing".into()), "{line}");
        assert_eq!(line["request_id"], reply.header("x-request-id"));
    }
}

#[tokio::test]
async fn configuration_and_stores_answer_by_the_names_wasmcloud_uses() {
    let host = Host::of("wasmcloud", "grant = { kv = [\"a\"], config = { greeting = \"hi\" } }");
    assert_eq!(good(&host, "/config?key=greeting").await, "Some(\"hi\") of 1");
    assert_eq!(good(&host, "/kv?store=a").await, "42 Some(Ok(\"42\")) false");
}
