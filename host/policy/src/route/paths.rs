//! The path patterns of one host, and what becomes of a request whose route a flag switched off.
//!
//! **Invariant:** a search finds what it would find if the routes that are switched off had not been written, and costs nothing
//! more where no route has a `when`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use matchit::Router;
use ostler_core::plugin::RouteSpec;
use ostler_core::when::When;

/// The patterns of one host, the most literal first.
pub(super) struct Paths<T> {
    patterns: Vec<Vec<Entry<T>>>,
    all: Router<usize>,
    /// Those of which a route is always there.
    always: Router<usize>,
    /// Those of which no route is always there, each alone.
    sometimes: Vec<(usize, Router<()>)>,
}

struct Entry<T> {
    /// Empty means all.
    methods: Vec<Method>,
    when: Option<When>,
    target: Arc<T>,
}

impl<T> Entry<T> {
    fn takes(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }
}

/// What the routes of one pattern say.
enum Said<'a, T> {
    Target(&'a Arc<T>),
    WrongMethod,
    /// All of them are switched off.
    NotThere,
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Paths { patterns: Vec::new(), all: Router::new(), always: Router::new(), sometimes: Vec::new() }
    }
}

impl<T> Paths<T> {
    pub(super) fn new(routes: Vec<(RouteSpec, Arc<T>)>) -> Result<Self, String> {
        let mut grouped: BTreeMap<(Vec<u16>, String), Vec<Entry<T>>> = BTreeMap::new();
        for (spec, target) in routes {
            let entry = Entry { methods: spec.methods, when: spec.when, target };
            grouped.entry((literal(&spec.path), spec.path)).or_default().push(entry);
        }
        let mut paths = Paths::default();
        for ((_, path), mut entries) in grouped {
            let index = paths.patterns.len();
            let wrong = |error| format!("{path}: {error}");
            // What is always there would hide what is there sometimes.
            entries.sort_by_key(|entry| Reverse(entry.when.is_some()));
            paths.all.insert(&path, index).map_err(wrong)?;
            if entries.iter().any(|entry| entry.when.is_none()) {
                paths.always.insert(&path, index).map_err(wrong)?;
            } else {
                let mut alone = Router::new();
                alone.insert(&path, ()).map_err(wrong)?;
                paths.sometimes.push((index, alone));
            }
            paths.patterns.push(entries);
        }
        Ok(paths)
    }

    /// The target for `path`; `allowed` gains the methods that a path which is there takes.
    pub(super) fn find<'a>(
        &'a self,
        path: &str,
        method: &Method,
        holds: &impl Fn(&'a When) -> bool,
        allowed: &mut Vec<&'a Method>,
    ) -> Option<&'a Arc<T>> {
        let index = *self.all.at(path).ok()?.value;
        match self.ask(index, method, holds, allowed) {
            Said::Target(target) => Some(target),
            Said::WrongMethod => None,
            Said::NotThere => self.find_further(index, path, method, holds, allowed),
        }
    }

    /// The target of a less literal pattern than the one at `off`.
    fn find_further<'a>(
        &'a self,
        off: usize,
        path: &str,
        method: &Method,
        holds: &impl Fn(&'a When) -> bool,
        allowed: &mut Vec<&'a Method>,
    ) -> Option<&'a Arc<T>> {
        let always = self.always.at(path).ok().map(|matched| *matched.value);
        let last = always.unwrap_or(usize::MAX);
        let sometimes = self.sometimes.iter().filter(|(index, _)| (off + 1..last).contains(index));
        let sometimes = sometimes.filter(|(_, alone)| alone.at(path).is_ok()).map(|(index, _)| *index);
        for index in sometimes.chain(always) {
            match self.ask(index, method, holds, allowed) {
                Said::Target(target) => return Some(target),
                Said::WrongMethod => return None,
                Said::NotThere => {}
            }
        }
        None
    }

    fn ask<'a>(
        &'a self,
        index: usize,
        method: &Method,
        holds: &impl Fn(&'a When) -> bool,
        allowed: &mut Vec<&'a Method>,
    ) -> Said<'a, T> {
        let entries = &self.patterns[index];
        let there = |entry: &&'a Entry<T>| entry.when.as_ref().is_none_or(holds);
        // Those of other methods are asked about only if it comes to that: whom a flag is asked for is counted as one who met it.
        if let Some(entry) = entries.iter().filter(|entry| entry.takes(method)).find(there) {
            return Said::Target(&entry.target);
        }
        let mut said = Said::NotThere;
        for entry in entries.iter().filter(|entry| !entry.takes(method)).filter(there) {
            allowed.extend(&entry.methods);
            said = Said::WrongMethod;
        }
        said
    }
}

