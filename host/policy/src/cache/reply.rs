//! A reply out of a kept answer: whole, a part of it, or the word that the client has it already.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use ostler_core::Body;
use ostler_services::cache::Answer;

/// RFC 9211.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Set by the order of policies for each reply.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Stands where a reply has a value of its own.
const PLACE: HeaderValue = HeaderValue::from_static("Ostler");

/// How a reply came about, for `Cache-Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// From what was kept.
    Hit,
    /// From what was kept, since the plugin failed, perhaps with this status.
    HitForLack(Option<StatusCode>),
    /// The plugin was asked, for this reason.
    Asked { why: &'static str, stored: bool },
    /// The kept answer was validated by the plugin.
    Validated,
    /// Another request had asked.
    Collapsed,
}

/// The reply to `head` out of `answer` as of `now_ms`.
pub(super) fn reply(answer: &Answer, head: &Parts, now_ms: i64, how: How) -> Response<Body> {
    if answer.status.is_success() && has_it(head, &answer.headers) {
        return finish(not_modified(&answer.headers), answer, now_ms, how);
    }
    let part = (answer.status == StatusCode::OK && head.method == Method::GET)
        .then(|| head.headers.get(header::RANGE))
        .flatten()
        .filter(|_| still_the_same(head, &answer.headers))
        .map_or(Part::Whole, |range| part(range, answer.body.len()));
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = answer.status;
    response.headers_mut().clone_from(&answer.headers);
    match part {
        Part::Whole => *response.body_mut() = Body::full(answer.body.clone()),
        Part::Of(first, last) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            content_range(response.headers_mut(), &format!("bytes {first}-{last}/{}", answer.body.len()));
            *response.body_mut() = Body::full(answer.body.slice(first..=last));
        }
        Part::None => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            content_range(response.headers_mut(), &format!("bytes */{}", answer.body.len()));
        }
    }
    finish(response, answer, now_ms, how)
}

fn finish(mut response: Response<Body>, answer: &Answer, now_ms: i64, how: How) -> Response<Body> {
    let age = (now_ms - answer.stored_ms).max(0).saturating_add(answer.age_ms) / 1000;
    let headers = response.headers_mut();
    headers.insert(header::AGE, HeaderValue::from(age));
    let left = answer.fresh_until_ms - now_ms;
    let value = status(how, Some(left.div_euclid(1000)));
    // What another cache has said stays before it (RFC 9211, section 2).
    match headers.get(&CACHE_STATUS).is_some_and(|value| value == PLACE) {
        true => drop(headers.insert(CACHE_STATUS, value)),
        false => drop(headers.append(CACHE_STATUS, value)),
    }
    response
}

/// Keeps places in the fields of an answer for those that each reply has, so that a hit copies the fields once and at their final
/// size.
pub(super) fn prepare(headers: &mut HeaderMap) {
    headers.insert(header::AGE, PLACE);
    headers.insert(REQUEST_ID, PLACE);
    if !headers.contains_key(&CACHE_STATUS) {
        headers.insert(CACHE_STATUS, PLACE);
    }
}

/// Takes the places out again.
pub(super) fn restore(headers: &mut HeaderMap) {
    headers.remove(header::AGE);
    headers.remove(REQUEST_ID);
    if headers.get(&CACHE_STATUS).is_some_and(|value| value == PLACE) {
        headers.remove(CACHE_STATUS);
    }
}

/// Says in `headers` how a reply came about that was not kept.
pub(super) fn tell(headers: &mut HeaderMap, how: How) {
    headers.append(CACHE_STATUS, status(how, None));
}

fn status(how: How, ttl: Option<i64>) -> HeaderValue {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(48);
    let _ = match how {
        How::Hit => write!(text, "Ostler; hit"),
        How::HitForLack(None) => write!(text, "Ostler; hit; fwd=stale"),
        How::HitForLack(Some(status)) => {
            write!(text, "Ostler; hit; fwd=stale; fwd-status={}", status.as_u16())
        }
        How::Asked { why, stored: false } => write!(text, "Ostler; fwd={why}"),
        How::Asked { why, stored: true } => write!(text, "Ostler; fwd={why}; stored"),
        How::Validated => write!(text, "Ostler; fwd=stale; fwd-status=304; stored"),
        How::Collapsed => write!(text, "Ostler; fwd=uri-miss; collapsed"),
    };
    if let Some(ttl) = ttl {
        let _ = write!(text, "; ttl={ttl}");
    }
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or(HeaderValue::from_static("Ostler"))
}

/// The word that the client has it already (RFC 9110, section 15.4.5).
pub(super) fn not_modified(headers: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.headers_mut() = headers.clone();
    for name in [
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
        header::CONTENT_LANGUAGE,
        header::CONTENT_RANGE,
    ] {
        response.headers_mut().remove(name);
    }
    response
}

