//! Requests that a release brought to be tried with (`requests.toml`), and whether its answers are what they should be.
//!
//! **Invariant:** patterns are compared in time linear in what they are compared with, and no answer is held beyond its limit;
//! of a file's patterns one at a time is held compiled.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use ostler_core::settings::{Node, Problems, Section};
use regex::{Regex, RegexBuilder};

use super::told;

/// Requests of one file, and answers that stand in for other servers.
const REQUESTS_MAX: usize = 100;

/// Most bytes of an answer's body that are looked at: 1 MiB.
pub const ANSWER_MAX: u64 = 1 << 20;

/// Patterns of one file, and fields that one request's answer is expected to have.
const PATTERNS_MAX: usize = 200;
const FIELDS_MAX: usize = 16;

/// Most bytes that one compiled pattern takes.
const PATTERN_MAX: usize = 1 << 20;

/// Characters of an answer that a refusal shows, and of a name, a URL or a failure.
const SHOWN: usize = 120;
const TOLD_MAX: usize = 400;

/// All of a `requests.toml`.
#[derive(Debug, Clone)]
pub struct Requests {
    /// What is asked, in this order.
    pub requests: Vec<Wanted>,
    /// What answers its outbound calls; the first that fits.
    pub outbound: Vec<Outbound>,
}

/// One request and what is expected of it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// For refusals. Default: method and path.
    pub name: String,
    /// Default: GET.
    pub method: Method,
    /// Path and query.
    pub path: Uri,
    /// Fields.
    pub headers: HeaderMap,
    /// Default: empty.
    pub body: Bytes,
    /// What is expected.
    pub expect: Expect,
}

/// What an answer should be.
#[derive(Debug, Clone)]
pub struct Expect {
    /// Default: 200.
    pub status: StatusCode,
    /// Fields, each with a pattern that its value must match.
    pub headers: Vec<(HeaderName, Pattern)>,
    /// What the body must match.
    pub body: Option<Pattern>,
    /// Longest time for the whole answer. Default: the plugin's deadline.
    pub max_duration: Option<Duration>,
    /// Outbound calls, in their order, as `POST https://api.example.com/charge`; nothing said means any that are answered.
    pub calls: Option<Vec<String>>,
}

/// A pattern that is known to be good. It is compiled anew where it is compared: all of a file at once could fill a memory.
#[derive(Debug, Clone)]
pub struct Pattern(String);

/// An answer in place of another server's.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// Default: any.
    pub method: Option<Method>,
    /// The URL; with `*` at its end, every URL that begins so.
    pub url: String,
    /// Default: 200.
    pub status: StatusCode,
    /// Fields.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// What came of one request.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Status of the answer, which may be the host's own for a release that failed.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// Its body, as far as [`ANSWER_MAX`].
    pub body: Bytes,
    /// Why there is no whole answer, if there is none.
    pub failure: Option<String>,
    /// Time until the whole answer was there.
    pub took: Duration,
    /// Outbound calls that were answered, as `METHOD URL`, the query as `?`.
    pub calls: Vec<String>,
    /// Outbound calls that nothing answered.
    pub refused: Vec<String>,
    /// Outbound calls that nobody looked at, since there were too many.
    pub further: u64,
}

impl Requests {
    /// Reads a `requests.toml`.
    ///
    /// # Errors
    /// All that is wrong with it, by line.
    pub fn parse(text: &[u8]) -> Result<Self, Vec<String>> {
        let problems = Problems::new("requests.toml");
        let text =
            std::str::from_utf8(text).map_err(|_| vec!["requests.toml: it is no UTF-8 text".to_owned()])?;
        let node = Node::from_toml(text, &problems);
        let mut root = node.section("", &problems);
        let mut patterns = PATTERNS_MAX;
        let requests = root.sections("requests").into_iter();
        let requests: Vec<_> = requests.map(|section| request(section, &mut patterns)).collect();
        let outbound: Vec<_> = root.sections("outbound").into_iter().map(outbound).collect();
        if requests.is_empty() || requests.len() > REQUESTS_MAX || outbound.len() > REQUESTS_MAX {
            let found = format!("{} requests and {} answers", requests.len(), outbound.len());
            let allowed = format!("1 to {REQUESTS_MAX} [[requests]], and at most as many [[outbound]]");
            root.problem("requests", found, allowed, "");
        }
        root.finish();
        let told: Vec<_> = problems.into_vec().iter().map(ToString::to_string).collect();
        if told.is_empty() { Ok(Requests { requests, outbound }) } else { Err(told) }
    }
}

