//! What plugins say: one line per call of `log`, or per line of a guest's stdout and stderr.
//!
//! Apart from `tracing` because the names of a guest's fields are not known when the host is built. Invariant: a guest's field
//! can never pass for one of the host's: each gets `fields.` before its name.

use tracing::Level;

use crate::line::Line;
use crate::sink::Sink;

/// One thing said by a plugin. Target `plugin`: a directive `plugin=warn` quiets all of them.
#[derive(Debug, Clone, Copy)]
pub struct PluginLine<'a> {
    /// How grave.
    pub level: Level,
    /// Name of the plugin.
    pub plugin: &'a str,
    /// Short digest of its release.
    pub release: &'a str,
    /// A mark for what is said where nothing a plugin does leaves: `shadow` or `smoke`.
    pub mark: Option<&'static str>,
    /// Exchange during which it was said.
    pub request_id: Option<&'a str>,
    /// What it said.
    pub message: &'a str,
    /// What it added, in its own words.
    pub fields: &'a [(String, String)],
}

impl PluginLine<'_> {
    /// Whether a line of this level would be written, by the level of the log that was installed for this process.
    pub fn enabled(level: Level) -> bool {
        match level {
            Level::TRACE => tracing::enabled!(target: "plugin", Level::TRACE),
            Level::DEBUG => tracing::enabled!(target: "plugin", Level::DEBUG),
            Level::INFO => tracing::enabled!(target: "plugin", Level::INFO),
            Level::WARN => tracing::enabled!(target: "plugin", Level::WARN),
            Level::ERROR => tracing::enabled!(target: "plugin", Level::ERROR),
        }
    }

    /// Writes it, whatever the level of the log (ask [`PluginLine::enabled`] first).
    pub fn write(&self, sink: &Sink) {
        let mut line = Line::new(sink.format(), self.level, "plugin");
        line.message(self.message);
        line.text("plugin", self.plugin);
        line.text("release", self.release);
        if let Some(mark) = self.mark {
            line.text(mark, "true");
        }
        if let Some(id) = self.request_id {
            line.text("request_id", id);
        }
        for (key, value) in self.fields {
            line.foreign("fields.", key, value);
        }
        sink.push(line.finish());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Format;
    use crate::testing::Shelf;

    #[test]
    fn a_plugin_cannot_pass_for_the_host_or_for_another_plugin() {
        let shelf = Shelf::default();
        let sink = Sink::to(Format::Json, shelf.clone()).unwrap();
        let fields = ["plugin", "level", "request_id", "a\"},{\"b"]
            .map(|key| (key.to_owned(), "forged\n{}".to_owned()));
        let line = PluginLine {
            level: Level::INFO,
            plugin: "evil",
            release: "2cf24dba5fb0",
            mark: Some("shadow"),
            request_id: Some("r1"),
            message: "hi\n{\"level\":\"error\"}",
            fields: &fields,
        };
        line.write(&sink);
        assert!(sink.close());
        let lines = shelf.json();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["shadow"], "true");
        assert_eq!((&lines[0]["plugin"], &lines[0]["level"]), (&"evil".into(), &"info".into()));
        assert_eq!(lines[0]["fields.plugin"], "forged\n{}");
    }
}
