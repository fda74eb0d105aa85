//! The `[server]` table: where to listen, with which certificate, and how much a client may ask of this host.
//!
//! Invariant: every limit is finite. The admin listener uses the same shape with one address and its own limits.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use ostler_core::Scheme;
use ostler_core::settings::Section;

/// Settings of one [`Server`](crate::Server).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `listen`: addresses to serve, as `http://IP:PORT` or `https://IP:PORT`.
    /// Default: `["http://127.0.0.1:8080"]`, since only the operator can know what may be reached from outside.
    pub listen: Vec<Listen>,
    /// `tls = { cert, key }`: needed by every https address. Default: none.
    pub tls: Option<Tls>,
    /// `trusted_proxies`: peers whose `Forwarded` or `X-Forwarded-For` says who the client is. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// All further keys.
    pub limits: Limits,
}

/// One address to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// With or without TLS.
    pub scheme: Scheme,
    /// IP address and port; port 0 takes a free one.
    pub address: SocketAddr,
}

/// Where the certificate lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// `cert`: PEM file with the certificate chain, the server's own first.
    pub cert: PathBuf,
    /// `key`: PEM file with its private key.
    pub key: PathBuf,
    /// Which client certificates are asked for. Default: none.
    pub clients: Option<Clients>,
}

/// Client certificates of the https listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    /// `client_ca`: PEM file with the authorities that vouch for clients.
    pub ca: PathBuf,
    /// `client_auth`: whether a client may do without. Default: `optional`, so that routes decide.
    pub auth: ClientAuth,
}

/// Whether a client must show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// One that shows none is served; one that shows a bad one is not.
    Optional,
    /// One that shows none gets no connection.
    Required,
}

/// What a client may ask of this host before the edge refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `connections`: open at once, over all addresses; one more is closed at once (with 503 if unencrypted).
    /// Default: 10000, about 400 MB if every one of them holds a large head. The process needs as many file descriptors.
    pub connections: usize,
    /// `header_count`: fields in a request head; more answer 431. Default: 100, which is four times a browser's.
    pub header_count: usize,
    /// `header_bytes`: size of a request head; more answer 431. Default: 32KiB, for large cookies and tokens.
    pub header_bytes: usize,
    /// `uri_bytes`: length of path and query; more answer 414. Default: 8KiB, the least RFC 9110 section 4.1 asks for.
    pub uri_bytes: usize,
    /// `header_deadline`: from the first byte of a request head (or from the start of the connection) to its last; later
    /// is closed, with 408 if it had begun. Default: 10s, for bad mobile links.
    pub header_deadline: Duration,
    /// `idle_deadline`: how long a connection is kept without a request. Default: 60s, above the 50s most clients pool for.
    pub idle_deadline: Duration,
    /// `body_deadline`: how long in sum a request body may keep its reader waiting; every `body_rate` bytes win back a
    /// second of it, so a slow but steady sender is heard out. Beyond it: 408. Default: 20s.
    pub body_deadline: Duration,
    /// `body_rate`: bytes that win back one second of `body_deadline`. Default: 256B, slower than any working link.
    pub body_rate: u64,
    /// `send_deadline`: how long a reply may wait for a client that does not take it. Default: 30s.
    pub send_deadline: Duration,
    /// `handshake_deadline`: for the whole TLS handshake. Default: 10s.
    pub handshake_deadline: Duration,
    /// `http2_streams`: requests at once on one HTTP/2 connection. Default: 128; RFC 9113 advises at least 100.
    pub http2_streams: u32,
    /// `http2_pending_resets`: requests a client may have cancelled before this host looked at them; one more ends the
    /// connection (rapid reset, CVE-2023-44487). Default: 20.
    pub http2_pending_resets: usize,
    /// `http2_resets`: requests a client may cancel while they are handled, per connection in ten seconds; one more ends
    /// the connection. Default: 200; a browser leaving a page cancels a few dozen.
    pub http2_resets: u32,
    /// `drain_delay`: how long a stopping host says that it is not ready before it closes its listeners. Default: 0s; with a
    /// load balancer in front, a little more than the interval at which it asks.
    pub drain_delay: Duration,
    /// `grace`: how long a drain waits for requests in flight. Default: 30s.
    pub grace: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let listen = Listen { scheme: Scheme::Http, address: SocketAddr::from(([127, 0, 0, 1], 8080)) };
        Config { listen: vec![listen], tls: None, trusted_proxies: Vec::new(), limits: Limits::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

impl Config {
    /// Reads the table; problems go to `section`, which the caller finishes.
    pub fn read(section: &mut Section<'_>) -> Config {
        let listen = Listen::read(section);
        let tls = Tls::read(section);
        let encrypted = listen.iter().find(|listen| listen.scheme == Scheme::Https);
        if let (Some(listen), false) = (encrypted, section.has("tls")) {
            section.problem(
                "listen",
                format!("\"https://{}\" without a certificate", listen.address),
                "https only beside tls",
                "add tls = { cert = \"cert.pem\", key = \"key.pem\" }, or write http://",
            );
        }
        let trusted_proxies = section.networks("trusted_proxies");
        Config { listen, tls, trusted_proxies, limits: Limits::read(section) }
    }

    /// Makes the paths in it relative to `base` (the folder of the configuration file).
    pub fn rebase(&mut self, base: &Path) {
        if let Some(tls) = &mut self.tls {
            tls.cert = base.join(&tls.cert);
            tls.key = base.join(&tls.key);
            if let Some(clients) = &mut tls.clients {
                clients.ca = base.join(&clients.ca);
            }
        }
    }
}

impl Listen {
    /// Reads `http://IP:PORT` or `https://IP:PORT`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = match text.split_once("://")? {
            ("http", rest) => (Scheme::Http, rest),
            ("https", rest) => (Scheme::Https, rest),
            _ => return None,
        };
        let address = rest.strip_suffix('/').unwrap_or(rest).parse().ok()?;
        Some(Listen { scheme, address })
    }

    fn read(section: &mut Section<'_>) -> Vec<Self> {
        let texts = section.strings("listen");
        if !section.has("listen") {
            return Config::default().listen;
        }
        let allowed = "\"http://IP:PORT\" or \"https://IP:PORT\"";
        let mut all: Vec<Self> = Vec::new();
        for text in texts {
            let text = text.value;
            match Listen::parse(&text) {
                None => section.problem(
                    "listen",
                    format!("{text:?}"),
                    allowed,
                    "write an IP address with its port, such as \"http://127.0.0.1:8080\" or \"http://[::]:8080\"",
                ),
                Some(one) if one.address.port() != 0 && all.iter().any(|other| other.address == one.address) => {
                    section.problem("listen", format!("{} twice", one.address), "each address once", "remove one");
                }
                Some(one) => all.push(one),
            }
        }
        all
    }
}

