//! `ostler:plugin/log`: log lines, bounded per call.

use ostler_observe::PluginLine;

use crate::bindings::log::{Host, Level};
use crate::guest::{Env, Guest};
use crate::isolation::Isolation;

/// Bytes of one line; the rest is cut.
pub(super) const LINE: usize = 8 << 10;

impl Host for Guest {
    fn write(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        write(self, tracing_level(level), &message, &fields);
        Ok(())
    }
}

/// Writes one line of a guest, within what its call may log.
pub(super) fn write(guest: &mut Guest, level: tracing::Level, message: &str, fields: &[(String, String)]) {
    if !PluginLine::enabled(level) {
        return;
    }
    let extra = fields.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum();
    let Some(line) = budgeted(&mut guest.log_left, message, extra) else { return };
    let fields = if line.len() == message.len() { fields } else { &[] };
    emit(level, &guest.env, guest.request_id().map(|id| id.as_str()), line, fields);
}

/// Cuts `line` to what may still be logged; none once nothing may. The last line says so.
pub(super) fn budgeted<'a>(left: &mut u64, line: &'a str, extra: u64) -> Option<&'a str> {
    if *left == 0 {
        return None;
    }
    let cost = line.len() as u64 + extra;
    if cost > *left {
        *left = 0;
        return Some("(log volume of this call is used up: the rest is dropped)");
    }
    // An empty line costs too.
    *left = left.saturating_sub(cost.max(16));
    let end = (0..=LINE.min(line.len())).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    Some(&line[..end])
}

/// Writes one line about the exchange `id`.
pub(super) fn emit(
    level: tracing::Level,
    env: &Env,
    id: Option<&str>,
    message: &str,
    fields: &[(String, String)],
) {
    let (plugin, release) = (&*env.plugin, &*env.release_short);
    let mark = env.isolation.map(Isolation::mark);
    PluginLine { level, plugin, release, mark, request_id: id, message, fields }.write(&env.observe.sink);
}

fn tracing_level(level: Level) -> tracing::Level {
    match level {
        Level::Trace => tracing::Level::TRACE,
        Level::Debug => tracing::Level::DEBUG,
        Level::Info => tracing::Level::INFO,
        Level::Warn => tracing::Level::WARN,
        Level::Error => tracing::Level::ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_budget_are_dropped_and_said_to_be() {
        let mut left = 40;
        assert_eq!(budgeted(&mut left, "hello", 0), Some("hello"));
        assert_eq!(left, 24);
        assert!(budgeted(&mut left, "x", 24).is_some_and(|line| line.contains("used up")));
        assert_eq!(budgeted(&mut left, "more", 0), None);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let mut left = 1 << 20;
        let cut = budgeted(&mut left, &"é".repeat(LINE), 0).unwrap().to_owned();
        assert_eq!(cut.len(), LINE);
        assert_eq!(budgeted(&mut left, &format!("x{}", "é".repeat(LINE)), 0).unwrap().len(), LINE - 1);
    }
}
