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

/// Shows each transition, and on a terminal where it stands, until the rollout has ended; what it was then. It is rollout
/// number `id`, or the plugin's present one, and stays that one if another begins.
pub(in crate::cli) fn until_it_ends(
    remote: &Remote,
    plugin: &str,
    id: Option<i64>,
    show: impl Fn(&str),
) -> Result<Value, Failure> {
    let path = plugin_path(plugin)?;
    let ask = |what: &str| remote.call(Method::GET, &format!("{path}/{what}"), "").map(|answer| answer.value);
    let id = match id {
        Some(id) => id,
        None => ask("rollout")?["id"].as_i64().unwrap_or_default(),
    };
    let ended = follow(|| ask(&format!("rollouts/{id}")), show, || thread::sleep(PAUSE));
    ended.map_err(|mut failure| {
        failure.error.push_str("; the rollout goes on");
        failure.repair =
            format!("`ostler rollout status {plugin} --watch` follows it again. {}", failure.repair);
        failure
    })
}

/// Asks until what is answered has ended, and does not give up for what may pass by itself.
fn follow(
    ask: impl Fn() -> Result<Value, Failure>,
    show: impl Fn(&str),
    rest: impl Fn(),
) -> Result<Value, Failure> {
    let (mut told, mut silent) = (0, 0);
    loop {
        match ask() {
            Ok(rollout) => {
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
            }
            Err(failure) if failure.passing && silent < SILENT_MAX => silent += 1,
            Err(failure) => return Err(failure),
        }
        rest();
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
        let _ = write!(terminal, "\r\x1b[K{}", words::stand(rollout));
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
    use std::cell::{Cell, RefCell};

    use serde_json::json;

    use super::*;

    fn followed(answers: Vec<Result<Value, Failure>>) -> (Result<Value, Failure>, Vec<String>) {
        let (answers, told) = (RefCell::new(answers.into_iter()), RefCell::new(Vec::new()));
        let ask = || answers.borrow_mut().next().unwrap();
        let ended = follow(ask, |line| told.borrow_mut().push(line.to_owned()), || {});
        (ended, told.into_inner())
    }

    #[test]
    fn each_transition_is_shown_once_although_the_host_starts_again_meanwhile() {
        let away = || Err(Failure::new("away", "").passing());
        let begun = json!({ "who": "anna", "what": "begun", "why": "" });
        let running = json!({ "plugin": "p", "strategy": "canary", "candidate": "c", "state": "running", "share": "5%",
            "ended_at_ms": null, "events": [begun] });
        let mut ended = running.clone();
        (ended["state"], ended["ended_at_ms"]) = (json!("promoted"), json!(7));
        ended["events"].as_array_mut().unwrap().push(json!({ "who": "host", "what": "promoted", "why": "" }));
        let (result, told) =
            followed(vec![away(), Ok(running.clone()), away(), Ok(running), Ok(ended.clone())]);
        assert_eq!(result.unwrap(), ended);
        assert_eq!(told, ["begun by anna", "promoted by host", "p: canary of c promoted"]);
    }

    #[test]
    fn what_will_not_pass_is_not_waited_for_and_silence_not_for_ever() {
        let (refused, _) = followed(vec![Err(Failure::new("no such rollout", ""))]);
        assert_eq!(refused.unwrap_err().error, "no such rollout");
        let asked = Cell::new(0);
        let ask = || {
            asked.set(asked.get() + 1);
            Err(Failure::new("away", "").passing())
        };
        assert_eq!(follow(ask, |_| {}, || {}).unwrap_err().error, "away");
        assert_eq!(asked.get(), SILENT_MAX + 1);
    }

    #[test]
    fn only_a_promotion_is_a_success() {
        assert!(judge("p", &json!({ "state": "promoted" })).is_ok());
        for state in ["withdrawn", "aborted", "superseded"] {
            assert!(judge("p", &json!({ "state": state })).unwrap_err().error.contains(state));
        }
    }
}
