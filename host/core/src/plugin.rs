//! What a plugin is allowed and where it is routed: the definition that the configuration file and the admin API share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use ipnet::IpNet;

use crate::admission::AdmissionSpec;
use crate::gate::GateSpec;
use crate::rollout::RolloutSpec;
use crate::settings::{Located, Section};
use crate::when::When;

/// Longest name of a plugin, store or host, in bytes.
pub const NAME_MAX: usize = 63;

/// Whether `name` may name a plugin or a store: 1 to 63 of `a-z 0-9 - _`, beginning with a letter or digit.
pub fn is_name(name: &str) -> bool {
    let sane = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    first && name.len() <= NAME_MAX && name.bytes().all(sane)
}

/// Definition of one plugin. The same keys in `[plugins.NAME]` and in `PUT /v1/plugins/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSpec {
    /// The component file that is the release; without it releases are uploaded. Relative to the configuration file.
    pub path: Option<PathBuf>,
    /// Whether instances are reused. Default: warm.
    pub instances: Instances,
    /// Linear memory of one instance, all its memories together, in bytes. Default: 64 MiB.
    pub memory: u64,
    /// Time for one exchange, queueing included. Default: 10 s.
    pub deadline: Duration,
    /// Exchanges at once; more wait within their deadline. Default: 64.
    pub concurrency: usize,
    /// Requests an instance serves before it is replaced (warm only). Default: 10,000.
    pub requests_per_instance: u64,
    /// Elements of one instance's tables, all together. Default: 100,000.
    pub table_elements: u64,
    /// Bytes of a response body. Default: 16 MiB.
    pub response_body: u64,
    /// Bytes of request body handed to the plugin. Default: 8 MiB.
    pub request_body: u64,
    /// Bytes one call may log; the rest is dropped and counted. Default: 64 KiB.
    pub log: u64,
    /// What it may reach.
    pub grant: Grant,
}

/// A plugin's definition: what it is allowed, and what requests to it and its releases must pass.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Definition {
    /// What it is allowed.
    pub spec: PluginSpec,
    /// What requests on its routes must pass, where a route does not say otherwise.
    pub gate: GateSpec,
    /// Whether it answers at all.
    pub when: Option<When>,
    /// What its releases must pass.
    pub admission: AdmissionSpec,
    /// How its releases take over.
    pub rollout: RolloutSpec,
}

/// Whether a plugin's instances are reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instances {
    /// Reused for many requests, dropped on trap or deadline.
    Warm,
    /// A new sandbox for every request.
    Fresh,
}

/// What a plugin may reach. Nothing by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grant {
    /// Key-value stores by name.
    pub kv: Vec<String>,
    /// SQLite databases by name, for what imports Spin's `sqlite`.
    pub sqlite: Vec<String>,
    /// Containers by name, for what imports `wasi:blobstore`.
    pub blob: Vec<String>,
    /// Rate limits by name (`[limits.NAME]`) that it may take from itself.
    pub limits: Vec<String>,
    /// Caches by name, for values of its own.
    pub cache: Vec<String>,
    /// Configuration values.
    pub config: BTreeMap<String, String>,
    /// Origins for outbound HTTP, as `https://api.example.com` or `http://10.0.0.1:9000`, or `https://*.example.com`.
    pub http: Vec<String>,
    /// Networks that outbound HTTP may reach although they are loopback, private or link-local, as `10.1.0.0/16`.
    pub networks: Vec<IpNet>,
}

/// One `[[routes]]` entry: which requests go to which plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// Path pattern, as `/api/{id}` or `/static/{*rest}`.
    pub path: String,
    /// Methods; empty means all.
    pub methods: Vec<Method>,
    /// Host name without port, in lower case; `None` means any.
    pub host: Option<String>,
    /// Name of the plugin.
    pub plugin: String,
    /// What its requests must pass; what it leaves open, its plugin and `[defaults]` say.
    pub gate: GateSpec,
    /// Whether it is there at all; where it is not, the next route for the same requests is looked at.
    pub when: Option<When>,
    /// Line in the configuration file, for messages; 0 if it came over the API.
    pub line: usize,
}

