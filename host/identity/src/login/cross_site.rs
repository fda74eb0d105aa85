//! Whether a request with a session comes from this site, or was made by another one in the user's name (CSRF).
//!
//! **Invariant:** a method that may change something is let through only if the browser says that this site sent it, or if it
//! carries a token that another site cannot read.

use http::{HeaderMap, HeaderName, Method, header};
use ostler_core::Error;

use crate::authenticate::Reason;
use crate::host_key::same;

/// Field of the token, for clients whose browser says nothing.
pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what another site sent. `origin` is this site's, `token` the session's.
///
/// # Errors
/// [`CrossSite`](ostler_core::Kind::CrossSite).
pub(crate) fn check(method: &Method, headers: &HeaderMap, origin: &str, token: &str) -> Result<(), Error> {
    if method.is_safe() || is_own(headers, origin).unwrap_or_else(|| has_token(headers, token)) {
        return Ok(());
    }
    Err(Reason::CrossSite.refuse())
}

/// What the browser says, if it says anything. Fetch metadata comes first, since no script can set it.
fn is_own(headers: &HeaderMap, origin: &str) -> Option<bool> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("null"));
    match (text(&SEC_FETCH_SITE), text(&header::ORIGIN)) {
        (Some("same-origin" | "none"), None) => Some(true),
        (Some("same-origin" | "none"), Some(found)) => Some(found == origin),
        (Some(_), _) => Some(false),
        (None, Some(found)) => Some(found == origin),
        (None, None) => None,
    }
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    headers.get(TOKEN).is_some_and(|found| same(found.as_bytes(), token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method, `Sec-Fetch-Site`, `Origin`, `X-CSRF-Token`, and whether it passes.
    type Row = (&'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>, bool);

    const OWN: Option<&str> = Some("https://app.test");
    const EVIL: Option<&str> = Some("https://evil.test");

    const TABLE: [Row; 18] = [
        ("GET", Some("cross-site"), EVIL, None, true),
        ("HEAD", None, None, None, true),
        ("POST", Some("same-origin"), OWN, None, true),
        ("POST", Some("same-origin"), None, None, true),
        ("POST", Some("none"), None, None, true),
        ("DELETE", None, OWN, None, true),
        ("POST", None, None, Some("token"), true),
        ("POST", None, None, None, false),
        ("POST", None, None, Some("nekot"), false),
        ("POST", None, None, Some(""), false),
        ("POST", Some("cross-site"), EVIL, None, false),
        ("POST", Some("same-site"), Some("https://other.app.test"), None, false),
        ("POST", Some("same-origin"), EVIL, None, false),
        ("POST", Some("cross-site"), OWN, Some("token"), false),
        ("PUT", None, EVIL, Some("token"), false),
        ("POST", None, Some("null"), None, false),
        ("POST", None, Some("http://app.test"), None, false),
        ("PATCH", None, Some("https://app.test.evil.test"), None, false),
    ];

    #[test]
    fn only_this_site_may_change_something_in_a_users_name() {
        for row in TABLE {
            let (method, site, from, token, passes) = row;
            let mut headers = HeaderMap::new();
            let fields = [(SEC_FETCH_SITE, site), (header::ORIGIN, from), (TOKEN, token)];
            for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                headers.insert(name, value.parse().unwrap());
            }
            let passed = check(&method.parse().unwrap(), &headers, "https://app.test", "token").is_ok();
            assert_eq!(passed, passes, "{row:?}");
        }
    }
}
