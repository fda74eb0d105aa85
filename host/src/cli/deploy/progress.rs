//! What the host is doing with an upload, shown while it lasts. A deployment that is quick shows nothing.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::cli::Failure;
use crate::cli::remote::{Answer, Remote};

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// Seconds between two lines about one step.
const REMIND: u64 = 5;

/// Runs `upload`, and meanwhile asks how far the plugin at `path` is; `show` is given each line.
pub(super) fn during(
    remote: &Remote,
    path: &str,
    show: impl Fn(&str) + Send,
    upload: impl FnOnce() -> Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    let (end, ended) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut told = Told::default();
            while ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                // Who uploads hears of every failure anyway.
                let Ok(answer) = remote.call(Method::GET, path, "") else { continue };
                if let Some(line) = told.line(&answer.value["deploying"]) {
                    show(&line);
                }
            }
        });
        let answer = upload();
        drop(end);
        answer
    })
}

/// What was shown last.
#[derive(Default)]
struct Told {
    step: String,
    seconds: u64,
}

impl Told {
    /// A line about what `deploying` says, if it is news.
    fn line(&mut self, deploying: &Value) -> Option<String> {
        let step = deploying["step"].as_str()?;
        let seconds = deploying["for_ms"].as_u64()? / 1000;
        if step == self.step && seconds < self.seconds + REMIND {
            return None;
        }
        let doing = match step {
            "validate" => "validating",
            "compile" => "compiling",
            "check" => "checking",
            "activate" => "activating",
            _ => return None,
        };
        *self = Told { step: step.to_owned(), seconds };
        Some(if seconds < 1 { doing.to_owned() } else { format!("{doing} for {seconds} s") })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_step_is_told_once_and_a_long_one_again() {
        let mut told = Told::default();
        let mut at = |step: &str, for_ms: u64| told.line(&json!({ "step": step, "for_ms": for_ms }));
        assert_eq!(at("validate", 300).as_deref(), Some("validating"));
        assert_eq!(at("validate", 800), None);
        assert_eq!(at("compile", 200).as_deref(), Some("compiling"));
        assert_eq!(at("compile", 4_900), None);
        assert_eq!(at("compile", 5_100).as_deref(), Some("compiling for 5 s"));
        assert_eq!(at("compile", 9_900), None);
        assert_eq!(at("compile", 10_100).as_deref(), Some("compiling for 10 s"));
        assert_eq!(at("activate", 1_500).as_deref(), Some("activating for 1 s"));
    }

    #[test]
    fn what_says_nothing_is_not_told() {
        for value in
            [json!(null), json!({}), json!({ "step": "dance", "for_ms": 1 }), json!({ "step": "compile" })]
        {
            assert_eq!(Told::default().line(&value), None, "{value}");
        }
    }
}
