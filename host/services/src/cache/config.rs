//! `[cache]`: how much is kept, and where.

use std::time::Duration;

use ostler_core::settings::Section;

/// Settings of `[cache]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// `memory`: bytes kept in memory. Default: 64 MiB.
    pub memory: u64,
    /// `disk`: bytes kept below the state folder; 0 is no such tier. Default: 0.
    pub disk: u64,
    /// `entry`: the largest answer or value that is kept, in bytes. Default: 1 MiB.
    pub entry: u64,
    /// `shared`: the store that hosts share. Default: none.
    pub shared: SharedStore,
    /// `shared_deadline`: time for one answer of that store; beyond it there is none. Default: 50 ms.
    pub shared_deadline: Duration,
    /// `namespace`: what the names of all entries in it begin with. Default: `ostler`.
    pub namespace: String,
}

/// A store that hosts share.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum SharedStore {
    /// None.
    #[default]
    None,
    /// The one of `[redis]`.
    Redis,
    /// A Memcached, as `host:port`.
    Memcached(String),
}

impl Default for Config {
    fn default() -> Self {
        Config {
            memory: 64 << 20,
            disk: 0,
            entry: 1 << 20,
            shared: SharedStore::None,
            shared_deadline: Duration::from_millis(50),
            namespace: "ostler".into(),
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("memory", &self.memory)
            .field("disk", &self.disk)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads `[cache]`; `redis` tells whether there is a `[redis]`.
    pub fn read(mut section: Section<'_>, redis: bool) -> Self {
        let default = Config::default();
        let deadline = Duration::from_millis(1)..=Duration::from_secs(10);
        let config = Config {
            memory: section.size("memory", 0..=1 << 40).unwrap_or(default.memory),
            disk: section.size("disk", 0..=1 << 44).unwrap_or(default.disk),
            entry: section.size("entry", 1 << 10..=64 << 20).unwrap_or(default.entry),
            shared: shared(&mut section, redis),
            shared_deadline: section.duration("shared_deadline", deadline).unwrap_or(default.shared_deadline),
            namespace: namespace(&mut section).unwrap_or(default.namespace),
        };
        if (1..16 << 20).contains(&config.disk) {
            section.problem("disk", "less than 16MiB", "\"0B\" (none) or at least \"16MiB\"", "");
        }
        section.finish();
        config
    }
}

fn shared(section: &mut Section<'_>, redis: bool) -> SharedStore {
    let Some(text) = section.string("shared") else { return SharedStore::None };
    let allowed = "\"redis\" (that of [redis]) or \"memcached://HOST:PORT\"";
    match text.value.as_str() {
        "redis" if redis => return SharedStore::Redis,
        "redis" => {
            section.problem("shared", "\"redis\" without a [redis]", allowed, "add [redis] with its url")
        }
        other => match other.strip_prefix("memcached://").filter(|address| is_address(address)) {
            Some(address) => return SharedStore::Memcached(address.to_owned()),
            None => section.problem("shared", format!("{other:?}"), allowed, ""),
        },
    }
    SharedStore::None
}

fn is_address(text: &str) -> bool {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && host.bytes().all(sane) && port.parse::<u16>().is_ok_and(|port| port != 0)
    })
}

fn namespace(section: &mut Section<'_>) -> Option<String> {
    let text = section.string("namespace")?.value;
    if ostler_core::plugin::is_name(&text) {
        return Some(text);
    }
    section.problem("namespace", format!("{text:?}"), "1 to 63 of a-z, 0-9, - and _", "");
    None
}

#[cfg(test)]
mod tests {
    use ostler_core::settings::{Node, Problems};

    use super::*;

    fn read(text: &str, redis: bool) -> (Config, Vec<String>) {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        let config = Config::read(node.section("cache", &problems), redis);
        (config, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_can_be_is_read() {
        let text = "memory = '1MiB'\ndisk = '1GiB'\nshared = 'memcached://[::1]:11211'\nnamespace = 'shop'";
        let (config, problems) = read(text, false);
        assert_eq!(problems, [""; 0]);
        assert!(config.shared == SharedStore::Memcached("[::1]:11211".into()) && config.disk == 1 << 30);
        assert!(read("shared = 'redis'", true).0.shared == SharedStore::Redis);
    }

    #[test]
    fn what_cannot_be_is_told_with_its_repair() {
        let (_, told) = read("shared = 'redis'", false);
        assert_eq!(
            told,
            [
                "t:1: error: cache.shared: found \"redis\" without a [redis]; allowed: \"redis\" (that of [redis]) or \
              \"memcached://HOST:PORT\"; repair: add [redis] with its url"
            ]
        );
        let many =
            "shared = 'memcached://a'\ndisk = '1MiB'\nentry = '1B'\nnamespace = 'A b'\nmemroy = '1MiB'";
        assert_eq!(read(many, true).1.len(), 5, "{:?}", read(many, true).1);
        for bad in
            ["memcached://", "memcached://a:0", "memcached://a:99999", "memcached://a b:1", "http://a:1"]
        {
            assert_eq!(read(&format!("shared = '{bad}'"), true).1.len(), 1, "{bad}");
        }
    }
}
