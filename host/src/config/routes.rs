//! `[[routes]]`: each leads to a plugin that exists, and no two claim the same requests.

use std::collections::{BTreeMap, HashMap};

use matchit::{InsertError, Router};
use ostler_core::plugin::RouteSpec;
use ostler_core::settings::{Problems, Section, Severity, nearest};

use super::plugins::Known;

/// Reads all routes and compares them with each other and with the plugins.
pub(super) fn read(sections: Vec<Section<'_>>, plugins: &Known, problems: &Problems) -> Vec<RouteSpec> {
    let routes: Vec<_> =
        sections.into_iter().map(|section| Route::read(section, plugins, problems)).collect();
    let mut taken: BTreeMap<Option<&str>, Taken> = BTreeMap::new();
    for route in routes.iter().filter(|route| route.comparable) {
        taken.entry(route.spec.host.as_deref()).or_default().add(route, problems);
    }
    unrouted(&routes, plugins, problems);
    routes.into_iter().map(|route| route.spec).collect()
}

struct Route {
    spec: RouteSpec,
    /// Dotted path of its table: `routes[2]`.
    key: String,
    /// Line of its `path`.
    line: usize,
    /// Whether it has a path at all.
    comparable: bool,
}

impl Route {
    fn read(section: Section<'_>, plugins: &Known, problems: &Problems) -> Self {
        let (key, line, plugin_line) =
            (section.path.clone(), section.line_of("path"), section.line_of("plugin"));
        let has_path = section.has("path");
        let named = section.has("plugin");
        let spec = RouteSpec::read(section, None);
        if named && !spec.plugin.is_empty() && !plugins.contains_key(&spec.plugin) {
            let repair = match nearest(&spec.plugin, plugins.keys().map(String::as_str)) {
                Some(name) => format!("write {name:?}"),
                None => format!("define it: [plugins.{}]", spec.plugin),
            };
            let found = format!("{:?}, which is not defined", spec.plugin);
            let names: Vec<_> = plugins.keys().take(16).map(String::as_str).collect();
            let allowed = if names.is_empty() { "a plugin of this file".into() } else { names.join(", ") };
            problems.add(Severity::Error, plugin_line, format!("{key}.plugin"), found, allowed, repair);
        }
        let comparable = has_path && spec.path.starts_with('/');
        Route { spec, key, line, comparable }
    }

    fn problem(&self, problems: &Problems, found: String, allowed: &str, repair: String) {
        problems.add(Severity::Error, self.line, format!("{}.path", self.key), found, allowed, repair);
    }
}

/// The paths of one host so far.
#[derive(Default)]
struct Taken<'a> {
    router: Router<()>,
    by_pattern: HashMap<&'a str, Vec<&'a Route>>,
}

impl<'a> Taken<'a> {
    fn add(&mut self, route: &'a Route, problems: &Problems) {
        let path = route.spec.path.as_str();
        if let Some(same) = self.by_pattern.get_mut(path) {
            if let Some(other) = same.iter().find(|other| other.spec.overlaps(&route.spec)) {
                let (host, methods) = (host(&route.spec), methods(&other.spec));
                let found = format!("{path:?}, which line {} routes already ({host}, {methods})", other.line);
                route.problem(
                    problems,
                    found,
                    "each method of a path once",
                    "give them different methods, or one a when, or remove one".into(),
                );
            }
            same.push(route);
            return;
        }
        match self.router.insert(path, ()) {
            Ok(()) => {
                self.by_pattern.insert(path, vec![route]);
            }
            Err(InsertError::Conflict { with }) => self.conflict(route, &with, problems),
            Err(error) => {
                let allowed = "one {name} per segment, {*rest} at the end, {{ and }} for braces";
                route.problem(problems, format!("{path:?}: {error}"), allowed, String::new());
            }
        }
    }

    fn conflict(&self, route: &Route, with: &str, problems: &Problems) {
        let path = &route.spec.path;
        let at = self.by_pattern.get(with).and_then(|same| same.first()).map_or(0, |other| other.line);
        let found = format!("{path:?}, which matches the same paths as {with:?} of line {at}");
        route.problem(
            problems,
            found,
            "one pattern for the same paths",
            format!("write {with:?} in both, or remove one"),
        );
    }
}

fn host(route: &RouteSpec) -> &str {
    route.host.as_deref().unwrap_or("any host")
}

fn methods(route: &RouteSpec) -> String {
    match route.methods.as_slice() {
        [] => "all methods".into(),
        some => some.iter().map(http::Method::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn unrouted(routes: &[Route], plugins: &Known, problems: &Problems) {
    for (name, (_, line)) in plugins {
        if !routes.iter().any(|route| route.spec.plugin == *name) {
            let repair = format!("add [[routes]] with plugin = {name:?}");
            let key = format!("plugins.{name}");
            problems.add(Severity::Warning, *line, key, "no route to it", "", repair);
        }
    }
}
