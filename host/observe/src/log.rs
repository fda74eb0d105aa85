//! Logs: what the host says by `tracing`, as lines of the sink.
//!
//! Each event is one flat line: time, level, target, message, its fields, then the fields of the spans around it (the inner
//! one wins where names collide). Nothing is formatted that the level does not let through.

use std::fmt::Debug;
use std::io::IsTerminal;

use ostler_core::settings::Section;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt, reload};

use crate::line::{Format, Line};
use crate::sink::Sink;

/// `[observe]`: what is logged and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Least level that is logged, with exceptions by target: `"info,ostler_edge=debug"`. Default: `info`.
    pub level: Targets,
    /// How lines are written; `None` (`"auto"`): for people on a terminal, JSON otherwise. Default: auto.
    pub format: Option<Format>,
    /// Whether each exchange leaves a line. Default: true.
    pub access: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config { level: Targets::new().with_default(LevelFilter::INFO), format: None, access: true }
    }
}

impl Config {
    /// Reads `[observe]`.
    pub fn read(mut section: Section<'_>) -> Self {
        let default = Config::default();
        let level = section.string("level").map(|level| {
            directives(&level.value).unwrap_or_else(|part| {
                let allowed = "off, error, warn, info, debug or trace, and exceptions such as \"info,ostler_edge=debug\"";
                section.problem("level", format!("{part:?}"), allowed, "");
                default.level.clone()
            })
        });
        let formats = [("auto", None), ("human", Some(Format::Human)), ("json", Some(Format::Json))];
        let config = Config {
            level: level.unwrap_or(default.level),
            format: section.choice("format", &formats).unwrap_or(default.format),
            access: section.boolean("access").unwrap_or(default.access),
        };
        section.finish();
        config
    }

    /// The format to use on stdout as it is.
    pub fn chosen_format(&self) -> Format {
        let auto = if std::io::stdout().is_terminal() { Format::Coloured } else { Format::Json };
        self.format.unwrap_or(auto)
    }
}

/// Levels by target, or the part that is none. (`Targets` parses too, but takes a misspelt level for a target's name.)
fn directives(text: &str) -> Result<Targets, &str> {
    let mut targets = Targets::new().with_default(LevelFilter::INFO);
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let level = |name: &str| name.trim().parse::<LevelFilter>().map_err(|_| part);
        targets = match part.split_once('=') {
            Some((target, name)) => targets.with_target(target.trim(), level(name)?),
            None => targets.with_default(level(part)?),
        };
    }
    Ok(targets)
}

/// Changes the level of a running log.
#[derive(Debug, Clone)]
pub(crate) struct Control(reload::Handle<Targets, Registry>);

impl Control {
    /// From now on `level` counts.
    pub(crate) fn set(&self, level: Targets) {
        // Fails only once the subscriber is gone, and then there is nothing left to change.
        let _ = self.0.reload(level);
    }
}

/// What `tracing` shall send its events to, and how to change its level.
pub(crate) fn subscriber(config: &Config, sink: Sink) -> (impl Subscriber + Send + Sync, Control) {
    let (level, handle) = reload::Layer::new(config.level.clone());
    (Registry::default().with(Lines { sink }.with_filter(level)), Control(handle))
}

/// The layer that turns events into lines.
struct Lines {
    sink: Sink,
}

/// Fields of one span, rendered once when the span begins.
struct Rendered(Vec<(&'static str, Vec<u8>)>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fragments = Fragments { format: self.sink.format(), rendered: Vec::new() };
        attributes.record(&mut fragments);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Rendered(fragments.rendered));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fragments = Fragments { format: self.sink.format(), rendered: Vec::new() };
        values.record(&mut fragments);
        if let Some(span) = context.span(id)
            && let Some(Rendered(fields)) = span.extensions_mut().get_mut()
        {
            fields.retain(|(name, _)| !fragments.rendered.iter().any(|(new, _)| new == name));
            fields.append(&mut fragments.rendered);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Line::new(self.sink.format(), *metadata.level(), metadata.target());
        event.record(&mut Message(&mut line));
        event.record(&mut Fields(&mut line));
        let mut seen: Vec<&str> = Vec::new();
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            let Some(Rendered(fields)) = extensions.get() else { continue };
            for (name, fragment) in fields {
                if metadata.fields().field(name).is_none() && !seen.contains(name) {
                    seen.push(name);
                    line.fragment(fragment);
                }
            }
        }
        self.sink.push(line.finish());
    }
}

/// Writes the message of an event.
struct Message<'a>(&'a mut Line);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.message(format_args!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.0.message(value);
        }
    }
}

