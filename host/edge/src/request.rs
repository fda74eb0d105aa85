//! Brings a request head into the one form the rooms below see, or refuses it (RFC 9110 section 7, RFC 9112 section 3.2).
//!
//! Invariant: what passes has exactly one valid `Host` field that names the authority (none only in HTTP/1.0), a target in
//! origin form (path and query, or `*` with OPTIONS), and no hop-by-hop field, whatever the HTTP version.

use http::header::{CONNECTION, HOST};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use ostler_core::error::Result;
use ostler_core::{Error, Kind};

use crate::{Limits, hop};

/// Checks and rewrites `parts`.
pub(crate) fn normalise(parts: &mut Parts, limits: &Limits) -> Result<()> {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > limits.uri_bytes {
        let detail = format!("path and query may have {} bytes together", limits.uri_bytes);
        return Err(Error::new(Kind::UriTooLong, detail));
    }
    // hyper counts the fields of HTTP/1; here this is for HTTP/2.
    if parts.headers.len() > limits.header_count {
        let detail = format!("a request may have {} header fields", limits.header_count);
        return Err(Error::new(Kind::HeadersTooLarge, detail));
    }
    if parts.method == Method::CONNECT {
        return Err(bad("this server is no proxy: CONNECT is not offered"));
    }
    settle_host(parts)?;
    settle_target(parts)?;
    strip_hop_by_hop(&mut parts.headers);
    Ok(())
}

/// Leaves one `Host` that names the authority of the target.
fn settle_host(parts: &mut Parts) -> Result<()> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(bad("a request has one Host"));
    }
    if host.is_some_and(|host| !is_authority(host.as_bytes())) {
        return Err(bad("Host is not a host with an optional port"));
    }
    let Some(authority) = parts.uri.authority() else {
        return match host {
            None if parts.version != Version::HTTP_10 => Err(bad("the request names no Host")),
            _ => Ok(()),
        };
    };
    if !is_authority(authority.as_str().as_bytes()) {
        return Err(bad("the authority of the target is not a host with an optional port"));
    }
    if parts.version == Version::HTTP_2 && host.is_some_and(|host| !same(host, authority.as_str())) {
        return Err(bad("Host and :authority differ"));
    }
    // In HTTP/1 the authority of an absolute target overrides Host (RFC 9112 section 3.2.2).
    let value = HeaderValue::from_str(authority.as_str()).map_err(|_| bad("the authority is not valid"))?;
    parts.headers.insert(HOST, value);
    Ok(())
}

/// Leaves path and query only.
fn settle_target(parts: &mut Parts) -> Result<()> {
    let in_origin_form = parts.uri.scheme().is_none() && parts.uri.authority().is_none();
    if !in_origin_form {
        if !matches!(parts.uri.scheme_str(), Some("http" | "https")) {
            return Err(bad("the target is neither a path nor an http or https URI"));
        }
        let target = parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        parts.uri = Uri::from(target);
    }
    match parts.uri.path() {
        path if path.starts_with('/') => Ok(()),
        "*" if parts.method == Method::OPTIONS => Ok(()),
        _ => Err(bad("the target does not begin with \"/\"")),
    }
}

/// Fields that speak about one connection end here (RFC 9110 section 7.6.1), those `Connection` nominates included.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if !hop::any(headers) {
        return;
    }
    let nominated: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(hop::may_be_nominated)
        .collect();
    for name in nominated {
        headers.remove(name);
    }
    hop::strip(headers);
}

/// `host[:port]` without user information; an IPv6 address stands in brackets.
fn is_authority(bytes: &[u8]) -> bool {
    let (host_is_valid, port) = match bytes.strip_prefix(b"[") {
        Some(rest) => match rest.iter().position(|byte| *byte == b']') {
            Some(end) => (is_ipv6(&rest[..end]), &rest[end + 1..]),
            None => return false,
        },
        None => {
            let end = bytes.iter().position(|byte| *byte == b':').unwrap_or(bytes.len());
            (end > 0 && bytes[..end].iter().all(is_reg_name), &bytes[end..])
        }
    };
    let port_is_valid = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    host_is_valid && port_is_valid
}

