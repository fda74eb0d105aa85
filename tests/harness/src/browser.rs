//! A real browser without a window, for the pages that people see.
//!
//! Chromium takes commands of its DevTools protocol on a pipe: JSON texts that end in NUL.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest a browser may take for one step, cold start on a busy machine included.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page open.
pub struct Page {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: String,
    sent: u64,
    _profile: TempDir,
}

impl Page {
    /// Opens `url`.
    pub fn open(url: &str) -> Page {
        let profile = tempfile::tempdir().unwrap();
        // The protocol's ends are file descriptors 3 and 4, which a shell can give it. In a container there are no
        // sandboxes inside of sandboxes; it visits nobody but the host under test.
        let script = "exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
            --remote-debugging-pipe --user-data-dir=\"$0\" about:blank 3<&0 4>&1 0</dev/null 1>&2";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .arg(profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, messages) = channel();
        let (commands, told) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for message in BufReader::new(told).split(0).map_while(Result::ok) {
                let _ = sender.send(serde_json::from_slice(&message).unwrap_or_default());
            }
        });
        let session = String::new();
        let mut page = Page { child, commands, messages, session, sent: 0, _profile: profile };
        let target = page.command("Target.createTarget", json!({ "url": url }))["targetId"].clone();
        let attached = page.command("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        page.session = attached["sessionId"].as_str().unwrap().to_owned();
        page
    }

    /// What `expression` comes to in the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let answer =
            self.command("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        answer["result"]["value"].clone()
    }

    /// Waits until `expression` is true in the page.
    pub fn until(&mut self, expression: &str) {
        let start = Instant::now();
        while self.evaluate(expression) != json!(true) {
            assert!(
                start.elapsed() < PATIENCE,
                "never true: {expression}\n{}",
                self.evaluate("document.documentElement.outerHTML")
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn command(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut command = json!({ "id": self.sent, "method": method, "params": params });
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let message = message.unwrap_or_else(|error| {
                panic!("chromium does not answer ({error}); is it installed? `cargo xtask setup` does it")
            });
            if message["id"] == self.sent {
                return message["result"].clone();
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
