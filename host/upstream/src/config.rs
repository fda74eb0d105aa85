//! `[upstream]`: the limits of outbound requests. All finite.

use std::path::PathBuf;
use std::time::Duration;

use ostler_core::settings::Section;

/// Limits of outbound requests; those that count things count per plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Certificates (PEM) to trust besides the public ones, for servers with a private authority. Default: none.
    pub ca_file: Option<PathBuf>,
    /// Time to get a connection: name lookup, TCP, TLS, or waiting for one of `exchanges`. Default: 5 s.
    pub connect: Duration,
    /// Time from sending to the response's head. Default: 30 s.
    pub first_byte: Duration,
    /// Time between two pieces of a response's body. Default: 30 s.
    pub between_bytes: Duration,
    /// How long an unused connection is kept. Default: 60 s.
    pub idle: Duration,
    /// Unused connections kept per origin. Default: 32.
    pub idle_per_origin: usize,
    /// Requests at once, until their responses have been read; more wait. Default: 256.
    pub exchanges: usize,
    /// Open connections, used or not; beyond them connecting fails. Default: 1,024.
    pub connections: usize,
    /// Bytes of a response's head. Default: 64 KiB.
    pub response_head: u64,
    /// Fields in a response's head (HTTP/1.1; HTTP/2 is bounded by bytes alone). Default: 128.
    pub response_fields: usize,
}

/// Limits of one request; `None` takes that of [`Config`]. All lie within the deadline given to `send`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// See [`Config::connect`].
    pub connect: Option<Duration>,
    /// See [`Config::first_byte`].
    pub first_byte: Option<Duration>,
    /// See [`Config::between_bytes`].
    pub between_bytes: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            ca_file: None,
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            between_bytes: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            idle_per_origin: 32,
            exchanges: 256,
            connections: 1024,
            response_head: 64 << 10,
            response_fields: 128,
        }
    }
}

impl Config {
    /// Reads `[upstream]`; `ca_file` as written, relative to the configuration file.
    pub fn read(mut section: Section<'_>) -> Self {
        let default = Config::default();
        let span = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);
        let mut count = |key, or: usize| {
            section.integer(key, 1..=100_000).and_then(|count| usize::try_from(count).ok()).unwrap_or(or)
        };
        let idle_per_origin = count("idle_per_origin", default.idle_per_origin);
        let exchanges = count("exchanges", default.exchanges);
        let connections = count("connections", default.connections);
        let response_fields = count("response_fields", default.response_fields);
        let config = Config {
            ca_file: section.string("ca_file").map(|file| PathBuf::from(file.value)),
            connect: section.duration("connect", span.clone()).unwrap_or(default.connect),
            first_byte: section.duration("first_byte", span.clone()).unwrap_or(default.first_byte),
            between_bytes: section.duration("between_bytes", span.clone()).unwrap_or(default.between_bytes),
            idle: section.duration("idle", span).unwrap_or(default.idle),
            // Below 8 KiB hyper would refuse to read at all.
            response_head: section.size("response_head", 8 << 10..=16 << 20).unwrap_or(default.response_head),
            idle_per_origin,
            exchanges,
            connections,
            response_fields,
        };
        section.finish();
        config
    }
}

#[cfg(test)]
mod tests {
    use ostler_core::settings::{Node, Problems};

    use super::*;

    fn read(text: &str) -> (Config, usize) {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        (Config::read(node.section("upstream", &problems)), problems.into_vec().len())
    }

    #[test]
    fn settings_are_read_and_impossible_ones_told() {
        let (config, problems) = read("connect = '1s'\nca_file = 'ca.pem'\nexchanges = 3");
        assert_eq!((config.connect, config.exchanges, problems), (Duration::from_secs(1), 3, 0));
        assert_eq!(read("").0, Config::default());
        assert_eq!(read("connect = '0s'\nexchanges = 0\nresponse_head = '1B'\nproxy = 'x'").1, 4);
    }
}