impl Default for PluginSpec {
    fn default() -> Self {
        PluginSpec {
            path: None,
            instances: Instances::Warm,
            memory: 64 << 20,
            deadline: Duration::from_secs(10),
            concurrency: 64,
            requests_per_instance: 10_000,
            table_elements: 100_000,
            response_body: 16 << 20,
            request_body: 8 << 20,
            log: 64 << 10,
            grant: Grant::default(),
        }
    }
}

impl Definition {
    /// Reads the keys of one plugin; the caller calls `finish` on the section.
    pub fn read(section: &mut Section<'_>) -> Self {
        Definition {
            spec: PluginSpec::read(section),
            gate: GateSpec::read(section),
            when: When::read(section),
            admission: section.section("admission").map(admission).unwrap_or_default(),
            rollout: section.section("rollout").map(rollout).unwrap_or_default(),
        }
    }
}

fn admission(mut section: Section<'_>) -> AdmissionSpec {
    let spec = AdmissionSpec::read(&mut section);
    section.finish();
    spec
}

fn rollout(mut section: Section<'_>) -> RolloutSpec {
    let spec = RolloutSpec::read(&mut section, &RolloutSpec::default());
    section.finish();
    spec
}

impl PluginSpec {
    /// Reads the keys of one plugin; the caller calls `finish` on the section (it may know more keys, such as `routes`).
    pub fn read(section: &mut Section<'_>) -> Self {
        let default = PluginSpec::default();
        let instances = [("warm", Instances::Warm), ("fresh", Instances::Fresh)];
        let deadline = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);
        PluginSpec {
            path: section.string("path").map(|path| PathBuf::from(path.value)),
            instances: section.choice("instances", &instances).unwrap_or(default.instances),
            memory: section.size("memory", 64 << 10..=4 << 30).unwrap_or(default.memory),
            deadline: section.duration("deadline", deadline).unwrap_or(default.deadline),
            concurrency: count(section, "concurrency", 1..=10_000).unwrap_or(default.concurrency as u64)
                as usize,
            requests_per_instance: count(section, "requests_per_instance", 1..=1_000_000_000)
                .unwrap_or(default.requests_per_instance),
            table_elements: count(section, "table_elements", 0..=10_000_000)
                .unwrap_or(default.table_elements),
            response_body: section.size("response_body", 0..=1 << 40).unwrap_or(default.response_body),
            request_body: section.size("request_body", 0..=1 << 40).unwrap_or(default.request_body),
            log: section.size("log", 0..=1 << 30).unwrap_or(default.log),
            grant: section.section("grant").map(Grant::read).unwrap_or_default(),
        }
    }
}

impl Grant {
    fn read(mut section: Section<'_>) -> Self {
        let (kv, sqlite) = (names(&mut section, "kv", "store"), names(&mut section, "sqlite", "database"));
        let blob = names(&mut section, "blob", "container");
        let (limits, cache) = (names(&mut section, "limits", "limit"), names(&mut section, "cache", "cache"));
        let origins = section.strings("http");
        for origin in origins.iter().filter(|origin| !is_origin(&origin.value)) {
            let allowed = "origins such as \"https://api.example.com\" or \"https://*.example.com\"";
            section.problem("http", format!("{:?}", origin.value), allowed, "leave out path, query and user");
        }
        let networks = section.networks("networks");
        let config = section.texts("config");
        section.finish();
        let texts = |list: Vec<Located<String>>| list.into_iter().map(|item| item.value).collect();
        Grant { kv, sqlite, blob, limits, cache, config, http: texts(origins), networks }
    }
}

/// Names of stores and the like; `what` is one of them.
fn names(section: &mut Section<'_>, key: &'static str, what: &str) -> Vec<String> {
    let names = section.strings(key);
    for name in names.iter().filter(|name| !is_name(&name.value)) {
        let found = format!("{:?}", name.value);
        section.problem(key, found, "names of a-z, 0-9, - and _", format!("rename the {what}"));
    }
    names.into_iter().map(|name| name.value).collect()
}