/// Whether the conditions of `head` say that the client has what `headers` describe (RFC 9110, section 13.2.2).
pub(super) fn has_it(head: &Parts, headers: &HeaderMap) -> bool {
    let mut conditions = head.headers.get_all(header::IF_NONE_MATCH).iter().peekable();
    if conditions.peek().is_some() {
        let own = headers.get(header::ETAG).map(HeaderValue::as_bytes);
        return conditions.any(|value| names(value.as_bytes(), own));
    }
    let date = |headers: &HeaderMap, name| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok();
    match (date(&head.headers, header::IF_MODIFIED_SINCE), date(headers, header::LAST_MODIFIED)) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

/// Whether a list of entity tags names `own`, by weak comparison.
fn names(list: &[u8], own: Option<&[u8]>) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    let Some(own) = own else { return false };
    let bare = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
    let own = bare(own);
    let mut rest = list.trim_ascii();
    // A tag may hold commas, so the list is read from quote to quote.
    while let Some(begin) = rest.iter().position(|byte| *byte == b'"') {
        let Some(end) = rest[begin + 1..].iter().position(|byte| *byte == b'"') else { return false };
        if rest[begin..=begin + 1 + end] == own[..] {
            return true;
        }
        rest = &rest[begin + end + 2..];
    }
    false
}

/// Whether `If-Range`, if there is one, holds: strong comparison only (RFC 9110, section 13.1.5).
fn still_the_same(head: &Parts, headers: &HeaderMap) -> bool {
    let Some(condition) = head.headers.get(header::IF_RANGE) else { return true };
    match condition.as_bytes() {
        weak if weak.starts_with(b"W/") => false,
        tag if tag.starts_with(b"\"") => headers.get(header::ETAG) == Some(condition),
        _ => headers.get(header::LAST_MODIFIED) == Some(condition),
    }
}

/// What of a body was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// From the first to the last byte.
    Of(usize, usize),
    /// Nothing of what there is.
    None,
}

/// One range is given; of several, and of what is no range, the whole (RFC 9110, section 14.2).
fn part(range: &HeaderValue, length: usize) -> Part {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<usize>().unwrap_or(usize::MAX))
    };
    let Some((first, last)) = range
        .to_str()
        .ok()
        .and_then(|text| text.trim().split_once('='))
        .filter(|(unit, _)| unit.eq_ignore_ascii_case("bytes"))
        .and_then(|(_, spec)| spec.trim().split_once('-'))
    else {
        return Part::Whole;
    };
    match (number(first.trim()), number(last.trim()), first.trim().is_empty(), last.trim().is_empty()) {
        (Some(first), Some(last), ..) if first > last => Part::Whole,
        (Some(first), Some(last), ..) if first < length => Part::Of(first, last.min(length - 1)),
        (Some(first), None, _, true) if first < length => Part::Of(first, length - 1),
        (None, Some(suffix), true, _) if suffix > 0 && length > 0 => {
            Part::Of(length.saturating_sub(suffix), length - 1)
        }
        (Some(_), Some(_), ..) | (Some(_), None, _, true) | (None, Some(_), true, _) => Part::None,
        _ => Part::Whole,
    }
}

fn content_range(headers: &mut HeaderMap, text: &str) {
    headers.remove(header::CONTENT_LENGTH);
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(header::CONTENT_RANGE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_written_and_nonsense_gives_the_whole() {
        let of = |text: &'static str| part(&HeaderValue::from_static(text), 10);
        assert_eq!(of("bytes=0-4"), Part::Of(0, 4));
        assert_eq!(of("bytes=5-"), Part::Of(5, 9));
        assert_eq!(of("bytes=-3"), Part::Of(7, 9));
        assert_eq!(of("bytes=-99"), Part::Of(0, 9));
        assert_eq!(of("bytes=8-99"), Part::Of(8, 9));
        assert_eq!(of("bytes=0-99999999999999999999999"), Part::Of(0, 9));
        for text in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(of(text), Part::None, "{text}");
        }
        for text in ["bytes=4-2", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b", "bytes", "bytes=-", "bytes=1-b"]
        {
            assert_eq!(of(text), Part::Whole, "{text}");
        }
        assert_eq!(part(&HeaderValue::from_static("bytes=0-"), 0), Part::None);
    }

    #[test]
    fn entity_tags_are_compared_whole_and_weakly() {
        let own = Some(&b"\"a,b\""[..]);
        assert!(names(b"\"x\", \"a,b\"", own) && names(b"W/\"a,b\"", own) && names(b" * ", own));
        assert!(names(b"\"a,b\"", Some(b"W/\"a,b\"")));
        for list in [&b"\"a\""[..], b"a,b", b"\"a,b", b"", b"\"b\""] {
            assert!(!names(list, own), "{}", String::from_utf8_lossy(list));
        }
        assert!(names(b"*", None) && !names(b"\"a\"", None));
    }
}
