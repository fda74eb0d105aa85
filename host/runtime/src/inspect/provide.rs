//! Who provides an import: WASI, Ostler, or nobody; and which grant stands before it.
//!
//! **Invariant:** this table says the same as the linker. A name belongs here when the linker learns it.

use ostler_core::plugin::Grant;
use serde::Serialize;

/// Interfaces by package and version track. A version without pre-release matches along its track; one with matches exactly.
const PROVIDED: &[(Provider, &str, &str, &[&str])] = &[
    (
        Provider::Ostler,
        "ostler:plugin",
        "0.1",
        &[
            "types",
            "log",
            "config",
            "kv",
            "context",
            "http-client",
            "authz",
            "rate-limit",
            "cache",
            "flags",
            "experiment",
        ],
    ),
    (Provider::Ostler, "wasi:config", "0.2.0-rc.1", &["store"]),
    (Provider::Ostler, "wasi:config", "0.2.0-draft", &["store"]),
    (Provider::Ostler, "wasi:config", "0.2.0-draft-2024-09-27", &["store"]),
    (Provider::Ostler, "wasi:blobstore", "0.2.0-draft", &["types", "container", "blobstore"]),
    (Provider::Ostler, "wasi:logging", "0.1.0-draft", &["logging"]),
    (Provider::Ostler, "wasi:logging", "", &["logging"]),
    (Provider::Ostler, "wasi:keyvalue", "0.2.0-draft", &["store", "atomics", "batch"]),
    (Provider::Ostler, "wasi:keyvalue", "0.2.0-draft2", &["store", "atomics", "batch"]),
    (Provider::Ostler, "fermyon:spin", "2.0", &["key-value", "sqlite", "variables"]),
    (Provider::Ostler, "spin:key-value", "3.0", &["key-value"]),
    (Provider::Ostler, "spin:sqlite", "3.0", &["sqlite"]),
    (Provider::Ostler, "spin:sqlite", "3.1", &["sqlite"]),
    (Provider::Ostler, "spin:variables", "3.0", &["variables"]),
    (Provider::Ostler, "wasi:http", "0.2", &["types", "outgoing-handler"]),
    (Provider::Ostler, "wasi:http", "0.3", &["types", "client"]),
    (Provider::Wasi, "wasi:cli", "0.2", CLI),
    (Provider::Wasi, "wasi:cli", "0.3", CLI),
    (Provider::Wasi, "wasi:cli", "0.3", &["types"]),
    (Provider::Wasi, "wasi:clocks", "0.2", &["monotonic-clock", "wall-clock"]),
    (Provider::Wasi, "wasi:clocks", "0.3", &["types", "monotonic-clock", "system-clock"]),
    (Provider::Wasi, "wasi:filesystem", "0.2", &["types", "preopens"]),
    (Provider::Wasi, "wasi:filesystem", "0.3", &["types", "preopens"]),
    (Provider::Wasi, "wasi:io", "0.2", &["error", "poll", "streams"]),
    (Provider::Wasi, "wasi:random", "0.2", RANDOM),
    (Provider::Wasi, "wasi:random", "0.3", RANDOM),
    (Provider::Wasi, "wasi:sockets", "0.2", SOCKETS),
    (Provider::Wasi, "wasi:sockets", "0.3", &["types", "ip-name-lookup"]),
];

/// Packages that this host knows and does not have: toolchains import them with what they do use.
const ABSENT: &[&str] = &[
    "fermyon:spin",
    "spin:llm",
    "spin:mqtt",
    "spin:mysql",
    "spin:postgres",
    "spin:redis",
    "wasmcloud:bus",
    "wasmcloud:messaging",
];

/// A version of WASI that is of no use any more, and that Spin's world still names beside 0.3.0.
const ABSENT_WASI: &str = "0.3.0-rc-2026-03-15";

const CLI: &[&str] = &[
    "environment",
    "exit",
    "stdin",
    "stdout",
    "stderr",
    "terminal-input",
    "terminal-output",
    "terminal-stdin",
    "terminal-stdout",
    "terminal-stderr",
];

const RANDOM: &[&str] = &["random", "insecure", "insecure-seed"];

const SOCKETS: &[&str] = &[
    "network",
    "instance-network",
    "ip-name-lookup",
    "tcp",
    "tcp-create-socket",
    "udp",
    "udp-create-socket",
];

/// One import of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Import {
    /// As the component writes it: `wasi:http/types@0.2.12`.
    pub name: String,
    /// Who answers it.
    pub provider: Provider,
    /// The grant without which its calls are denied.
    pub need: Option<Need>,
}

