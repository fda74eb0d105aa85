//! Log lines: whatever a client or a plugin says, a line is one line, and JSON if it is meant to be.
#![no_main]

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, StatusCode, Version};
use libfuzzer_sys::fuzz_target;
use ostler_observe::{AccessLine, Format, PluginLine, Sink};

#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<u8>>>);

impl Write for Shelf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|said: (&str, &str, &str)| {
    let (path, key, value) = said;
    for format in [Format::Json, Format::Human] {
        let shelf = Shelf::default();
        let sink = Sink::to(format, shelf.clone()).expect("a thread");
        access(path, value).write(&sink);
        let fields = [(key.to_owned(), value.to_owned())];
        let level = tracing::Level::INFO;
        let (plugin, release, request_id, message) = ("p", "r", Some(key), path);
        PluginLine { level, plugin, release, mark: None, request_id, message, fields: &fields }.write(&sink);
        assert!(sink.close());
        check(&shelf.0.lock().expect("no panic"), format);
    }
});

fn access<'a>(path: &'a str, route: &'a str) -> AccessLine<'a> {
    AccessLine {
        request_id: "abc",
        method: &Method::GET,
        path,
        version: Version::HTTP_11,
        status: StatusCode::OK,
        kind: None,
        route: Some(route),
        plugin: None,
        release: None,
        duration: Duration::from_micros(1),
        bytes_in: None,
        bytes_out: None,
        client: IpAddr::from([127, 0, 0, 1]),
        principal: None,
    }
}

fn check(written: &[u8], format: Format) {
    let text = std::str::from_utf8(written).expect("lines are UTF-8");
    assert_eq!(text.matches('\n').count(), 2, "{text:?}");
    assert!(text.ends_with('\n') && !text.trim_end_matches('\n').contains("\n\n"));
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    for line in text.lines().filter(|_| format == Format::Json) {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["target"] == "access" || line["target"] == "plugin", "{line}");
    }
}
