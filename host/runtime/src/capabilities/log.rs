//! `ostler:plugin/log`: log lines, bounded per call.

use std::fmt::Write;

use crate::bindings::log::{Host, Level};
use crate::guest::{Env, Guest};

/// Bytes of one line; the rest is cut.
pub(super) const LINE: usize = 8 << 10;

impl Host for Guest {
    fn write(&mut self, level: Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        let mut line = message;
        for (key, value) in &fields {
            let _ = write!(line, " {key}={value:?}");
        }
        let Some(line) = budgeted(&mut self.log_left, &line) else { return Ok(()) };
        let (id, env) = (self.request_id().map_or("", |id| id.as_str()), &*self.env);
        emit(level, env, id, line);
        Ok(())
    }
}

/// Cuts `line` to what may still be logged; none once nothing may. The last line says so.
pub(super) fn budgeted<'a>(left: &mut u64, line: &'a str) -> Option<&'a str> {
    if *left == 0 {
        return None;
    }
    if line.len() as u64 > *left {
        *left = 0;
        return Some("(log volume of this call is used up: the rest is dropped)");
    }
    // An empty line costs too.
    *left = left.saturating_sub(line.len().max(16) as u64);
    let end = (0..=LINE.min(line.len())).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    Some(&line[..end])
}

/// Writes one line about the exchange `id`.
pub(super) fn emit(level: Level, env: &Env, id: &str, line: &str) {
    let (plugin, release) = (&*env.plugin, &*env.release);
    match level {
        Level::Trace => tracing::trace!(target: "plugin", plugin, release, request_id = id, "{line}"),
        Level::Debug => tracing::debug!(target: "plugin", plugin, release, request_id = id, "{line}"),
        Level::Info => tracing::info!(target: "plugin", plugin, release, request_id = id, "{line}"),
        Level::Warn => tracing::warn!(target: "plugin", plugin, release, request_id = id, "{line}"),
        Level::Error => tracing::error!(target: "plugin", plugin, release, request_id = id, "{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_budget_are_dropped_and_said_to_be() {
        let mut left = 40;
        assert_eq!(budgeted(&mut left, "hello"), Some("hello"));
        assert_eq!(left, 24);
        assert!(budgeted(&mut left, &"x".repeat(25)).is_some_and(|line| line.contains("used up")));
        assert_eq!(budgeted(&mut left, "more"), None);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let mut left = 1 << 20;
        let cut = budgeted(&mut left, &"é".repeat(LINE)).unwrap().to_owned();
        assert_eq!(cut.len(), LINE);
        assert_eq!(budgeted(&mut left, &format!("x{}", "é".repeat(LINE))).unwrap().len(), LINE - 1);
    }
}