impl Tls {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let mut table = section.section("tls")?;
        let (cert, key) = (table.string("cert"), table.string("key"));
        table.missing("cert", "a PEM file with the certificate chain");
        table.missing("key", "a PEM file with the private key");
        let clients = Clients::read(&mut table);
        table.finish();
        Some(Tls { cert: cert?.value.into(), key: key?.value.into(), clients })
    }
}

impl Clients {
    fn read(table: &mut Section<'_>) -> Option<Self> {
        let ca = table.string("client_ca");
        let auth = table
            .choice("client_auth", &[("optional", ClientAuth::Optional), ("required", ClientAuth::Required)]);
        if let (Some(_), None) = (auth, &ca) {
            let repair = "add client_ca = \"ca.pem\"";
            table.problem("client_auth", "client_auth without client_ca", "both or neither", repair);
        }
        Some(Clients { ca: ca?.value.into(), auth: auth.unwrap_or(ClientAuth::Optional) })
    }
}

impl Limits {
    /// What holds where nothing else is configured.
    pub const DEFAULT: Limits = Limits {
        connections: 10_000,
        header_count: 100,
        header_bytes: 32 << 10,
        uri_bytes: 8 << 10,
        header_deadline: Duration::from_secs(10),
        idle_deadline: Duration::from_secs(60),
        body_deadline: Duration::from_secs(20),
        body_rate: 256,
        send_deadline: Duration::from_secs(30),
        handshake_deadline: Duration::from_secs(10),
        http2_streams: 128,
        http2_pending_resets: 20,
        http2_resets: 200,
        drain_delay: Duration::ZERO,
        grace: Duration::from_secs(30),
    };