/// Who answers an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// WASI, linked whole and empty: no files, no environment, no sockets.
    Wasi,
    /// A capability of Ostler, subject to grants.
    Ostler,
    /// Nobody, although this host knows what it is: it is linked, and a call ends the request.
    Absent,
    /// Nobody: the component cannot be instantiated here.
    Nobody,
}

/// A grant that an import asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// `grant = { kv = [...] }`
    Kv,
    /// `grant = { sqlite = [...] }`
    Sqlite,
    /// `grant = { blob = [...] }`
    Blob,
    /// `grant = { config = { ... } }`
    Config,
    /// `grant = { http = [...] }`
    Http,
    /// `grant = { limits = [...] }`
    Limits,
    /// `grant = { cache = [...] }`
    Cache,
}

impl Import {
    pub(super) fn of(name: String) -> Self {
        let provider = provider(&name);
        let need = match provider {
            Provider::Ostler => need(&name),
            _ => None,
        };
        Import { name, provider, need }
    }
}

impl Need {
    /// All of them, in the order of [`Grant`]'s keys.
    pub const ALL: [Need; 7] =
        [Need::Kv, Need::Sqlite, Need::Blob, Need::Config, Need::Http, Need::Limits, Need::Cache];

    /// The key in `grant`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Need::Kv => "kv",
            Need::Sqlite => "sqlite",
            Need::Blob => "blob",
            Need::Config => "config",
            Need::Http => "http",
            Need::Limits => "limits",
            Need::Cache => "cache",
        }
    }

    /// Whether `grant` has anything of the kind.
    pub fn granted(self, grant: &Grant) -> bool {
        match self {
            Need::Kv => !grant.kv.is_empty(),
            Need::Sqlite => !grant.sqlite.is_empty(),
            Need::Blob => !grant.blob.is_empty(),
            Need::Config => !grant.config.is_empty(),
            Need::Http => !grant.http.is_empty(),
            Need::Limits => !grant.limits.is_empty(),
            Need::Cache => !grant.cache.is_empty(),
        }
    }

    pub(super) const fn what(self) -> &'static str {
        match self {
            Need::Kv => "key-value stores",
            Need::Sqlite => "SQLite databases",
            Need::Blob => "containers of objects",
            Need::Config => "configuration values",
            Need::Http => "outbound HTTP",
            Need::Limits => "rate limits",
            Need::Cache => "caches",
        }
    }
}

/// Interface and version of `package/interface@version`; the version is empty where there is none.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('@').unwrap_or((name, ""))
}

/// Whether `version` is met by what stands at `track` (`0.2`, or a pre-release that must match exactly).
pub(super) fn on_track(version: &str, track: &str) -> bool {
    let number =
        |text: &str| !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    version == track
        || version.strip_prefix(track).and_then(|rest| rest.strip_prefix('.')).is_some_and(number)
}

/// An interface that is provided and has almost this name.
pub(super) fn near(name: &str) -> Option<String> {
    let (wanted, _) = split(name);
    PROVIDED.iter().find_map(|(_, package, track, interfaces)| {
        let same = interfaces.iter().find(|interface| format!("{package}/{interface}") == wanted)?;
        Some(format!("{package}/{same}@{track}"))
    })
}

/// Who answers the import `name`.
pub(crate) fn provider(name: &str) -> Provider {
    let (path, version) = split(name);
    let Some((package, interface)) = path.split_once('/') else { return Provider::Nobody };
    PROVIDED
        .iter()
        .find(|(_, known, track, interfaces)| {
            *known == package && interfaces.contains(&interface) && on_track(version, track)
        })
        .map_or_else(|| absent(package, version), |(provider, ..)| *provider)
}

fn absent(package: &str, version: &str) -> Provider {
    let wasi = package.starts_with("wasi:") && version == ABSENT_WASI;
    if wasi || ABSENT.contains(&package) { Provider::Absent } else { Provider::Nobody }
}

fn need(name: &str) -> Option<Need> {
    match split(name).0 {
        "ostler:plugin/kv" | "fermyon:spin/key-value" | "spin:key-value/key-value" => Some(Need::Kv),
        "ostler:plugin/config"
        | "wasi:config/store"
        | "fermyon:spin/variables"
        | "spin:variables/variables" => Some(Need::Config),
        "ostler:plugin/http-client" | "wasi:http/outgoing-handler" | "wasi:http/client" => Some(Need::Http),
        "ostler:plugin/rate-limit" => Some(Need::Limits),
        "ostler:plugin/cache" => Some(Need::Cache),
        "fermyon:spin/sqlite" | "spin:sqlite/sqlite" => Some(Need::Sqlite),
        "wasi:blobstore/blobstore" => Some(Need::Blob),
        keyvalue if keyvalue.starts_with("wasi:keyvalue/") => Some(Need::Kv),
        _ => None,
    }
}
