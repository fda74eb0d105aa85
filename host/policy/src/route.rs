//! Which route a request takes: host first, then path, then method; a route that a flag switched off is not there.
//!
//! **Invariant:** a route for the very host wins over one for any host; of two paths the more literal one wins (matchit).

mod paths;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderValue, Method, Request};
use ostler_core::plugin::RouteSpec;
use ostler_core::when::When;
use ostler_core::{Body, exchange};

use paths::Paths;

/// Finds the `T` that a request is for.
pub struct Router<T> {
    any: Paths<T>,
    hosts: HashMap<String, Paths<T>>,
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

/// What flags were found to say in one search.
#[derive(Default)]
struct Said<'a>(RefCell<Vec<(&'a str, bool)>>);

impl<'a> Said<'a> {
    fn holds(&self, when: &'a When, ask: &impl Fn(&When) -> bool) -> bool {
        let mut said = self.0.borrow_mut();
        let known = said.iter().find(|(flag, _)| *flag == when.flag).map(|(_, value)| *value);
        let value = known.unwrap_or_else(|| {
            let value = ask(when) == when.on;
            said.push((&when.flag, value));
            value
        });
        value == when.on
    }
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Router { any: Paths::default(), hosts: HashMap::new() }
    }
}

impl<T> Router<T> {
    /// A router of these routes; of those for the same requests the first that a flag does not switch off is taken. The text of
    /// an error names the pattern that does not fit in.
    pub fn new(routes: impl IntoIterator<Item = (RouteSpec, Arc<T>)>) -> Result<Self, String> {
        let mut grouped: HashMap<Option<String>, Vec<(RouteSpec, Arc<T>)>> = HashMap::new();
        for (spec, target) in routes {
            grouped.entry(spec.host.clone()).or_default().push((spec, target));
        }
        let mut router = Router::default();
        for (host, routes) in grouped {
            let paths = Paths::new(routes)?;
            match host {
                Some(host) => _ = router.hosts.insert(host, paths),
                None => router.any = paths,
            }
        }
        Ok(router)
    }

    /// The target for `request`. `holds` says which flags hold; it is asked for routes with a `when` alone, and once for each flag:
    /// of two routes with opposite `when` there is always one, whenever their flag changes.
    pub fn find(&self, request: &Request<Body>, holds: impl Fn(&When) -> bool) -> Found<'_, T> {
        let (path, method) = (request.uri().path(), request.method());
        let here = if self.hosts.is_empty() {
            None
        } else {
            exchange::host(request.uri(), request.headers())
                .and_then(|host| self.hosts.get(&host.to_ascii_lowercase()))
        };
        let said = Said::default();
        let holds = |when| said.holds(when, &holds);
        let mut allowed = Vec::new();
        for paths in here.into_iter().chain([&self.any]) {
            if let Some(target) = paths.find(path, method, &holds, &mut allowed) {
                return Found::Route(target);
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
        match router.find(&request, |_| true) {
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
    fn of_routes_with_opposite_switches_one_is_there_whenever_the_flag_changes() {
        let spec = |path: &str, when: &str| RouteSpec {
            path: path.into(),
            methods: Vec::new(),
            host: None,
            plugin: String::new(),
            gate: Default::default(),
            when: When::parse(when),
            line: 0,
        };
        let routes = [spec("/a", "flag:x"), spec("/a", "flag:y"), spec("/{*rest}", "not flag:x")];
        let router = Router::new(routes.into_iter().zip((0..).map(Arc::new))).unwrap();
        let request = Request::builder().uri("/a").body(Body::Empty).unwrap();
        for begins in [false, true] {
            // The flag says something else each time that it is asked.
            let (x, asked) = (std::cell::Cell::new(begins), std::cell::Cell::new(0));
            let holds = |when: &When| {
                asked.set(asked.get() + u32::from(when.flag == "x"));
                (when.flag == "x" && x.replace(!x.get())) == when.on
            };
            let found = router.find(&request, holds);
            assert_eq!(found, Found::Route(&Arc::new(if begins { 0 } else { 2 })));
            assert_eq!(asked.get(), 1);
        }
    }

    #[test]
    fn a_known_path_with_another_method_says_which_are_allowed() {
        let router =
            router(&[("/a", &[Method::POST], None), ("/a", &[Method::PUT], None), ("/b", &[], None)]);
        let request = Request::builder().uri("/a").body(Body::Empty).unwrap();
        assert_eq!(
            router.find(&request, |_| true),
            Found::MethodNotAllowed(HeaderValue::from_static("POST, PUT"))
        );
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
