//! One line of output, human or JSON: the only place where text from anywhere reaches the log.
//!
//! Invariant: a line contains exactly one newline, at its end, and no other control character, whatever its values hold;
//! and it is never longer than [`MAX_LINE`] plus what closes it.

use std::fmt::{self, Display, Write as _};
use std::net::IpAddr;
use std::time::SystemTime;

use tracing::Level;

use crate::time::timestamp;

/// Bytes after which values are cut off (marked with `...`) and further fields are left out.
pub const MAX_LINE: usize = 16 << 10;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One flat JSON object per line.
    Json,
    /// For people.
    Human,
    /// For people on a terminal.
    Coloured,
}

/// A line being written.
#[derive(Debug)]
pub(crate) struct Line {
    bytes: Vec<u8>,
    format: Format,
}

impl Line {
    /// Begins a line: time, level, target.
    pub(crate) fn new(format: Format, level: Level, target: &str) -> Self {
        let mut line = Line { bytes: Vec::with_capacity(512), format };
        match format {
            Format::Json => {
                line.bytes.extend_from_slice(b"{\"ts\":\"");
                timestamp(&mut line.bytes, SystemTime::now());
                line.bytes.extend_from_slice(b"\",\"level\":\"");
                line.bytes.extend_from_slice(level_name(level).as_bytes());
                line.bytes.extend_from_slice(b"\",\"target\":\"");
                line.escape(target, true);
                line.bytes.push(b'"');
            }
            Format::Human | Format::Coloured => {
                timestamp(&mut line.bytes, SystemTime::now());
                line.bytes.push(b' ');
                line.bytes.extend_from_slice(level_tag(level, format).as_bytes());
                line.bytes.push(b' ');
                line.escape(target, true);
                line.bytes.push(b':');
            }
        }
        line
    }

    /// Fields without a line around them, kept for later lines ([`Line::fragment`]).
    pub(crate) fn loose(format: Format) -> Self {
        Line { bytes: Vec::new(), format }
    }

    /// What the line says; called at most once, before any field.
    pub(crate) fn message(&mut self, message: impl Display) {
        if self.format == Format::Json {
            self.bytes.extend_from_slice(b",\"msg\":\"");
            self.display(message, true);
            self.bytes.push(b'"');
        } else {
            self.bytes.push(b' ');
            self.display(message, false);
        }
    }

    /// A field whose value is text.
    pub(crate) fn text(&mut self, key: &'static str, value: &str) {
        if self.key(key) {
            let from = self.open();
            self.escape(value, true);
            self.close(from);
        }
    }

    /// A field of somebody else: `prefix` keeps its name apart from the host's own.
    pub(crate) fn foreign(&mut self, prefix: &'static str, key: &str, value: &str) {
        if self.bytes.len() + key.len() > MAX_LINE {
            return;
        }
        let (before, after) = self.around_key();
        self.bytes.extend_from_slice(before);
        self.bytes.extend_from_slice(prefix.as_bytes());
        self.escape(key, true);
        self.bytes.extend_from_slice(after);
        let from = self.open();
        self.escape(value, true);
        self.close(from);
    }

    /// A field whose value is whatever `value` displays.
    pub(crate) fn shown(&mut self, key: &'static str, value: impl Display) {
        if self.key(key) {
            let from = self.open();
            self.display(value, true);
            self.close(from);
        }
    }

    /// A field whose value is a number or a truth value; `value` must display as JSON does.
    pub(crate) fn plain(&mut self, key: &'static str, value: impl Display) {
        if self.key(key) {
            self.display(value, false);
        }
    }

    /// A field whose value is a count; faster than [`Line::plain`].
    pub(crate) fn count(&mut self, key: &'static str, value: u64) {
        if self.key(key) {
            decimal(&mut self.bytes, value);
        }
    }

    /// A field whose value is an address.
    pub(crate) fn address(&mut self, key: &'static str, address: IpAddr) {
        let IpAddr::V4(v4) = address else { return self.shown(key, address) };
        if self.key(key) {
            let from = self.open();
            for (place, octet) in v4.octets().into_iter().enumerate() {
                if place > 0 {
                    self.bytes.push(b'.');
                }
                decimal(&mut self.bytes, u64::from(octet));
            }
            self.close(from);
        }
    }

    /// Fields rendered earlier by a loose line of the same format.
    pub(crate) fn fragment(&mut self, fragment: &[u8]) {
        if self.bytes.len() + fragment.len() <= MAX_LINE {
            self.bytes.extend_from_slice(fragment);
        }
    }

    /// The bytes so far, without an end.
    pub(crate) fn into_fragment(self) -> Vec<u8> {
        self.bytes
    }

