//! Which route a request takes: host first, then path, then method.
//!
//! **Invariant:** a route for the very host wins over one for any host; of two paths the more literal one wins (matchit).

use std::collections::HashMap;
use std::sync::Arc;

use http::uri::Authority;
use http::{HeaderValue, Method, Request, header};
use ostler_core::Body;
use ostler_core::plugin::RouteSpec;

/// Finds the `T` that a request is for.
pub struct Router<T> {
    any: Paths<T>,
    hosts: HashMap<String, Paths<T>>,
}

type Paths<T> = matchit::Router<Vec<Entry<T>>>;

struct Entry<T> {
    /// Empty means all.
    methods: Vec<Method>,
    target: Arc<T>,
}

/// What a search ended with.
#[derive(Debug, PartialEq)]
pub enum Found<'a, T> {
    /// This one.
    Route(&'a Arc<T>),
    /// The path is known, but not with this method; the value is for `Allow`.
    MethodNotAllowed(HeaderValue),
    /// Nothing.
    Nothing,
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Router { any: Paths::new(), hosts: HashMap::new() }
    }
}

impl<T> Router<T> {
    /// A router of these routes. The text of an error names the pattern that does not fit in.
    pub fn new(routes: impl IntoIterator<Item = (RouteSpec, Arc<T>)>) -> Result<Self, String> {
        let mut grouped: HashMap<(Option<String>, String), Vec<Entry<T>>> = HashMap::new();
        for (spec, target) in routes {
            grouped.entry((spec.host, spec.path)).or_default().push(Entry { methods: spec.methods, target });
        }
        let mut router = Router::default();
        for ((host, path), entries) in grouped {
            let paths = match host {
                Some(host) => router.hosts.entry(host).or_default(),
                None => &mut router.any,
            };
            paths.insert(&path, entries).map_err(|error| format!("{path}: {error}"))?;
        }
        Ok(router)
    }

    /// The target for `request`.
    pub fn find(&self, request: &Request<Body>) -> Found<'_, T> {
        let (path, method) = (request.uri().path(), request.method());
        let here = if self.hosts.is_empty() {
            None
        } else {
            host(request).and_then(|host| self.hosts.get(&host.to_ascii_lowercase()))
        };
        let mut allowed = Vec::new();
        for paths in here.into_iter().chain([&self.any]) {
            let Ok(matched) = paths.at(path) else { continue };
            for entry in matched.value {
                if entry.methods.is_empty() || entry.methods.contains(method) {
                    return Found::Route(&entry.target);
                }
                allowed.extend(&entry.methods);
            }
        }
        if allowed.is_empty() { Found::Nothing } else { Found::MethodNotAllowed(allow(&allowed)) }
    }
}

fn allow(methods: &[&Method]) -> HeaderValue {
    let mut names: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    // Methods are tokens, so their list is a header value.
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static(""))
}

/// Host name without port, from the URI (HTTP/2, absolute form) or the `Host` field.
fn host(request: &Request<Body>) -> Option<&str> {
    if let Some(authority) = request.uri().authority() {
        return Some(bare(authority));
    }
    let value = request.headers().get(header::HOST)?.to_str().ok()?;
    let end = match value.strip_prefix('[') {
        Some(v6) => v6.find(']')? + 2,
        None => value.find(':').unwrap_or(value.len()),
    };
    Some(&value[..end])
}

fn bare(authority: &Authority) -> &str {
    authority.host()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[(&str, &[Method], Option<&str>)]) -> Router<usize> {
        let spec = |(path, methods, host): &(&str, &[Method], Option<&str>)| RouteSpec {
            path: (*path).into(),
            methods: methods.to_vec(),
            host: host.map(Into::into),
            plugin: String::new(),
            gate: Default::default(),
            when: None,
            line: 0,
        };
        Router::new(routes.iter().map(spec).zip((0..).map(Arc::new))).unwrap()
    }

    fn find(router: &Router<usize>, method: Method, host: &str, uri: &str) -> Option<usize> {
        let request =
            Request::builder().method(method).uri(uri).header("host", host).body(Body::Empty).unwrap();
        match router.find(&request) {
            Found::Route(target) => Some(**target),
            _ => None,
        }
    }

    #[test]
    fn the_very_host_wins_and_ports_and_case_do_not_matter() {
        let router = router(&[("/{*rest}", &[], None), ("/{*rest}", &[], Some("a.test"))]);
        assert_eq!(find(&router, Method::GET, "A.test:8080", "/x"), Some(1));
        assert_eq!(find(&router, Method::GET, "b.test", "/x"), Some(0));
        assert_eq!(find(&router, Method::GET, "b.test", "http://a.test:1/x"), Some(1));
    }

    #[test]
    fn a_known_path_with_another_method_says_which_are_allowed() {
        let router =
            router(&[("/a", &[Method::POST], None), ("/a", &[Method::PUT], None), ("/b", &[], None)]);
        let request = Request::builder().uri("/a").body(Body::Empty).unwrap();
        assert_eq!(router.find(&request), Found::MethodNotAllowed(HeaderValue::from_static("POST, PUT")));
        assert_eq!(find(&router, Method::PUT, "x", "/a"), Some(1));
        assert_eq!(find(&router, Method::DELETE, "x", "/b"), Some(2));
        assert_eq!(find(&router, Method::GET, "x", "/c"), None);
    }

    #[test]
    fn hostile_hosts_and_paths_match_nothing() {
        let router = router(&[("/a/{id}", &[], Some("a.test"))]);
        for host in ["[", "[::1", ":", "", "a.test\u{ff}", "a.test.", "evil.a.test"] {
            assert_eq!(find(&router, Method::GET, host, "/a/1"), None, "{host}");
        }
        for path in ["/a", "/a/", "/a/1/2", "//a/1", "/a%2f1"] {
            assert_eq!(find(&router, Method::GET, "a.test", path), None, "{path}");
        }
    }
}
