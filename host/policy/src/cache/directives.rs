//! `Cache-Control` and its kin, read so that doubt never keeps an answer (RFC 9111, sections 4.2.1 and 5.2).
//!
//! **Invariant:** a directive that forbids is seen in any case of letters and in spite of any syntax error around it.

use std::time::Duration;

use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderMap, HeaderName};

/// Largest number of seconds that is meant (RFC 9111, section 1.2.2).
const SECONDS_MAX: u64 = 1 << 31;

/// Fields for caches such as this one, the nearest first (RFC 9213; Surrogate-Control of the Edge Architecture).
const TARGETED: [HeaderName; 2] =
    [HeaderName::from_static("cdn-cache-control"), HeaderName::from_static("surrogate-control")];

/// What an answer says of its keeping.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) no_store: bool,
    pub(super) private: bool,
    pub(super) no_cache: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) proxy_revalidate: bool,
    pub(super) must_understand: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) s_maxage: Option<Duration>,
    pub(super) while_revalidate: Option<Duration>,
    pub(super) if_error: Option<Duration>,
    /// Whether it stands in a field for caches like this, which replaces `Cache-Control` and `Expires`.
    pub(super) targeted: bool,
}

/// What a request says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) only_if_cached: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) min_fresh: Option<Duration>,
}

impl Said {
    /// What `headers` of an answer say.
    pub(super) fn of(headers: &HeaderMap) -> Said {
        for name in &TARGETED {
            let mut said = Said { targeted: true, ..Said::default() };
            if said.read(headers, name) {
                return said;
            }
        }
        let mut said = Said::default();
        said.read(headers, &CACHE_CONTROL);
        said
    }

    /// Whether there was anything.
    fn read(&mut self, headers: &HeaderMap, field: &HeaderName) -> bool {
        let mut any = false;
        each(headers, field, |name, value| {
            any = true;
            match name {
                "no-store" => self.no_store = true,
                // With field names, RFC 9111 lets caches keep the rest; this one takes the whole for what is named.
                "private" => self.private = true,
                "no-cache" => self.no_cache = true,
                "public" => self.public = true,
                "must-revalidate" => self.must_revalidate = true,
                "proxy-revalidate" => self.proxy_revalidate = true,
                "must-understand" => self.must_understand = true,
                "max-age" => self.age(value),
                "s-maxage" => self.s_maxage = Some(least(self.s_maxage, value)),
                "stale-while-revalidate" => self.while_revalidate = Some(least(self.while_revalidate, value)),
                "stale-if-error" => self.if_error = Some(least(self.if_error, value)),
                _ => {}
            }
        });
        any
    }

    fn age(&mut self, value: &str) {
        // Surrogate-Control: max-age=60+30 is 60 fresh and 30 stale.
        let (fresh, stale) = value.split_once('+').unwrap_or((value, ""));
        self.max_age = Some(least(self.max_age, fresh));
        if self.targeted && !stale.is_empty() {
            self.while_revalidate = Some(least(self.while_revalidate, stale));
        }
    }

    /// Whether stale answers may never be given.
    pub(super) fn strict(&self) -> bool {
        self.must_revalidate || self.proxy_revalidate || self.no_cache
    }
}

impl Asked {
    /// What `headers` of a request say; nothing in most of them.
    pub(super) fn of(headers: &HeaderMap) -> Asked {
        let mut asked = Asked::default();
        if !headers.contains_key(CACHE_CONTROL) {
            each(headers, &PRAGMA, |name, _| asked.no_cache |= name == "no-cache");
            return asked;
        }
        each(headers, &CACHE_CONTROL, |name, value| match name {
            "no-store" => asked.no_store = true,
            "no-cache" => asked.no_cache = true,
            "only-if-cached" => asked.only_if_cached = true,
            "max-age" => asked.max_age = Some(least(asked.max_age, value)),
            "min-fresh" => asked.min_fresh = Some(seconds(value).unwrap_or_default()),
            _ => {}
        });
        asked
    }
}

/// Calls `visit` with each directive's name in small letters and its value without quotes.
fn each(headers: &HeaderMap, field: &HeaderName, mut visit: impl FnMut(&str, &str)) {
    for value in headers.get_all(field) {
        let text = String::from_utf8_lossy(value.as_bytes());
        for part in split(&text) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = name.trim().to_ascii_lowercase();
            // A parameter of a structured field (RFC 9651) is none of ours.
            let value = value.split(';').next().unwrap_or_default().trim();
            let name = name.split(';').next().unwrap_or_default().trim_end();
            visit(name, value.trim_matches('"').trim());
        }
    }
}

/// Parts between commas. Inside of quotes a comma parts too if the quotes never end, and for words that forbid in any case.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let balanced = text.bytes().filter(|byte| *byte == b'"').count().is_multiple_of(2);
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= balanced && character == '"';
        character == ',' && !quoted
    })
    .filter(|part| !part.trim().is_empty())
}

/// The smaller one; what is no number is 0, since its answer is not to be taken for fresh (RFC 9111, section 4.2.1).
fn least(known: Option<Duration>, value: &str) -> Duration {
    let value = seconds(value).unwrap_or_default();
    known.map_or(value, |known| known.min(value))
}

fn seconds(value: &str) -> Option<Duration> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(value.parse().unwrap_or(SECONDS_MAX).min(SECONDS_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(fields: &[(&'static str, &str)]) -> Said {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Said::of(&headers)
    }

    #[test]
    fn what_forbids_is_seen_however_it_is_written() {
        for text in
            ["no-store", "No-Store", "x=\"a, no-store", "a,,NO-STORE ,b", "no-store;x=1", "no-store=\"\""]
        {
            assert!(said(&[("cache-control", text)]).no_store, "{text}");
        }
        for text in ["private", "PRIVATE=\"set-cookie, x\"", "\u{fc}, private", "public, private"] {
            assert!(said(&[("cache-control", text)]).private, "{text}");
        }
        assert!(said(&[("cache-control", "public"), ("cache-control", "private")]).private);
    }

    #[test]
    fn doubtful_ages_are_short() {
        let age = |text| said(&[("cache-control", text)]).max_age.map(|age| age.as_secs());
        assert_eq!(age("max-age=60"), Some(60));
        assert_eq!(age("max-age=\"60\""), Some(60));
        assert_eq!(age("max-age=60, max-age=5"), Some(5));
        assert_eq!(age("max-age=-1"), Some(0));
        assert_eq!(age("max-age=1.5"), Some(0));
        assert_eq!(age("max-age"), Some(0));
        assert_eq!(age("max-age=99999999999999999999"), Some(SECONDS_MAX));
        assert_eq!(age("public"), None);
    }

    #[test]
    fn a_field_for_caches_like_this_comes_first() {
        let both = said(&[("cache-control", "no-store"), ("cdn-cache-control", "max-age=60")]);
        assert!(both.targeted && !both.no_store);
        let surrogate = said(&[("surrogate-control", "max-age=60+30, content=\"ESI/1.0\"")]);
        assert_eq!(surrogate.max_age, Some(Duration::from_secs(60)));
        assert_eq!(surrogate.while_revalidate, Some(Duration::from_secs(30)));
        assert!(!said(&[("cdn-cache-control", ""), ("cache-control", "max-age=1")]).targeted);
    }
}