/// What is asked and expected, with at most so many patterns.
fn request(mut section: Section<'_>, patterns: &mut usize) -> Wanted {
    section.missing("path", "a path such as \"/health\"");
    let method = method(&mut section).unwrap_or(Method::GET);
    let path = section.string("path").map(|path| path.value).unwrap_or_default();
    let uri = path.parse::<Uri>().ok().filter(|uri| uri.authority().is_none() && path.starts_with('/'));
    if uri.is_none() && section.has("path") {
        section.problem("path", format!("{path:?}"), "a path that begins with /, and a query", "");
    }
    let name = section.string("name").map_or_else(|| format!("{method} {path}"), |name| name.value);
    let (headers, body) = (headers(&mut section), body(&mut section));
    let expect = section.section("expect").map(|section| expect(section, patterns)).unwrap_or_default();
    section.finish();
    Wanted { name: told(&name, TOLD_MAX), method, path: uri.unwrap_or_default(), headers, body, expect }
}

fn expect(mut section: Section<'_>, patterns: &mut usize) -> Expect {
    let mut fields = Vec::new();
    let texts: Vec<_> = section.texts("headers").into_iter().collect();
    if texts.len() > FIELDS_MAX {
        section.problem("headers", format!("{} fields", texts.len()), format!("at most {FIELDS_MAX}"), "");
    }
    for (name, pattern) in texts.into_iter().take(FIELDS_MAX) {
        match (name.parse::<HeaderName>(), Pattern::new(pattern, patterns)) {
            (Ok(name), Ok(pattern)) => fields.push((name, pattern)),
            (_, Err(error)) => section.problem("headers", format!("{name}: {error}"), "patterns", ""),
            (Err(_), _) => section.problem("headers", format!("{name:?}"), "names of header fields", ""),
        }
    }
    let body = section.string("body").and_then(|pattern| {
        let pattern = Pattern::new(pattern.value, patterns);
        pattern.map_err(|error| section.problem("body", error, "a pattern", "")).ok()
    });
    let calls = section.has("calls");
    let named = section.strings("calls").into_iter().map(|call| call.value).collect();
    let expect = Expect {
        status: status(&mut section),
        headers: fields,
        body,
        max_duration: section.duration("max_duration", Duration::from_millis(1)..=Duration::from_secs(60)),
        calls: calls.then_some(named),
    };
    section.finish();
    expect
}

fn outbound(mut section: Section<'_>) -> Outbound {
    section.missing("url", "a URL such as \"https://api.example.com/prices*\"");
    let url = section.string("url").map(|url| url.value).unwrap_or_default();
    if section.has("url") && !(url.starts_with("https://") || url.starts_with("http://")) {
        section.problem("url", format!("{url:?}"), "a URL of https or http", "");
    }
    let outbound = Outbound {
        method: method(&mut section),
        url,
        status: status(&mut section),
        headers: headers(&mut section),
        body: body(&mut section),
    };
    section.finish();
    outbound
}

fn method(section: &mut Section<'_>) -> Option<Method> {
    let text = section.string("method")?.value;
    let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| text == text.to_uppercase());
    if method.is_none() {
        section.problem("method", format!("{text:?}"), "an HTTP method in capitals", "");
    }
    method
}

fn status(section: &mut Section<'_>) -> StatusCode {
    let code = section.integer("status", 200..=599).and_then(|code| u16::try_from(code).ok());
    code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK)
}

fn headers(section: &mut Section<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in section.texts("headers") {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            (Ok(name), Ok(value)) => {
                headers.append(name, value);
            }
            _ => section.problem("headers", format!("{name:?}"), "header fields", ""),
        }
    }
    headers
}