    fn read(section: &mut Section<'_>) -> Self {
        let d = Limits::DEFAULT;
        let seconds = |low, high| Duration::from_secs(low)..=Duration::from_secs(high);
        let millis = |low, high| Duration::from_millis(low)..=Duration::from_secs(high);
        let mut count = |key, range, default| section.integer(key, range).unwrap_or(default as i64);
        let connections = count("connections", 1..=1_000_000, d.connections) as usize;
        let header_count = count("header_count", 1..=1_000, d.header_count) as usize;
        let http2_streams = count("http2_streams", 1..=10_000, d.http2_streams as usize) as u32;
        let http2_pending_resets = count("http2_pending_resets", 1..=10_000, d.http2_pending_resets) as usize;
        let http2_resets = count("http2_resets", 1..=1_000_000, d.http2_resets as usize) as u32;
        let mut size = |key, range, default| section.size(key, range).unwrap_or(default);
        let header_bytes = size("header_bytes", 1 << 10..=1 << 20, d.header_bytes as u64) as usize;
        let uri_bytes = size("uri_bytes", 64..=60 << 10, d.uri_bytes as u64) as usize;
        let body_rate = size("body_rate", 1..=1 << 30, d.body_rate);
        let mut duration = |key, range, default| section.duration(key, range).unwrap_or(default);
        Limits {
            connections,
            header_count,
            header_bytes,
            uri_bytes,
            body_rate,
            http2_streams,
            http2_pending_resets,
            http2_resets,
            header_deadline: duration("header_deadline", millis(100, 600), d.header_deadline),
            idle_deadline: duration("idle_deadline", millis(100, 86_400), d.idle_deadline),
            body_deadline: duration("body_deadline", millis(100, 86_400), d.body_deadline),
            send_deadline: duration("send_deadline", millis(100, 86_400), d.send_deadline),
            handshake_deadline: duration("handshake_deadline", millis(100, 600), d.handshake_deadline),
            drain_delay: duration("drain_delay", seconds(0, 3_600), d.drain_delay),
            grace: duration("grace", seconds(0, 86_400), d.grace),
        }
    }
}

#[cfg(test)]
mod tests {
    use ostler_core::settings::{Node, Problems};

    use super::*;

    fn read(text: &str) -> (Config, Vec<String>) {
        let problems = Problems::new("ostler.toml");
        let node = Node::from_toml(text, &problems);
        let mut section = node.section("server", &problems);
        let config = Config::read(&mut section);
        section.finish();
        (config, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_empty_table_is_all_defaults() {
        let (config, problems) = read("");
        assert_eq!(config.listen, Config::default().listen);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn every_key_is_read() {
        let (mut config, problems) = read(
            "listen = [\"http://127.0.0.1:80\", \"https://[::1]:443\"]\ntls = { cert = \"c.pem\", key = \"/k.pem\" }\n\
             connections = 1\nheader_count = 2\nheader_bytes = \"1KiB\"\nuri_bytes = \"64B\"\nheader_deadline = \"1s\"\n\
             idle_deadline = \"2s\"\nbody_deadline = \"3s\"\nbody_rate = \"4B\"\nsend_deadline = \"5s\"\n\
             handshake_deadline = \"6s\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\nhttp2_streams = 7\nhttp2_pending_resets = 8\nhttp2_resets = 9\ngrace = \"0s\"",
        );
        assert!(problems.is_empty(), "{problems:?}");
        config.rebase(Path::new("/etc"));
        let tls = config.tls.unwrap();
        assert_eq!((tls.cert, tls.key), ("/etc/c.pem".into(), "/k.pem".into()));
        assert_eq!(config.trusted_proxies.len(), 2);
        assert_eq!(config.listen[1], Listen::parse("https://[::1]:443/").unwrap());
        let limits = config.limits;
        assert_eq!((limits.connections, limits.header_count, limits.header_bytes), (1, 2, 1024));
        assert_eq!((limits.http2_streams, limits.http2_pending_resets, limits.http2_resets), (7, 8, 9));
        assert_eq!((limits.body_rate, limits.grace), (4, Duration::ZERO));
    }

    #[test]
    fn impossible_values_are_told_with_their_repair() {
        for (text, told) in [
            ("listen = [\"https://127.0.0.1:1\"]", "add tls ="),
            ("listen = [\"127.0.0.1:1\"]", "write an IP address"),
            ("listen = [\"ftp://127.0.0.1:1\"]", "write an IP address"),
            ("listen = [\"http://localhost:1\"]", "write an IP address"),
            ("listen = [\"http://127.0.0.1:1\", \"http://127.0.0.1:1\"]", "remove one"),
            ("tls = { cert = \"c.pem\" }", "add key"),
            ("tls = { cert = \"c.pem\", key = \"k.pem\", client_auth = \"required\" }", "add client_ca"),
            (
                "tls = { cert = \"c.pem\", key = \"k.pem\", client_ca = \"a\", client_auth = \"on\" }",
                "\"optional\" or",
            ),
            ("connections = 0", "from 1"),
            ("idle_deadline = \"0s\"", "from \"100ms\""),
            ("idle_dedline = \"9s\"", "write idle_deadline"),
            ("trusted_proxies = [\"10.0.0.0/99\"]", "networks such as"),
        ] {
            let (_, problems) = read(text);
            assert!(problems.len() == 1 && problems[0].contains(told), "{text}: {problems:?}");
        }
    }
}