impl RouteSpec {
    /// Whether some request could be meant for either of the two.
    pub fn overlaps(&self, other: &RouteSpec) -> bool {
        let methods = self.methods.is_empty()
            || other.methods.is_empty()
            || self.methods.iter().any(|method| other.methods.contains(method));
        let always = self.when.is_none() && other.when.is_none();
        self.path == other.path && self.host == other.host && methods && always
    }

    /// Reads one route. `plugin` is what a route defined inside a plugin belongs to; a `[[routes]]` entry names it.
    pub fn read(mut section: Section<'_>, plugin: Option<&str>) -> Self {
        if plugin.is_none() {
            section.missing("plugin", "the name of a plugin");
        }
        section.missing("path", "a path such as \"/api/{*rest}\"");
        let path = section.string("path").map(|path| path.value).unwrap_or_else(|| "/".into());
        if !path.starts_with('/') {
            section.problem(
                "path",
                format!("{path:?}"),
                "a path that begins with /",
                format!("write \"/{path}\""),
            );
        }
        let mut methods = Vec::new();
        for name in section.strings("methods") {
            match Method::from_bytes(name.value.as_bytes()) {
                Ok(method) if name.value == name.value.to_uppercase() => methods.push(method),
                _ => {
                    let repair = format!("write {:?}", name.value.to_uppercase());
                    section.problem(
                        "methods",
                        format!("{:?}", name.value),
                        "HTTP methods in capitals",
                        repair,
                    );
                }
            }
        }
        let host = section.string("host").map(|host| host.value);
        if let Some(host) = host.as_deref().filter(|host| !is_host(host)) {
            section.problem(
                "host",
                format!("{host:?}"),
                "a host name without port",
                "leave out scheme and port",
            );
        }
        let plugin = match plugin {
            Some(name) => name.to_owned(),
            None => section.string("plugin").map(|name| name.value).unwrap_or_default(),
        };
        let (gate, when, line) = (GateSpec::read(&mut section), When::read(&mut section), section.line);
        section.finish();
        RouteSpec {
            path,
            methods,
            host: host.map(|host| host.to_ascii_lowercase()),
            plugin,
            gate,
            when,
            line,
        }
    }
}

fn count(section: &mut Section<'_>, key: &'static str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
    section.integer(key, *range.start() as i64..=*range.end() as i64).map(|integer| integer as u64)
}

fn is_host(host: &str) -> bool {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.len() <= 253 && host.bytes().all(sane),
    }
}

fn is_origin(origin: &str) -> bool {
    let Some(rest) = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")) else {
        return false;
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (rest, "80"),
    };
    is_host(host.strip_prefix("*.").unwrap_or(host)) && port.parse::<u16>().is_ok_and(|port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Node, Problems};

    fn read(text: &str) -> (PluginSpec, Vec<String>) {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        let mut section = node.section("plugins.p", &problems);
        let spec = PluginSpec::read(&mut section);
        section.finish();
        (spec, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_full_definition_is_read() {
        let (spec, problems) = read(
            "path = 'a.wasm'\ninstances = 'fresh'\nmemory = '1MiB'\ndeadline = '2s'\nconcurrency = 3\n\
             grant = { kv = ['a'], config = { x = 'y' }, http = ['https://*.example.com'], networks = ['10.0.0.1'] }",
        );
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!((spec.memory, spec.concurrency, spec.instances), (1 << 20, 3, Instances::Fresh));
        assert_eq!(spec.grant.networks[0].to_string(), "10.0.0.1/32");
    }

    #[test]
    fn impossible_values_are_told() {
        let (_, problems) = read(
            "memory = '1B'\ndeadline = '0s'\nconcurrency = 0\n\
             grant = { kv = ['A B'], http = ['ftp://x', 'https://a/b', 'https://user@a'], sql = ['x'] }",
        );
        assert_eq!(problems.len(), 8, "{problems:#?}");
    }

    #[test]
    fn origins_have_no_path_user_or_strange_port() {
        for good in ["http://a", "https://a.b:8443", "http://[::1]:80", "http://127.0.0.1:9", "https://*.a.b"]
        {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "a",
            "http://",
            "http://a/",
            "http://a:0",
            "http://a:99999",
            "http://a b",
            "https://*",
            "http://a@b",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
