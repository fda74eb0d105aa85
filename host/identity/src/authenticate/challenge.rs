//! `WWW-Authenticate` (RFC 9110 section 11.6.1): what a client can do to be let in.

use std::fmt::Write as _;

use http::HeaderValue;

use super::reason::Reason;

/// RFC 6750 section 3: without `error` if no credential was sent.
pub(crate) fn bearer(realm: &str, refused: Option<Reason>) -> HeaderValue {
    let mut text = format!("Bearer realm={}", quoted(realm));
    if let Some(reason) = refused {
        let error = if reason == Reason::Several { "invalid_request" } else { "invalid_token" };
        // The descriptions are ours and hold nothing that would have to be escaped.
        let _ = write!(text, ", error=\"{error}\", error_description=\"{}\"", reason.description());
    }
    value(text)
}

/// RFC 7617, with the encoding that names and passwords are expected in.
pub(crate) fn basic(realm: &str) -> HeaderValue {
    value(format!("Basic realm={}, charset=\"UTF-8\"", quoted(realm)))
}

/// A client certificate is asked for by TLS, not by a scheme; yet a 401 needs a challenge.
pub(crate) fn certificate(realm: &str) -> HeaderValue {
    value(format!("Certificate realm={}", quoted(realm)))
}

fn value(text: String) -> HeaderValue {
    // Cannot fail, since `quoted` leaves visible ASCII only.
    HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).unwrap_or(HeaderValue::from_static("Bearer"))
}

fn quoted(text: &str) -> String {
    let safe = |c: char| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '?' };
    format!("\"{}\"", text.chars().map(safe).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_as_their_rfcs_show_them() {
        assert_eq!(bearer("main", None), "Bearer realm=\"main\"");
        assert_eq!(
            bearer("main", Some(Reason::Expired)),
            "Bearer realm=\"main\", error=\"invalid_token\", error_description=\"the token expired\""
        );
        assert!(bearer("m", Some(Reason::Several)).to_str().unwrap().contains("invalid_request"));
        assert_eq!(basic("a\"b\\\n\u{e9}"), "Basic realm=\"a?b???\", charset=\"UTF-8\"");
    }

    #[test]
    fn no_description_needs_an_escape() {
        for reason in Reason::ALL {
            assert_eq!(quoted(reason.description()), format!("\"{}\"", reason.description()));
        }
    }
}