/// Writes all the other fields.
struct Fields<'a>(&'a mut Line);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "message" {
            self.0.shown(name(field), format_args!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() != "message" {
            self.0.text(name(field), value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.count(name(field), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.plain(name(field), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for infinity or for what is no number.
        if value.is_finite() {
            self.0.plain(name(field), value);
        } else {
            self.0.shown(name(field), value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.plain(name(field), value);
    }
}

/// The name of a field as it is written; the names every line has already get a `_`.
fn name(field: &Field) -> &'static str {
    match field.name() {
        "ts" => "ts_",
        "level" => "level_",
        "target" => "target_",
        "msg" => "msg_",
        name => name.strip_prefix("r#").unwrap_or(name),
    }
}

/// Renders each field on its own.
struct Fragments {
    format: Format,
    rendered: Vec<(&'static str, Vec<u8>)>,
}

impl Fragments {
    fn add(&mut self, field: &Field, write: impl FnOnce(&mut Fields<'_>)) {
        let mut line = Line::loose(self.format);
        write(&mut Fields(&mut line));
        self.rendered.push((field.name(), line.into_fragment()));
    }
}

impl Visit for Fragments {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, |fields| fields.record_debug(field, value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, |fields| fields.record_str(field, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, |fields| fields.record_u64(field, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, |fields| fields.record_i64(field, value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, |fields| fields.record_f64(field, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, |fields| fields.record_bool(field, value));
    }
}

#[cfg(test)]
mod tests {
    use ostler_core::settings::{Node, Problem, Problems};
    use tracing::{debug, error, info, info_span, warn};

    use super::*;
    use crate::testing::Shelf;

    fn logged(level: &str, format: Format, say: impl FnOnce(Control)) -> Shelf {
        let shelf = Shelf::default();
        let sink = Sink::to(format, shelf.clone()).unwrap();
        let config = Config { level: directives(level).unwrap(), ..Config::default() };
        let (subscriber, control) = subscriber(&config, sink.clone());
        tracing::subscriber::with_default(subscriber, || say(control));
        assert!(sink.close());
        shelf
    }

    fn read(text: &str) -> (Config, Vec<String>) {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        let config = Config::read(node.section("observe", &problems));
        (config, problems.into_vec().iter().map(Problem::to_string).collect())
    }

    #[test]
    fn an_event_is_one_flat_object_with_typed_fields() {
        let shelf = logged("info", Format::Json, |_| {
            warn!(target: "t", n = 7, minus = -1, half = 0.5, nan = f64::NAN, yes = true, who = %"a\"b", what = ?Some("x\n"), "it {}", "is");
        });
        let line = &shelf.json()[0];
        assert_eq!(
            (&line["level"], &line["target"], &line["msg"]),
            (&"warn".into(), &"t".into(), &"it is".into())
        );
        assert_eq!((&line["n"], &line["minus"], &line["half"]), (&7.into(), &(-1).into(), &0.5.into()));
        assert_eq!((&line["nan"], &line["yes"]), (&"NaN".into(), &true.into()));
        assert_eq!((&line["who"], &line["what"]), (&"a\"b".into(), &"Some(\"x\\n\")".into()));
    }

    #[test]
    fn fields_of_the_spans_around_are_in_the_line_and_the_innermost_wins() {
        let shelf = logged("info", Format::Json, |_| {
            let outer = info_span!("outer", request_id = "r1", plugin = "a", late = tracing::field::Empty);
            outer.record("late", 3);
            let _outer = outer.entered();
            let _inner = info_span!("inner", plugin = "b").entered();
            info!(own = 1, level = "forged", "inside");
            info!(plugin = "c", "inside");
        });
        let lines = shelf.json();
        assert_eq!((&lines[0]["request_id"], &lines[0]["plugin"]), (&"r1".into(), &"b".into()));
        assert_eq!((&lines[0]["level"], &lines[0]["level_"]), (&"info".into(), &"forged".into()));
        assert_eq!((&lines[0]["late"], &lines[1]["plugin"]), (&3.into(), &"c".into()));
        assert_eq!(shelf.text().matches("\"plugin\"").count(), 2);
    }

    #[test]
    fn what_the_level_holds_back_is_not_even_formatted() {
        struct Bomb;
        impl std::fmt::Display for Bomb {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                panic!("formatted for nobody")
            }
        }
        let shelf = logged("warn,chatty=debug,mute=off", Format::Human, |_| {
            info!("{}", Bomb);
            error!(target: "mute", "{}", Bomb);
            debug!(target: "chatty::room", "heard");
        });
        assert_eq!(shelf.text().lines().count(), 1);
    }

    #[test]
    fn the_level_can_change_while_the_log_runs() {
        let shelf = logged("warn", Format::Human, |control| {
            info!("before");
            control.set(directives("info").unwrap());
            info!("after");
        });
        assert!(shelf.text().ends_with(": after\n") && !shelf.text().contains("before"), "{}", shelf.text());
    }

    #[test]
    fn a_value_cannot_forge_a_line() {
        let shelf = logged("info", Format::Human, |_| info!(path = "/\n\x1b[1mroot", "for\nged"));
        assert!(shelf.text().ends_with(": for\\nged path=\"/\\n\\u001b[1mroot\"\n"), "{}", shelf.text());
    }

    #[test]
    fn settings_are_read_and_misspelt_levels_told() {
        let (config, problems) =
            read("level = 'debug, ostler_edge = trace'\nformat = 'json'\naccess = false");
        assert_eq!(problems, Vec::<String>::new());
        assert!(config.level.would_enable("ostler_edge::tls", &tracing::Level::TRACE));
        assert_eq!((config.format, config.access), (Some(Format::Json), false));
        let (_, problems) = read("level = 'inf0'\nformat = 'xml'\nacces = true");
        assert_eq!(problems.len(), 3, "{problems:#?}");
    }
}
