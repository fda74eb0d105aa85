//! slowhttptest's three ways of being slow (heads, bodies, reading), each with more connections than anybody honest has, while
//! another client asks.

use std::process::{Command, Stdio};

use harness::{Host, Setup};

const SLOW: [(&str, &str); 3] = [("-H", "heads"), ("-B", "bodies"), ("-X", "reading")];

fn host() -> Host {
    let keys = "listen = [\"http://127.0.0.1:0\"]\nheader_deadline = \"1s\"\nbody_deadline = \"1s\"\nsend_deadline = \"1s\"";
    Setup::new().server(keys).plugin("p", "hello-typed", "").route("/", "p").start()
}

#[tokio::test]
async fn whoever_is_slow_is_put_out_and_the_others_are_answered() {
    let host = host();
    for (way, what) in SLOW {
        let url = format!("http://{}/", host.address);
        let mut slow = Command::new("slowhttptest")
            .args([way, "-c", "200", "-r", "200", "-i", "1", "-l", "4", "-u", &url])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut answered = 0;
        while slow.try_wait().unwrap().is_none() {
            let reply = host.client.get("/").await;
            assert_eq!(reply.status, 200, "beside slow {what}: {}", reply.text());
            answered += 1;
        }
        assert!(answered > 10, "{answered} answers beside slow {what}");
    }
    assert!(host.metric("ostler_header_timeouts_total", &["listener=\"edge\""]).await > 0.0);
    assert!(host.metric("ostler_requests_total", &["kind=\"request_timeout\""]).await > 0.0);
}
