//! Asks issuers: a URL of the operator's, a bounded answer, no redirect.
//!
//! **Invariant:** what is said in the clear comes from this machine, unless the operator allows otherwise; else the keys that a
//! stranger on the network made up would do.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use ostler_core::Body;
use ostler_core::plugin::Grant;
use ostler_core::settings::Section;
use ostler_upstream::{Client, Timeouts, Upstream};

/// Longest answer of an issuer.
pub(crate) const ANSWER_MAX: usize = 1 << 20;
/// Longest time for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What an issuer answered.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    pub(crate) body: Bytes,
    /// `max-age` of its `Cache-Control`.
    pub(crate) max_age: Option<Duration>,
}

/// Gets documents; the error says what is wrong, for the log.
pub(crate) trait Fetch: Send + Sync {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Fetched, String>>;
}

/// Gets them from other servers.
pub(crate) struct Http {
    pub(crate) upstream: Upstream,
    /// `insecure_http`.
    pub(crate) insecure: bool,
}

impl Fetch for Http {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(async move {
            let target = Target::parse(url, self.insecure)?;
            let request = Request::get(target.uri.clone())
                .header(ACCEPT, "application/json")
                .body(Body::full(Bytes::new()));
            let client = target.client(&self.upstream);
            let request = request.map_err(|error| error.to_string())?;
            answer(&client, request, Instant::now() + PATIENCE).await
        })
    }
}

/// Where an issuer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) uri: Uri,
    grant: (String, Vec<&'static str>),
}

impl Target {
    /// Reads a URL: https; or http to this machine, and to others if `insecure`.
    pub(crate) fn parse(url: &str, insecure: bool) -> Result<Self, String> {
        const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];
        const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];
        let uri: Uri = url.parse().map_err(|_| "no URL")?;
        let authority = uri.authority().ok_or("no absolute URL")?;
        if authority.as_str().contains('@') {
            return Err("a URL with a user in it".into());
        }
        let local = matches!(authority.host(), "localhost" | "[::1]") || authority.host().starts_with("127.");
        let networks = match uri.scheme_str() {
            // Whoever answers there has proved that it is the one the operator named.
            Some("https") => EVERYWHERE,
            Some("http") if local => LOOPBACK,
            Some("http") if insecure => EVERYWHERE,
            Some("http") => return Err("http to another machine".into()),
            _ => return Err("a scheme that is not https".into()),
        };
        let origin = format!("{}://{authority}", uri.scheme_str().unwrap_or_default());
        Ok(Target { grant: (origin, networks.to_vec()), uri })
    }

    /// Reads a URL at `key`.
    pub(crate) fn read(section: &mut Section<'_>, key: &'static str, insecure: bool) -> Option<Self> {
        let url = section.string(key)?.value;
        match Target::parse(&url, insecure) {
            Ok(target) => Some(target),
            Err(found) => {
                let repair = "write https://, or insecure_http = true if the network between is yours alone";
                section.problem(
                    key,
                    format!("{url:?}, {found}"),
                    "a URL of https, or of http on this machine",
                    repair,
                );
                None
            }
        }
    }

    /// A client for this origin and no other.
    pub(crate) fn client(&self, upstream: &Upstream) -> Client {
        let (origin, networks) = &self.grant;
        let networks = networks.iter().filter_map(|network| network.parse().ok()).collect();
        upstream.client(&Grant { http: vec![origin.clone()], networks, ..Grant::default() })
    }
}

/// The whole answer to `request` if it is 200.
pub(crate) async fn answer(
    client: &Client,
    request: Request<Body>,
    deadline: Instant,
) -> Result<Fetched, String> {
    let sent = client.send(request, deadline, Timeouts::default()).await;
    let (head, body) = sent.map_err(|error| error.to_string())?.into_parts();
    if head.status != StatusCode::OK {
        return Err(format!("status {}", head.status.as_u16()));
    }
    let max_age = max_age(&head.headers);
    let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Fetched { body, max_age })
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get(CACHE_CONTROL)?.to_str().ok()?.split(',');
    let seconds = |directive: &str| match directive.trim().to_ascii_lowercase().split_once('=') {
        Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok(),
        _ => None,
    };
    directives.filter_map(seconds).next().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_be_asked_in_the_clear() {
        for url in ["https://a.test/keys", "http://127.0.0.1:9/", "http://localhost:1/x", "http://[::1]:2/"] {
            assert!(Target::parse(url, false).is_ok(), "{url}");
        }
        for url in [
            "http://a.test/",
            "http://10.0.0.1/",
            "ftp://a.test/",
            "/keys",
            "keys",
            "",
            "https://u:p@a.test/",
        ] {
            assert!(Target::parse(url, false).is_err(), "{url}");
        }
        assert!(Target::parse("http://a.test/", true).is_ok());
        assert!(Target::parse("http://localhost.evil.test/", false).is_err());
    }

    #[test]
    fn a_name_that_only_begins_like_loopback_leads_nowhere_else() {
        // Its addresses are checked against the networks of this machine before anything is connected to.
        assert_eq!(
            Target::parse("http://127.evil.test/", false).unwrap().grant.1,
            ["127.0.0.0/8", "::1/128"]
        );
    }

    #[test]
    fn max_age_is_read_among_other_directives() {
        let of =
            |text: &'static str| max_age(&HeaderMap::from_iter([(CACHE_CONTROL, text.parse().unwrap())]));
        assert_eq!(of("public, max-age=60, must-revalidate"), Some(Duration::from_secs(60)));
        assert_eq!(of("Max-Age=\"7\""), Some(Duration::from_secs(7)));
        for text in ["no-store", "max-age=x", "s-maxage=5", "max-age=-1"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
