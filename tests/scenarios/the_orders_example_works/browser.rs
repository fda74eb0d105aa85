//! As much of a browser as a login needs: cookies, redirections and forms.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use harness::{Client, Reply, Version};
use http::{Method, header};

/// Cookies by the address they are for.
pub(super) struct Browser(BTreeMap<SocketAddr, BTreeMap<String, String>>);

/// What a browser shows.
pub(super) struct Page {
    pub(super) url: String,
    pub(super) reply: Reply,
}

impl Browser {
    pub(super) fn new() -> Self {
        Browser(BTreeMap::new())
    }

    /// Opens `url` and goes where it leads.
    pub(super) async fn go(&mut self, url: &str) -> Page {
        let reply = self.ask(Method::GET, url, "", None).await;
        self.follow(url.to_owned(), reply).await
    }

    /// Sends a form to where the form of `page` goes.
    pub(super) async fn submit(&mut self, page: &Page, form: &str) -> Page {
        let text = page.reply.text();
        let action = text.split("action=\"").nth(1).and_then(|rest| rest.split('"').next());
        let url = resolve(&page.url, action.unwrap_or_else(|| panic!("{}: {text}", page.url)));
        let reply = self.ask(Method::POST, &url, form, None).await;
        self.follow(url, reply).await
    }

    /// Sends a request as a script of a page of `origin` does.
    pub(super) async fn send(&mut self, method: Method, url: &str, origin: &str) -> Reply {
        self.ask(method, url, "", Some(origin)).await
    }

    async fn follow(&mut self, mut url: String, mut reply: Reply) -> Page {
        for _ in 0..12 {
            if !reply.status.is_redirection() {
                return Page { url, reply };
            }
            url = resolve(&url, reply.header("location"));
            reply = self.ask(Method::GET, &url, "", None).await;
        }
        panic!("this leads in circles: {url}");
    }

    async fn ask(&mut self, method: Method, url: &str, form: &str, origin: Option<&str>) -> Reply {
        let (address, path) = split(url);
        let client = Client::new(address, Version::Http1, None);
        let mut request = client.request(method, path, form.to_owned());
        let jar = self.0.entry(address).or_default();
        let cookies: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = request.headers_mut();
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        if !form.is_empty() {
            headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let reply = client.try_send(request).await.unwrap();
        for set in reply.headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            let over = set.to_ascii_lowercase().contains("max-age=0") || value.is_empty();
            match over {
                true => jar.remove(name),
                false => jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        reply
    }
}

fn split(url: &str) -> (SocketAddr, &str) {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url}"));
    let (address, _) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = &rest[address.len()..];
    (address.parse().unwrap(), if path.is_empty() { "/" } else { path })
}

/// Where `to`, absolute or a path, leads from `url`.
fn resolve(url: &str, to: &str) -> String {
    match to.starts_with('/') {
        true => format!("http://{}{to}", split(url).0),
        false => to.to_owned(),
    }
}
