//! Follows a rollout until it ends.

use std::io::{IsTerminal, Write};
use std::thread;
use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::words;
use crate::cli::Failure;
use crate::cli::remote::{Remote, plugin_path};

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// Questions in a row that may go unanswered, as while a host starts again.
const SILENT_MAX: u32 = 60;

/// Shows each transition, and on a terminal where it stands, until the rollout has ended; what it was then.
pub(in crate::cli) fn until_it_ends(
    remote: &Remote,
    plugin: &str,
    show: impl Fn(&str),
) -> Result<Value, Failure> {
    let path = format!("{}/rollout", plugin_path(plugin)?);
    let (mut told, mut silent) = (0, 0);
    loop {
        let rollout = match remote.call(Method::GET, &path, "") {
            Ok(answer) => answer.value,
            Err(failure) if told == 0 || silent == SILENT_MAX => return Err(failure),
            Err(_) => {
                silent += 1;
                thread::sleep(PAUSE);
                continue;
            }
        };
        silent = 0;
        let events = rollout["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        if events.len() > told {
            clear();
        }
        events.iter().skip(told).for_each(|event| show(&words::event(event)));
        told = told.max(events.len());
        if !rollout["ended_at_ms"].is_null() {
            clear();
            show(&words::head(&rollout));
            return Ok(rollout);
        }
        stand(&rollout);
        thread::sleep(PAUSE);
    }
}

/// A failure unless the new release is live.
pub(in crate::cli) fn judge(plugin: &str, ended: &Value) -> Result<(), Failure> {
    match ended["state"].as_str() {
        Some("promoted") => Ok(()),
        state => {
            let error = format!("the new release of {plugin} is {}, not live", state.unwrap_or("unknown"));
            Err(Failure::new(error, format!("`ostler rollout status {plugin}` says why")))
        }
    }
}

/// One line that the next one is written over.
fn stand(rollout: &Value) {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        let requests = rollout["requests"].as_u64().unwrap_or_default();
        let _ = write!(terminal, "\r\x1b[K{}; {requests} requests in this step", words::head(rollout));
        let _ = terminal.flush();
    }
}

fn clear() {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        let _ = write!(terminal, "\r\x1b[K");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_promotion_is_a_success() {
        assert!(judge("p", &json!({ "state": "promoted" })).is_ok());
        for state in ["withdrawn", "aborted", "superseded"] {
            assert!(judge("p", &json!({ "state": state })).unwrap_err().error.contains(state));
        }
    }
}
