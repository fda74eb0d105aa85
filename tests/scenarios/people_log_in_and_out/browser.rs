//! A browser without a window or scripts: it keeps cookies by origin, asks for pages, and follows redirects.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use harness::{Client, Reply, Version};
use http::{HeaderName, HeaderValue, Method, header};

pub(super) struct Browser {
    jars: BTreeMap<SocketAddr, BTreeMap<String, String>>,
    /// Where it is now.
    pub(super) at: String,
}

impl Browser {
    pub(super) fn new() -> Self {
        Browser { jars: BTreeMap::new(), at: String::new() }
    }

    /// The cookies of one server, by name.
    pub(super) fn cookies(&mut self, server: SocketAddr) -> &mut BTreeMap<String, String> {
        self.jars.entry(server).or_default()
    }

    /// One request, as a link or a form makes it, or as `fields` say; no redirect is followed.
    pub(super) async fn send(
        &mut self,
        method: Method,
        url: &str,
        body: &str,
        fields: &[(&str, &str)],
    ) -> Reply {
        let url =
            if url.starts_with('/') { format!("http://{}{url}", self.server()) } else { url.to_owned() };
        let (server, path) = split(&url);
        let client = Client::new(server, Version::Http1, None);
        let mut request = client.request(method.clone(), &path, Bytes::from(body.to_owned()));
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/html,*/*;q=0.8"));
        if method != Method::GET {
            headers
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            headers.insert(header::ORIGIN, format!("http://{server}").parse().unwrap());
        }
        let jar = self.cookies(server);
        let cookies: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        for (name, value) in fields {
            let name: HeaderName = name.parse().unwrap();
            if value.is_empty() {
                headers.remove(name)
            } else {
                headers.insert(name, value.parse().unwrap())
            };
        }
        let reply = client.try_send(request).await.unwrap();
        for set in reply.headers.get_all(header::SET_COOKIE) {
            let (pair, rest) = set.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let gone = rest.to_ascii_lowercase().contains("max-age=0") || rest.contains("1970");
            let jar = self.cookies(server);
            if gone {
                jar.remove(name)
            } else {
                jar.insert(name.to_owned(), value.to_owned())
            };
        }
        self.at = url;
        reply
    }

    /// A page, after all redirects.
    pub(super) async fn visit(&mut self, url: &str) -> Reply {
        let reply = self.send(Method::GET, url, "", &[]).await;
        self.follow(reply, None).await
    }

    /// Sends a form and follows where it leads.
    pub(super) async fn submit(&mut self, url: &str, body: &str) -> Reply {
        let reply = self.send(Method::POST, url, body, &[]).await;
        self.follow(reply, None).await
    }

    /// Follows redirects to the first page, or to the first address that begins with `stop`, which it does not visit.
    pub(super) async fn follow(&mut self, mut reply: Reply, stop: Option<&str>) -> Reply {
        for _ in 0..20 {
            let location = reply.header("location").to_owned();
            if !reply.status.is_redirection() || stop.is_some_and(|stop| location.starts_with(stop)) {
                return reply;
            }
            reply = self.send(Method::GET, &location, "", &[]).await;
        }
        panic!("redirects without end at {}", self.at);
    }

    /// Logs in at the provider, from its page on, as `name`; `stop` as for [`Browser::follow`].
    pub(super) async fn log_in(&mut self, mut reply: Reply, name: &str, stop: Option<&str>) -> Reply {
        for _ in 0..4 {
            if !self.at.contains("/interaction/") || reply.status.is_redirection() {
                return reply;
            }
            let page = reply.text();
            let prompt = if page.contains("value=\"consent\"") { "consent" } else { "login" };
            let form = format!("prompt={prompt}&login={name}&password=x");
            let here = self.at.clone();
            let sent = self.send(Method::POST, &here, &form, &[]).await;
            reply = self.follow(sent, stop).await;
        }
        panic!("the provider does not let {name} in: {} {}", self.at, reply.text());
    }

    fn server(&self) -> SocketAddr {
        split(&self.at).0
    }
}

fn split(url: &str) -> (SocketAddr, String) {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url}"));
    let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
    (server.parse().unwrap(), format!("/{path}"))
}
