//! Where in a request a token is, and how it is taken out of what the plugin sees.
//!
//! **Invariant:** never in the query, which ends up in logs and histories (RFC 6750 section 5.3).

use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use ostler_core::exchange;
use ostler_core::settings::Section;

/// Where a token is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// `Authorization: Bearer`, the default.
    Bearer,
    /// `header`: the whole value of a field of this name.
    Header(HeaderName),
    /// `cookie`: a cookie of this name.
    Cookie(String),
}

/// What is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// Nothing of its kind.
    Nothing,
    /// A token.
    Token(&'a str),
    /// More than one, of which no two servers would take the same.
    Several,
    /// Something that is no text, or empty.
    Unreadable,
}

impl Place {
    /// Reads `header` and `cookie`.
    pub(crate) fn read(section: &mut Section<'_>) -> Place {
        let (header, cookie) = (section.string("header"), section.string("cookie"));
        match (header, cookie) {
            (Some(_), Some(_)) => {
                section.problem(
                    "cookie",
                    "a cookie beside a header",
                    "one of header and cookie",
                    "remove one",
                );
                Place::Bearer
            }
            (Some(header), None) => match HeaderName::try_from(&header.value) {
                Ok(name) if name == COOKIE => {
                    section.problem("header", "the cookie field", "another field", "write cookie = \"NAME\"");
                    Place::Bearer
                }
                Ok(name) => Place::Header(name),
                Err(_) => {
                    section.problem(
                        "header",
                        format!("{:?}", header.value),
                        "a field name",
                        "write header = \"x-token\"",
                    );
                    Place::Bearer
                }
            },
            (None, Some(cookie)) => {
                if !is_token(&cookie.value) {
                    let found = format!("{:?}", cookie.value);
                    section.problem("cookie", found, "the name of a cookie", "write cookie = \"token\"");
                }
                Place::Cookie(cookie.value)
            }
            (None, None) => Place::Bearer,
        }
    }

    /// The field of its own that it is, if it is one.
    pub(crate) fn field(&self) -> Option<&HeaderName> {
        match self {
            Place::Header(name) => Some(name),
            Place::Bearer | Place::Cookie(_) => None,
        }
    }

    /// What `head` holds there.
    pub(crate) fn find<'a>(&self, head: &'a Parts) -> Found<'a> {
        match self {
            Place::Bearer => scheme(&head.headers, "bearer"),
            Place::Header(name) => match only(&head.headers, name) {
                Ok(Some(value)) => value.to_str().map_or(Found::Unreadable, token),
                Ok(None) => Found::Nothing,
                Err(()) => Found::Several,
            },
            Place::Cookie(name) => cookie(&head.headers, name),
        }
    }

    /// Takes it out of `headers`.
    pub(crate) fn remove(&self, headers: &mut HeaderMap) {
        match self {
            Place::Bearer => drop(headers.remove(AUTHORIZATION)),
            Place::Header(name) => drop(headers.remove(name)),
            Place::Cookie(name) => remove_cookie(headers, name),
        }
    }
}

/// The credential of `Authorization` if it is of `wanted` (lower case).
pub(crate) fn scheme<'a>(headers: &'a HeaderMap, wanted: &str) -> Found<'a> {
    let value = match only(headers, &AUTHORIZATION) {
        Ok(Some(value)) => value.as_bytes(),
        Ok(None) => return Found::Nothing,
        Err(()) => return Found::Several,
    };
    let (scheme, rest) = value.split_at(value.iter().position(|byte| *byte == b' ').unwrap_or(value.len()));
    if !scheme.eq_ignore_ascii_case(wanted.as_bytes()) {
        return Found::Nothing;
    }
    std::str::from_utf8(rest).map_or(Found::Unreadable, |rest| token(rest.trim_matches(' ')))
}

fn token(text: &str) -> Found<'_> {
    if text.is_empty() { Found::Unreadable } else { Found::Token(text) }
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut values = exchange::cookies(headers, name);
    match (values.next(), values.next()) {
        (None, _) => Found::Nothing,
        (Some(value), None) => std::str::from_utf8(value).map_or(Found::Unreadable, token),
        (Some(_), Some(_)) => Found::Several,
    }
}

fn remove_cookie(headers: &mut HeaderMap, name: &str) {
    let is_it = |pair: &&[u8]| {
        pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii() == name.as_bytes()
    };
    let without = |value: &HeaderValue| {
        let kept: Vec<_> = value.as_bytes().split(|byte| *byte == b';').filter(|pair| !is_it(pair)).collect();
        HeaderValue::from_bytes(kept.join(&b';').trim_ascii()).ok().filter(|value| !value.is_empty())
    };
    let kept: Vec<_> = headers.get_all(COOKIE).iter().filter_map(without).collect();
    headers.remove(COOKIE);
    for value in kept {
        headers.append(COOKIE, value);
    }
}

/// `token` of RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &[(&str, &[u8])]) -> Parts {
        let mut request = http::Request::new(()).into_parts().0;
        for (name, value) in fields {
            let name: HeaderName = name.parse().unwrap();
            request.headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        request
    }

    #[test]
    fn a_bearer_token_is_found_once_or_not_at_all() {
        for (fields, found) in [
            (&[][..], Found::Nothing),
            (&[("authorization", &b"Bearer abc"[..])], Found::Token("abc")),
            (&[("authorization", b"bEARER   abc ")], Found::Token("abc")),
            (&[("authorization", b"Bearer")], Found::Unreadable),
            (&[("authorization", b"Bearer ")], Found::Unreadable),
            (&[("authorization", b"Bearer \xff")], Found::Unreadable),
            (&[("authorization", b"Bearerabc")], Found::Nothing),
            (&[("authorization", b"Basic abc")], Found::Nothing),
            (&[("authorization", b"Bearer a"), ("authorization", b"Bearer a")], Found::Several),
            (&[("authorization", b"Bearer a"), ("authorization", b"Basic a")], Found::Several),
        ] {
            assert_eq!(Place::Bearer.find(&head(fields)), found, "{fields:?}");
        }
    }

    #[test]
    fn the_query_is_never_looked_at() {
        let mut head = head(&[]);
        head.uri = "/?access_token=abc".parse().unwrap();
        assert_eq!(Place::Bearer.find(&head), Found::Nothing);
    }

    #[test]
    fn fields_and_cookies_are_found_and_taken_out() {
        let place = Place::Header("x-token".parse().unwrap());
        let mut with = head(&[("x-token", b"abc"), ("authorization", b"Bearer other")]);
        assert_eq!(place.find(&with), Found::Token("abc"));
        place.remove(&mut with.headers);
        assert_eq!((place.find(&with), with.headers.len()), (Found::Nothing, 1));

        let place = Place::Cookie("t".into());
        let mut with = head(&[("cookie", b"a=1; t=abc; tt=2"), ("cookie", b"b=3")]);
        assert_eq!(place.find(&with), Found::Token("abc"));
        place.remove(&mut with.headers);
        assert_eq!(place.find(&with), Found::Nothing);
        let left: Vec<_> = with.headers.get_all("cookie").iter().collect();
        assert_eq!(left, ["a=1; tt=2", "b=3"]);
        assert_eq!(place.find(&head(&[("cookie", b"t=1; t=2")])), Found::Several);
        assert_eq!(place.find(&head(&[("cookie", b"t=1"), ("cookie", b"t=2")])), Found::Several);
    }
}
