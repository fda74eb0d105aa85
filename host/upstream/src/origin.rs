//! Origins: scheme, host and port, as requests have them and as grants are written.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use ostler_core::Scheme;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

/// The host of an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// A name, in lower case.
    Name(String),
    /// An address written as such.
    Literal(IpAddr),
}

/// What a grant allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// One origin.
    Exact(Origin),
    /// All names that end in `suffix` (which begins with a dot), with something before it.
    Below { scheme: Scheme, suffix: String, port: u16 },
}

impl Origin {
    /// Of an absolute URI.
    ///
    /// # Errors
    /// The text says what is wrong with the URI.
    pub(crate) fn of(uri: &Uri) -> Result<Self, String> {
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            Some(other) => return Err(format!("the scheme {other} is not supported; use http or https")),
            None => return Err("the URL is not absolute; begin it with https://".into()),
        };
        let authority = uri.authority().ok_or("the URL has no host")?;
        if authority.as_str().contains('@') {
            return Err("the URL has a user in it; send an authorization header in its place".into());
        }
        let port = match (authority.port(), scheme) {
            (Some(port), _) => port.as_u16(),
            (None, Scheme::Http) => 80,
            (None, Scheme::Https) => 443,
        };
        let written_port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        if port == 0 || written_port == ":" {
            return Err("the URL has an impossible port".into());
        }
        Ok(Origin { scheme, host: Host::of(authority.host())?, port })
    }
}

impl Host {
    fn of(text: &str) -> Result<Self, String> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let address = inner.parse::<Ipv6Addr>().map_err(|_| "the URL's IPv6 address is malformed")?;
            return Ok(Host::Literal(address.into()));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Host::Literal(address.into()));
        }
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if text.is_empty() || text.len() > 253 || !text.bytes().all(sane) {
            return Err("the URL's host is no name; write it in ASCII (xn-- for others)".into());
        }
        Ok(Host::Name(text.to_ascii_lowercase()))
    }
}

impl Pattern {
    /// Of a grant such as `https://api.example.com` or `https://*.example.com:8443`; `None` if it is none.
    pub(crate) fn of(grant: &str) -> Option<Self> {
        let (scheme, rest) = grant.split_once("://")?;
        if let Some(below) = rest.strip_prefix("*.") {
            let base = Origin::of(&format!("{scheme}://{below}").parse().ok()?).ok()?;
            let Host::Name(name) = base.host else { return None };
            return Some(Pattern::Below { scheme: base.scheme, suffix: format!(".{name}"), port: base.port });
        }
        Some(Pattern::Exact(Origin::of(&grant.parse().ok()?).ok()?))
    }

    /// Whether `origin` is what the grant means.
    pub(crate) fn matches(&self, origin: &Origin) -> bool {
        match self {
            Pattern::Exact(own) => own == origin,
            Pattern::Below { scheme, suffix, port } => {
                // Never an address: `*.0.0.1` is not a grant for 127.0.0.1.
                let Host::Name(name) = &origin.host else { return false };
                let labels = name.strip_suffix(suffix.as_str());
                let below = labels.is_some_and(|labels| labels.split('.').all(|label| !label.is_empty()));
                below && (scheme, port) == (&origin.scheme, &origin.port)
            }
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Literal(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Literal(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        match (self.scheme, self.port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(grant: &str, url: &str) -> bool {
        Pattern::of(grant).unwrap().matches(&Origin::of(&url.parse().unwrap()).unwrap())
    }

    #[test]
    fn a_grant_matches_its_origin_only() {
        assert!(matches("https://api.example.com", "https://API.example.com:443/v1?x"));
        assert!(matches("http://[::1]:80", "http://[0:0::1]/"));
        assert!(matches("http://127.0.0.1:9000", "http://127.0.0.1:9000/"));
        for url in [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://example.com/",
            "https://api.example.com.evil.org/",
            "https://evil-api.example.com/",
            "https://api.example.com./",
        ] {
            assert!(!matches("https://api.example.com", url), "{url}");
        }
    }

    #[test]
    fn a_star_stands_for_one_or_more_labels() {
        assert!(matches("https://*.example.com", "https://a.example.com/"));
        assert!(matches("https://*.example.com:8443", "https://a.b.example.com:8443/"));
        for url in [
            "https://example.com/",
            "https://.example.com/",
            "https://a..example.com/",
            "https://aexample.com/",
            "http://a.example.com/",
        ] {
            assert!(!matches("https://*.example.com", url), "{url}");
        }
        assert!(!matches("http://*.0.0.1", "http://127.0.0.1/"));
    }

    #[test]
    fn strange_urls_are_refused_with_the_reason() {
        for (url, reason) in [
            ("/path", "absolute"),
            ("ftp://a/", "scheme"),
            ("https://user@a/", "user"),
            ("https://user:secret@a/", "user"),
            ("https://a:0/", "port"),
            ("https://a:/", "port"),
            ("https://a%2eb/", "name"),
            ("https://[::zz]/", "IPv6"),
            ("https://[v1.x]/", "IPv6"),
        ] {
            match url.parse::<Uri>() {
                Ok(uri) => {
                    let told = Origin::of(&uri).unwrap_err();
                    assert!(told.contains(reason), "{url}: {told}");
                }
                Err(_) => assert!(url.contains('%') || url.contains('['), "{url} no longer parses"),
            }
        }
    }

    #[test]
    fn an_origin_is_shown_as_a_grant_is_written() {
        for origin in ["https://a.b", "http://[::1]:81", "http://127.0.0.1:443", "https://a:80"] {
            assert_eq!(Origin::of(&origin.parse().unwrap()).unwrap().to_string(), origin);
        }
    }
}