fn is_ipv6(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

fn is_reg_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte)
}

fn same(host: &HeaderValue, authority: &str) -> bool {
    host.as_bytes().eq_ignore_ascii_case(authority.as_bytes())
}

fn bad(detail: &'static str) -> Error {
    Error::new(Kind::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn settle(build: http::request::Builder) -> std::result::Result<(String, String), Kind> {
        let (mut parts, ()) = build.body(()).unwrap().into_parts();
        normalise(&mut parts, &Limits::default()).map_err(|error| error.kind)?;
        let host = parts.headers.get(HOST).map_or("", |host| host.to_str().unwrap());
        assert!(parts.uri.authority().is_none());
        Ok((parts.uri.to_string(), host.to_owned()))
    }

    fn get(uri: &str) -> http::request::Builder {
        Request::get(uri).version(Version::HTTP_11)
    }

    #[test]
    fn every_form_of_target_becomes_path_and_host() {
        let ok = |uri: &str, host: &str| Ok((uri.to_owned(), host.to_owned()));
        assert_eq!(settle(get("/a?b").header(HOST, "x:80")), ok("/a?b", "x:80"));
        assert_eq!(settle(get("http://y/a?b").header(HOST, "x")), ok("/a?b", "y"));
        assert_eq!(settle(get("http://y").header(HOST, "x")), ok("/", "y"));
        assert_eq!(settle(get("http://y/a").version(Version::HTTP_2)), ok("/a", "y"));
        assert_eq!(settle(get("http://Y/").version(Version::HTTP_2).header(HOST, "y")), ok("/", "Y"));
        assert_eq!(settle(get("/").version(Version::HTTP_10)), ok("/", ""));
        assert_eq!(settle(Request::options("*").header(HOST, "[::1]:8")), ok("*", "[::1]:8"));
    }

    #[test]
    fn a_host_that_is_missing_doubled_or_invalid_is_refused() {
        let refused = Err(Kind::BadRequest);
        assert_eq!(settle(get("/")), refused);
        assert_eq!(settle(get("/").header(HOST, "a").header(HOST, "a")), refused);
        assert_eq!(settle(get("http://y/").version(Version::HTTP_2).header(HOST, "x")), refused);
        for host in
            ["", "a b", "u@a", "a:b", "a:123456", "[::1", "[x]", "a/b", "a,b:1:2", ":80", "é", "[::1]x"]
        {
            assert_eq!(settle(get("/").header(HOST, host.as_bytes())), refused, "{host}");
        }
    }

    #[test]
    fn targets_that_are_no_paths_are_refused() {
        let refused = Err(Kind::BadRequest);
        assert_eq!(settle(get("*").header(HOST, "a")), refused);
        assert_eq!(settle(get("a:80").header(HOST, "a")), refused);
        assert_eq!(settle(get("ftp://a/").header(HOST, "a")), refused);
        assert_eq!(settle(get("http://u@a/").header(HOST, "a")), refused);
        assert_eq!(settle(Request::connect("a:80").header(HOST, "a")), refused);
    }

    #[test]
    fn a_head_beyond_its_limits_is_refused_with_its_own_kind() {
        let long = format!("/{}", "a".repeat(8 << 10));
        assert_eq!(settle(get(&long).header(HOST, "a")), Err(Kind::UriTooLong));
        let many = (0..100).fold(get("/").header(HOST, "a"), |build, n| build.header(format!("x-{n}"), "1"));
        assert_eq!(settle(many), Err(Kind::HeadersTooLarge));
    }

    #[test]
    fn hop_by_hop_fields_end_here_but_cannot_take_others_along() {
        let request = get("/")
            .header(HOST, "a")
            .header("connection", "x-mine, authorization, close")
            .header("x-mine", "1")
            .header("authorization", "keep")
            .header("keep-alive", "1")
            .header("te", "trailers")
            .header("upgrade", "websocket");
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        normalise(&mut parts, &Limits::default()).unwrap();
        let mut names: Vec<_> = parts.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "host"]);
    }
}
