//! Who makes a change, and why, as the API is told for every change that is recorded.
//!
//! The admin token is the proof that somebody may make it; the name beside it is what they call themselves.
//!
//! **Invariant:** neither breaks out of the line it is shown on, and nobody passes for the host itself.

use ostler_core::settings::Section;
use ostler_release::flags::{WHO_MAX, WHY_MAX};
use ostler_release::rollout::HOST;

/// Who it was if nobody says.
const SOMEBODY: &str = "admin";

/// Who, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct By {
    pub(super) who: String,
    /// Empty if nobody says.
    pub(super) why: String,
}

impl By {
    /// Reads the keys `who` and `why`.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let who = line(section, "who", 1, WHO_MAX).unwrap_or_else(|| SOMEBODY.to_owned());
        if who.eq_ignore_ascii_case(HOST) {
            section.problem("who", format!("{who:?}"), "any name but the host's own", "say who you are");
        }
        By { who, why: line(section, "why", 0, WHY_MAX).unwrap_or_default() }
    }

    /// As control takes it.
    pub(super) fn parts(&self) -> (&str, &str) {
        (&self.who, &self.why)
    }
}

/// A text of one line, without the blanks around it.
fn line(section: &mut Section<'_>, key: &'static str, least: usize, most: usize) -> Option<String> {
    let text = section.string(key)?.value.trim().to_owned();
    if (least..=most).contains(&text.len()) && !text.contains(breaks_out) {
        return Some(text);
    }
    let found = if text.len() > most { format!("{} bytes", text.len()) } else { format!("{text:?}") };
    section.problem(key, found, format!("one line of {least} to {most} bytes"), "");
    None
}

/// Ends a line, moves a terminal's cursor, or turns the order in which the rest is shown.
fn breaks_out(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::body;

    fn read(json: Value) -> Result<By, String> {
        body::keys(&json, By::read).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn whoever_says_nothing_is_somebody_for_no_reason() {
        let nobody = By { who: "admin".into(), why: String::new() };
        assert_eq!(read(json!({})).unwrap(), nobody);
        assert_eq!(read(json!({ "who": null, "why": "" })).unwrap(), nobody);
        let anna = By { who: "Änna Ö".into(), why: "new prices".into() };
        assert_eq!(read(json!({ "who": " Änna Ö ", "why": "new prices" })).unwrap(), anna);
    }

    #[test]
    fn nobody_passes_for_the_host_or_writes_lines_of_their_own() {
        for (body, told) in [
            (json!({ "who": "host" }), "any name but the host's own"),
            (json!({ "who": " Host " }), "any name but the host's own"),
            (json!({ "who": "" }), "one line of 1 to 256 bytes"),
            (json!({ "who": "anna\nwithdrawn by host" }), "one line"),
            (json!({ "who": "anna\u{1b}[2K" }), "one line"),
            (json!({ "why": "a\rb" }), "one line of 0 to 1024 bytes"),
            (json!({ "why": "a\u{202e}b" }), "one line"),
            (json!({ "why": "a\u{2028}b" }), "one line"),
            (json!({ "why": "x".repeat(1_025) }), "1025 bytes"),
            (json!({ "who": 7 }), "a string"),
            (json!({ "whoo": "anna" }), "write who"),
            (json!([]), "no JSON object"),
            (json!("anna"), "no JSON object"),
        ] {
            let refused = read(body.clone()).unwrap_err();
            assert!(refused.contains(told), "{body}: {refused}");
        }
    }
}
