//! Others may say no: by an answer, by silence, by a stream without end, by a redirect.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use harness::{Setup, component, servers, tagged};
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{host, refused, text, upload};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Answers each connection with the text it is told then, and keeps what it was asked.
struct Hook {
    url: String,
    answer: Arc<Mutex<String>>,
    asked: Arc<Mutex<String>>,
    /// Nobody is answered while somebody holds it.
    gate: Arc<tokio::sync::Mutex<()>>,
}

async fn hook() -> Hook {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ask?key=hunter2", listener.local_addr().unwrap());
    let (answer, asked) = (Arc::new(Mutex::new(String::new())), Arc::new(Mutex::new(String::new())));
    let (say, heard) = (answer.clone(), asked.clone());
    let gate = Arc::<tokio::sync::Mutex<()>>::default();
    let closed = gate.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (say, heard, closed) = (say.lock().unwrap().clone(), heard.clone(), closed.clone());
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !whole(&request) {
                    let mut buffer = [0; 4096];
                    match stream.read(&mut buffer).await {
                        Ok(count) if count > 0 => request.extend(&buffer[..count]),
                        _ => break,
                    }
                }
                *heard.lock().unwrap() = String::from_utf8_lossy(&request).into_owned();
                drop(closed.lock().await);
                let _ = stream.write_all(say.as_bytes()).await;
                if say.ends_with("endless") {
                    while stream.write_all(b"1\r\n \r\n").await.is_ok() {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
                if say == "silence" || say.is_empty() {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            });
        }
    });
    Hook { url, answer, asked, gate }
}

fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    length.is_some_and(|length| body.len() >= length.parse().unwrap())
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_hook_that_does_not_say_yes_says_no() {
    let hook = hook().await;
    let config =
        format!("[[admission.hooks]]\nurl = \"{}\"\ndeadline = \"2s\"\nsecret = \"{SECRET}\"", hook.url);
    let host = host(Setup::new().with(&config), "");
    let good = component("hello-typed");
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        hook.url
    );
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\nendless";
    for (say, reason) in [
        (answer("200 OK", r#"{"allow": false, "reason": "freeze"}"#), "it said no: freeze"),
        (answer("200 OK", "yes"), "its answer is not"),
        (answer("500 Oh", ""), "it answered 500"),
        (redirect, "it answered 302"),
        (answer("200 OK", &format!("{{\"allow\": true{}}}", " ".repeat(70_000))), "more than 65536 bytes"),
        (endless.to_owned(), ""),
        (String::new(), ""),
        ("no HTTP at all\r\n\r\n".to_owned(), ""),
    ] {
        *hook.answer.lock().unwrap() = say.clone();
        let start = Instant::now();
        let told = refused(&host, &upload(&host, &[("component", &good)]).await, "hook").await;
        assert!(told.contains(reason) && !told.contains("hunter2"), "{say}: {told}");
        assert!(start.elapsed() < Duration::from_secs(30), "{say}: {:?}", start.elapsed());
    }
    *hook.answer.lock().unwrap() = answer("200 OK", r#"{"allow": true}"#);
    assert_eq!(upload(&host, &[("component", &good)]).await.status, 201);
    signed(&hook.asked.lock().unwrap().clone());
    let lines = host.lines_so_far().await;
    assert!(
        lines
            .iter()
            .all(|line| !line.to_string().contains("MfKQ9r8") && !line.to_string().contains("hunter2"))
    );
}

#[tokio::test]
async fn what_was_compared_with_a_release_that_is_live_no_more_is_looked_at_again() {
    let hook = hook().await;
    let host = host(Setup::new().with(&format!("[[admission.hooks]]\nurl = \"{}\"", hook.url)), "");
    *hook.answer.lock().unwrap() = answer("204 No Content", "");
    let release = |tag: &str| tagged("hello-typed", tag);
    for tag in ["one", "two"] {
        assert_eq!(upload(&host, &[("component", &release(tag))]).await.status, 201);
    }
    hook.asked.lock().unwrap().clear();
    let closed = hook.gate.lock().await;
    let third = release("three");
    let meanwhile = async {
        let deadline = Instant::now() + Duration::from_secs(20);
        while hook.asked.lock().unwrap().is_empty() {
            assert!(Instant::now() < deadline, "the hook is not asked");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let back = host.admin.send(Method::POST, "/v1/plugins/up/rollback", "").await;
        assert_eq!(back.status, 200, "{}", back.text());
        drop(closed);
    };
    let parts = [("component", &third[..])];
    let (reply, ()) = tokio::join!(upload(&host, &parts), meanwhile);
    assert_eq!(reply.status, 409, "{}", reply.text());
    assert!(reply.text().contains("or the live release, was changed"), "{}", reply.text());
    assert_eq!(upload(&host, &parts).await.status, 201, "compared with what is live now");
}

/// What was asked is as documented, and its signature is one for a library of others.
fn signed(asked: &str) {
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&json["plugin"], &json["who"]), (&"up".into(), &"admin".into()), "{json}");
    assert!(json["digest"].as_str().unwrap().starts_with("sha256:") && json["live"].is_null(), "{json}");
    assert_eq!(json["findings"][0]["gate"], "artifact");
    let fields: serde_json::Map<String, serde_json::Value> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.into()))
        .collect();
    let script = "import sys, json\nfrom standardwebhooks import Webhook\n\
                  Webhook(sys.argv[1]).verify(sys.argv[3], json.loads(sys.argv[2]))";
    let fields = serde_json::Value::from(fields).to_string();
    let python = servers().join("venv/bin/python");
    let output = Command::new(python).args(["-c", script, SECRET, &fields, body]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}