    /// The whole line.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.format == Format::Json {
            self.bytes.push(b'}');
        }
        self.bytes.push(b'\n');
        self.bytes
    }

    /// Begins a field of the host; whether there was room for it. Names written in the code need no escaping.
    fn key(&mut self, key: &'static str) -> bool {
        if self.bytes.len() + key.len() > MAX_LINE {
            return false;
        }
        let (before, after) = self.around_key();
        self.bytes.extend_from_slice(before);
        self.bytes.extend_from_slice(key.as_bytes());
        self.bytes.extend_from_slice(after);
        true
    }

    fn around_key(&self) -> (&'static [u8], &'static [u8]) {
        if self.format == Format::Json { (b",\"", b"\":") } else { (b" ", b"=") }
    }

    fn open(&mut self) -> usize {
        if self.format == Format::Json {
            self.bytes.push(b'"');
        }
        self.bytes.len()
    }

    /// People get quotes only around values that could be misread without.
    fn close(&mut self, from: usize) {
        let ambiguous = |bytes: &[u8]| bytes.is_empty() || bytes.iter().any(|byte| b" =\\\"".contains(byte));
        if self.format == Format::Json {
            self.bytes.push(b'"');
        } else if ambiguous(&self.bytes[from..]) {
            self.bytes.insert(from, b'"');
            self.bytes.push(b'"');
        }
    }

    fn display(&mut self, value: impl Display, quotes: bool) {
        // A `Display` that fails has said what it could; the line goes on.
        let _ = write!(Escaped { line: self, quotes, cut: false }, "{value}");
    }

    /// Appends `text` escaped; `quotes`: also `"` and `\`. False if it was cut off.
    fn escape(&mut self, text: &str, quotes: bool) -> bool {
        let room = MAX_LINE.saturating_sub(self.bytes.len());
        let plain = |byte: u8| (0x20..0x7f).contains(&byte) && !(quotes && (byte == b'"' || byte == b'\\'));
        // No early end: most text is plain, and so the check runs over many bytes at once.
        if text.len() <= room && text.bytes().fold(true, |all, byte| all & plain(byte)) {
            self.bytes.extend_from_slice(text.as_bytes());
            return true;
        }
        for character in text.chars() {
            if self.bytes.len() >= MAX_LINE {
                self.bytes.extend_from_slice(b"...");
                return false;
            }
            self.escape_character(character, quotes);
        }
        true
    }

    fn escape_character(&mut self, character: char, quotes: bool) {
        match character {
            '\n' => self.bytes.extend_from_slice(b"\\n"),
            '\r' => self.bytes.extend_from_slice(b"\\r"),
            '\t' => self.bytes.extend_from_slice(b"\\t"),
            '"' | '\\' if quotes => self.bytes.extend_from_slice(&[b'\\', character as u8]),
            hidden if hidden.is_control() || reorders(hidden) => {
                // Infallible: a Vec takes all. None of these characters lies beyond four hex digits.
                let _ = std::io::Write::write_fmt(&mut self.bytes, format_args!("\\u{:04x}", hidden as u32));
            }
            shown => self.bytes.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Line separators and the marks by which text hides its true order from the reader (CVE-2021-42574).
fn reorders(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

struct Escaped<'a> {
    line: &'a mut Line,
    quotes: bool,
    cut: bool,
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.cut = self.cut || !self.line.escape(text, self.quotes);
        // The error ends a value that may have no end of its own.
        if self.cut { Err(fmt::Error) } else { Ok(()) }
    }
}

/// `"info"` and so on.
pub(crate) fn level_name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

fn level_tag(level: Level, format: Format) -> &'static str {
    match (format, level) {
        (Format::Coloured, Level::TRACE) => "\x1b[35mTRACE\x1b[0m",
        (Format::Coloured, Level::DEBUG) => "\x1b[34mDEBUG\x1b[0m",
        (Format::Coloured, Level::INFO) => "\x1b[32mINFO \x1b[0m",
        (Format::Coloured, Level::WARN) => "\x1b[33mWARN \x1b[0m",
        (Format::Coloured, Level::ERROR) => "\x1b[31mERROR\x1b[0m",
        (_, Level::TRACE) => "TRACE",
        (_, Level::DEBUG) => "DEBUG",
        (_, Level::INFO) => "INFO ",
        (_, Level::WARN) => "WARN ",
        (_, Level::ERROR) => "ERROR",
    }
}

/// Appends `value` in decimal.
pub(crate) fn decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile(format: Format) -> String {
        let mut line = Line::new(format, Level::INFO, "t");
        line.message("a\nb\x1b[2J\"\u{202e}");
        line.foreign("f.", "k\n\"", "v\r\n\0\x7f\u{9b}\u{2028}é\\");
        line.shown("what", format_args!("x{}y", '\n'));
        String::from_utf8(line.finish()).unwrap()
    }

    #[test]
    fn no_control_character_survives_in_either_format() {
        for format in [Format::Json, Format::Human] {
            let line = hostile(format);
            let body = line.strip_suffix('\n').unwrap();
            assert!(!body.contains(|c: char| c.is_control() || reorders(c)), "{line:?}");
        }
    }

    #[test]
    fn json_gives_back_what_was_put_in() {
        let line: serde_json::Value = serde_json::from_str(&hostile(Format::Json)).unwrap();
        assert_eq!(line["msg"], "a\nb\x1b[2J\"\u{202e}");
        assert_eq!(line["f.k\n\""], "v\r\n\0\x7f\u{9b}\u{2028}é\\");
        assert_eq!((&line["level"], &line["what"]), (&"info".into(), &"x\ny".into()));
    }

    #[test]
    fn a_line_without_end_is_cut_off_and_still_json() {
        struct Endless;
        impl Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("all work and no \"play\" ")?;
                }
            }
        }
        for long in ["x".repeat(3 * MAX_LINE), "\0".repeat(MAX_LINE)] {
            let mut line = Line::new(Format::Json, Level::INFO, "t");
            line.message(Endless);
            line.text("long", &long);
            line.count("n", 1);
            let line = line.finish();
            assert!(line.len() < MAX_LINE + 64, "{}", line.len());
            let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert!(line["msg"].as_str().unwrap().ends_with("..."));
        }
    }

    #[test]
    fn counts_are_decimal() {
        for value in [0, 9, 10, 12_345, u64::MAX] {
            let mut out = Vec::new();
            decimal(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }
}
