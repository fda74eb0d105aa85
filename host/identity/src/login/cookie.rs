//! Cookies of the login (RFC 6265): how they are named, found and set.
//!
//! **Invariant:** a cookie of ours has `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/` and the prefix `__Host-`, with which browsers
//! take it from this very host alone; but for `insecure_cookies` on a developer's own machine.

use http::{HeaderMap, HeaderValue, header};

use crate::host_key::same;

/// How the cookies of one login are named.
#[derive(Clone)]
pub(crate) struct Names {
    /// Of the session.
    pub(crate) session: String,
    /// Of the token against cross-site requests, which scripts of this site may read.
    pub(crate) csrf: String,
    secure: bool,
}

/// What is found under a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Nothing,
    One(&'a str),
    /// Two of one name: somebody else may have planted one.
    Several,
}

impl Names {
    pub(crate) fn new(authenticator: &str, secure: bool) -> Self {
        let prefix = if secure { "__Host-" } else { "" };
        // Names of authenticators come from the configuration; cookies take fewer characters.
        let sane = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
        let name: String = authenticator.chars().map(sane).collect();
        Names { session: format!("{prefix}ostler-{name}"), csrf: format!("{prefix}ostler-{name}-csrf"), secure }
    }

    /// Of a login that has begun with `state`; each has its own, so that two tabs do not hinder each other.
    pub(crate) fn attempt(&self, state: &str) -> String {
        format!("{}-{}", self.session, state.get(..8).unwrap_or_default())
    }

    /// Whether `name` is a cookie that plugins should not see: the session, and logins that have begun.
    fn is_private(&self, name: &str) -> bool {
        name.strip_prefix(self.session.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            && name != self.csrf
    }

    /// A field that sets `name` for `seconds`; none for as long as the browser is open.
    pub(crate) fn set(&self, name: &str, value: &str, seconds: Option<u64>, readable: bool) -> HeaderValue {
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let secure = if self.secure { "; Secure" } else { "" };
        let hidden = if readable { "" } else { "; HttpOnly" };
        let field = format!("{name}={value}; Path=/{age}{secure}{hidden}; SameSite=Lax");
        // Names and values are made here of letters, digits, `-`, `_` and `.`.
        HeaderValue::try_from(field).unwrap_or(HeaderValue::from_static("ostler=; Max-Age=0"))
    }

    /// A field that makes the browser forget `name`.
    pub(crate) fn clear(&self, name: &str) -> HeaderValue {
        self.set(name, "", Some(0), false)
    }

    /// Takes our cookies out of what the plugin sees.
    pub(crate) fn hide(&self, headers: &mut HeaderMap) {
        let mentions = |value: &HeaderValue| {
            value.as_bytes().windows(self.session.len()).any(|part| part == self.session.as_bytes())
        };
        if !headers.get_all(header::COOKIE).iter().any(mentions) {
            return;
        }
        let kept: Vec<_> = pairs(headers).filter(|(name, _)| !self.is_private(name)).collect();
        let kept = kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        headers.remove(header::COOKIE);
        if let (false, Ok(value)) = (kept.is_empty(), HeaderValue::try_from(kept)) {
            headers.insert(header::COOKIE, value);
        }
    }

    /// Cookies of logins that have begun.
    pub(crate) fn attempts(&self, headers: &HeaderMap) -> Vec<String> {
        let begun = |name: &&str| self.is_private(name) && **name != *self.session;
        pairs(headers).map(|(name, _)| name).filter(begun).map(str::to_owned).collect()
    }
}

/// The cookie `name` in a request.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut values = pairs(headers).filter(|(found, _)| *found == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (None, _) => Found::Nothing,
        // The same value twice is one cookie, sent by a clumsy client.
        (Some(one), Some(other)) if !same(one.as_bytes(), other.as_bytes()) => Found::Several,
        (Some(one), _) => Found::One(one),
    }
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(cookie).unwrap())])
    }

    #[test]
    fn a_cookie_is_safe_unless_told_otherwise() {
        let names = Names::new("site", true);
        let set = names.set(&names.session, "v", None, false);
        assert_eq!(set, "__Host-ostler-site=v; Path=/; Secure; HttpOnly; SameSite=Lax");
        let names = Names::new("my site", false);
        assert_eq!(names.clear(&names.session), "ostler-my_site=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn two_cookies_of_one_name_are_told_apart_from_one() {
        assert_eq!(find(&headers("a=1; b=2"), "b"), Found::One("2"));
        assert_eq!(find(&headers("a=1; a=2"), "a"), Found::Several);
        assert_eq!(find(&headers("a=1; a=1"), "a"), Found::One("1"));
        assert_eq!(find(&headers("ab=1; c"), "a"), Found::Nothing);
    }

    #[test]
    fn plugins_see_other_cookies_only() {
        let names = Names::new("s", false);
        let mut seen = headers("a=1; ostler-s=secret; ostler-s-12345678=x; ostler-s-csrf=c; ostler-sx=y");
        names.hide(&mut seen);
        assert_eq!(seen[header::COOKIE], "a=1; ostler-s-csrf=c; ostler-sx=y");
        let mut all = headers("ostler-s=secret");
        names.hide(&mut all);
        assert!(all.is_empty());
    }
}