/// A key by which the more literal of two patterns for one path comes first, as matchit chooses: text before `{name}` before
/// `{*rest}`, and text after a parameter before its end.
fn literal(pattern: &str) -> Vec<u16> {
    const END: u16 = 0x100;
    const PARAMETER: u16 = 0x101;
    const REST: u16 = 0x102;
    let mut key = Vec::with_capacity(pattern.len() + 1);
    let mut bytes = pattern.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'}' if bytes.peek() == Some(&byte) => {
                bytes.next();
                key.push(byte.into());
            }
            b'{' => {
                key.push(if bytes.peek() == Some(&b'*') { REST } else { PARAMETER });
                bytes.by_ref().find(|byte| *byte == b'}');
            }
            byte => key.push(byte.into()),
        }
    }
    key.push(END);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(routes: &[(&str, &[Method], Option<&str>)]) -> Paths<usize> {
        let spec = |(path, methods, when): &(&str, &[Method], Option<&str>)| RouteSpec {
            path: (*path).into(),
            methods: methods.to_vec(),
            host: None,
            plugin: String::new(),
            gate: Default::default(),
            when: when.map(|when| When::parse(when).unwrap()),
            line: 0,
        };
        Paths::new(routes.iter().map(spec).zip((0..).map(Arc::new)).collect()).unwrap()
    }

    /// What is found while the flags `on` are on, and the methods that would do.
    fn find(paths: &Paths<usize>, method: Method, path: &str, on: &[&str]) -> (Option<usize>, usize) {
        let mut allowed = Vec::new();
        let holds = |when: &When| on.contains(&when.flag.as_str()) == when.on;
        let found = paths.find(path, &method, &holds, &mut allowed);
        (found.map(|target| **target), allowed.len())
    }

    #[test]
    fn of_routes_for_the_same_requests_the_first_whose_flag_holds_is_taken() {
        let all: &[Method] = &[];
        let paths = paths(&[
            ("/a", all, None),
            ("/a", all, Some("flag:x")),
            ("/a", all, Some("flag:y")),
            ("/a", all, Some("not flag:z")),
        ]);
        assert_eq!(find(&paths, Method::GET, "/a", &["x", "y"]).0, Some(1));
        assert_eq!(find(&paths, Method::GET, "/a", &["y"]).0, Some(2));
        assert_eq!(find(&paths, Method::GET, "/a", &[]).0, Some(3));
        assert_eq!(find(&paths, Method::GET, "/a", &["z"]).0, Some(0));
    }

    #[test]
    fn a_route_that_is_switched_off_leaves_its_requests_to_less_literal_ones() {
        let all: &[Method] = &[];
        let paths = paths(&[
            ("/{*rest}", all, None),
            ("/a/{id}", all, Some("flag:id")),
            ("/a/b", all, Some("flag:b")),
            ("/a/{id}.json", all, Some("flag:json")),
            ("/{*rest}", all, Some("flag:rest")),
        ]);
        for (path, on, found) in [
            ("/a/b", &["b", "id", "rest"][..], 2),
            ("/a/b", &["id", "rest"], 1),
            ("/a/b", &["rest"], 4),
            ("/a/b", &["json"], 0),
            ("/a/x.json", &["json", "id"], 3),
            ("/a/x.json", &["id"], 1),
            ("/a/x.json", &[], 0),
        ] {
            assert_eq!(find(&paths, Method::GET, path, on).0, Some(found), "{path} {on:?}");
        }
    }

    #[test]
    fn methods_of_routes_that_are_switched_off_are_not_allowed() {
        let paths = paths(&[
            ("/a", &[Method::GET], Some("flag:x")),
            ("/a", &[Method::POST], None),
            ("/b", &[Method::GET], Some("flag:x")),
        ]);
        assert_eq!(find(&paths, Method::PUT, "/a", &["x"]), (None, 2));
        assert_eq!(find(&paths, Method::GET, "/a", &[]), (None, 1));
        assert_eq!(find(&paths, Method::GET, "/b", &[]), (None, 0));
        assert_eq!(find(&paths, Method::GET, "/b", &["x"]), (Some(2), 0));
    }

    #[test]
    fn flags_of_routes_that_could_not_serve_are_not_asked() {
        let paths = paths(&[
            ("/a", &[Method::POST], Some("flag:post")),
            ("/a", &[Method::GET], Some("flag:get")),
            ("/a", &[Method::GET], None),
        ]);
        let asked = std::cell::RefCell::new(Vec::new());
        let holds = |when: &When| {
            asked.borrow_mut().push(when.flag.clone());
            false
        };
        assert!(paths.find("/a", &Method::GET, &holds, &mut Vec::new()).is_some());
        assert_eq!(*asked.borrow(), ["get"]);
    }

    #[test]
    fn literalness_is_as_the_router_has_it() {
        let patterns = ["/{a}", "/{a}/c", "/b/{x}", "/b/c", "/b/c/{*all}", "/b/c/d"];
        let mut sorted = patterns.to_vec();
        sorted.sort_by_key(|pattern| literal(pattern));
        for path in ["/b", "/b/c", "/b/cd", "/b/c/d", "/b/c/e/f", "/q/c"] {
            let mut router = Router::new();
            patterns.iter().for_each(|pattern| router.insert(*pattern, *pattern).unwrap());
            let alone = |pattern: &&&str| {
                let mut router = Router::new();
                router.insert(**pattern, ()).unwrap();
                router.at(path).is_ok()
            };
            let first = sorted.iter().find(alone).copied();
            assert_eq!(router.at(path).ok().map(|matched| *matched.value), first, "{path}");
        }
    }
}