fn body(section: &mut Section<'_>) -> Bytes {
    section.string("body").map(|body| body.value.into()).unwrap_or_default()
}

/// A pattern whose compiled form is bounded; matching is linear in any case.
fn regex(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_MAX).dfa_size_limit(PATTERN_MAX).build();
    built.map_err(|error| error.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

impl Pattern {
    /// One of `left`.
    fn new(text: String, left: &mut usize) -> Result<Self, String> {
        *left = left.checked_sub(1).ok_or_else(|| format!("a pattern beyond {PATTERNS_MAX} of one file"))?;
        regex(&text).map(|_| Pattern(text))
    }

    /// Whether one of `texts` matches.
    fn fits<'a>(&self, mut texts: impl Iterator<Item = &'a str>) -> bool {
        // It was compiled before, when it was read.
        regex(&self.0).is_ok_and(|pattern| texts.any(|text| pattern.is_match(text)))
    }
}

impl Wanted {
    /// What is wrong with an answer; empty if nothing is.
    pub fn judge(&self, seen: &Seen) -> Vec<String> {
        let wrong = self.expect.judge(seen);
        wrong.into_iter().map(|wrong| format!("{}: {wrong}", self.name)).collect()
    }
}

impl Expect {
    fn judge(&self, seen: &Seen) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some(failure) = &seen.failure {
            wrong.push(format!("there was no whole answer: {}", told(failure, TOLD_MAX)));
        }
        if seen.status != self.status {
            let body = shown(&seen.body);
            wrong.push(format!(
                "it answered {}, not {}; the body was {body}",
                seen.status.as_u16(),
                self.status.as_u16()
            ));
        } else if let Some(pattern) =
            self.body.as_ref().filter(|pattern| !pattern.fits(std::str::from_utf8(&seen.body).into_iter()))
        {
            wrong.push(format!("the body does not match {:?}; it was {}", pattern.0, shown(&seen.body)));
        }
        for (name, pattern) in &self.headers {
            let values: Vec<_> =
                seen.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
            if !pattern.fits(values.iter().copied()) {
                let found = if values.is_empty() {
                    "is not there".into()
                } else {
                    format!("is {:?}", told(&values.join(", "), TOLD_MAX))
                };
                wrong.push(format!("the field {name} {found}, and should match {:?}", pattern.0));
            }
        }
        if let Some(most) = self.max_duration.filter(|most| seen.took > *most) {
            wrong.push(format!("it took {} ms, more than {} ms", seen.took.as_millis(), most.as_millis()));
        }
        wrong.extend(self.calls(seen));
        wrong
    }

    fn calls(&self, seen: &Seen) -> Vec<String> {
        let mut wrong: Vec<_> = seen
            .refused
            .iter()
            .map(|call| {
                let call = told(call, TOLD_MAX);
                format!("it called {call}, which nothing answers; add an [[outbound]] for it")
            })
            .collect();
        if seen.further > 0 {
            wrong.push(format!("it made {} calls beyond those that are looked at", seen.further));
        }
        let Some(wanted) = &self.calls else { return wrong };
        let fit = |call: &String, wanted: &String| *call == without_query(wanted);
        if seen.calls.len() != wanted.len()
            || !seen.calls.iter().zip(wanted).all(|(call, wanted)| fit(call, wanted))
        {
            let listed = |calls: &[String]| match calls {
                [] => "nothing".into(),
                calls => told(&calls.join(", "), TOLD_MAX),
            };
            wrong.push(format!("it should call {}, and called {}", listed(wanted), listed(&seen.calls)));
        }
        wrong
    }
}

impl Default for Expect {
    fn default() -> Self {
        Expect { status: StatusCode::OK, headers: Vec::new(), body: None, max_duration: None, calls: None }
    }
}

/// A call as it is recorded: its query may hold secrets, so only that there is one is kept.
fn without_query(call: &str) -> String {
    call.split_once('?').map_or_else(|| call.to_owned(), |(call, _)| format!("{call}?"))
}

fn shown(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).chars().take(SHOWN).collect();
    format!("{text:?}")
}

#[cfg(test)]
mod tests;
