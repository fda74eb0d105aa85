//! `[flags.provider]`: which other provider is asked, and how long for.

use std::time::Duration;

use ostler_core::settings::Section;

/// `[flags] provider`.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// `kind`: what it is. Needed.
    pub kind: ProviderKind,
    /// `url`: where it answers OFREP, `http://` or `https://`. Needed.
    pub url: String,
    /// `token`: sent as bearer token, for `ofrep`. Default: none.
    pub token: Option<String>,
    /// `deadline`: time for one answer. Default: 250 ms.
    pub deadline: Duration,
}

/// What kind of server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// flagd, over its OFREP interface.
    Flagd,
    /// Any server that speaks the OpenFeature Remote Evaluation Protocol.
    Ofrep,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("kind", &self.kind)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Default of `deadline`.
    pub const DEADLINE: Duration = Duration::from_millis(250);

    /// Reads `[flags] provider`.
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        section.missing("kind", "\"flagd\" or \"ofrep\"");
        section.missing("url", "a URL such as \"http://127.0.0.1:8016\"");
        let kind = section.choice("kind", &[("flagd", ProviderKind::Flagd), ("ofrep", ProviderKind::Ofrep)]);
        let url = section.string("url").map(|url| url.value.trim_end_matches('/').to_owned());
        if let Some(text) = url.as_ref().filter(|text| !is_url(text)) {
            // It may hold a password.
            let found = format!("something else, of {} bytes", text.len());
            section.problem(
                "url",
                found,
                "http://HOST:PORT or https://HOST:PORT",
                "write \"http://127.0.0.1:8016\"",
            );
        }
        let token = section.string("token").map(|token| token.value);
        if token.is_some() && kind == Some(ProviderKind::Flagd) {
            section.problem(
                "token",
                "a token for flagd",
                "token beside kind = \"ofrep\"",
                "write kind = \"ofrep\"",
            );
        }
        let range = Duration::from_millis(1)..=Duration::from_secs(10);
        let deadline = section.duration("deadline", range).unwrap_or(Config::DEADLINE);
        section.finish();
        Some(Config { kind: kind?, url: url?, token, deadline })
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.contains(['@', '?', '#', ' ']) && text.parse::<http::Uri>().is_ok()
    })
}
