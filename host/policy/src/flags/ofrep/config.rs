//! `[flags.ofrep]`: where the protocol is served, and to whom.

use std::net::SocketAddr;

use ostler_core::gate::{AccessSpec, GateSpec, LimitsSpec};
use ostler_core::settings::Section;

/// Settings of `[flags.ofrep]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `path`: below which the protocol is served. Clients add `/ofrep/v1/...` to the address they are given, so it ends in
    /// `/ofrep`. Default: `/ofrep`.
    pub path: String,
    /// `listen`: an address of its own, loopback; without it the protocol is served where `[server]` listens.
    pub listen: Option<SocketAddr>,
    /// `bulk`: flags that may be answered at once. Default: 1,000.
    pub bulk: usize,
    /// `auth` (needed), `require`, `limits` and `cost`, as on a route. `[defaults]` is not asked.
    pub gate: GateSpec,
    /// Line of the table.
    pub line: usize,
}

impl Config {
    /// Default of `bulk`.
    pub const BULK: usize = 1_000;

    /// Reads `[flags.ofrep]`; none if it does not say who may ask.
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        if !section.has("auth") {
            let allowed = "names of [auth.NAME], or [] to let everybody ask";
            section.problem(
                "auth",
                "nothing",
                allowed,
                "add auth = [\"NAME\"], or auth = [] where everybody may ask",
            );
        }
        let strings = |section: &mut Section<'_>, key| {
            let texts = section.strings(key);
            section.has(key).then_some(texts)
        };
        let access = AccessSpec {
            auth: strings(&mut section, "auth"),
            require: strings(&mut section, "require"),
            ..AccessSpec::default()
        };
        let limits = LimitsSpec {
            limits: strings(&mut section, "limits"),
            cost: section.integer("cost", 1..=1_000_000).map(|cost| cost as u32),
        };
        let config = Config {
            path: path(&mut section),
            listen: listen(&mut section),
            bulk: section.integer("bulk", 1..=50_000).map_or(Config::BULK, |bulk| bulk as usize),
            gate: GateSpec { access, limits, ..GateSpec::default() },
            line: section.line,
        };
        section.finish();
        config.gate.access.auth.is_some().then_some(config)
    }
}

fn path(section: &mut Section<'_>) -> String {
    let Some(text) = section.string("path") else { return "/ofrep".to_owned() };
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let path = text.value;
    if path.starts_with('/') && path.ends_with("/ofrep") && path.bytes().all(sane) {
        return path;
    }
    let repair = "write \"/ofrep\": clients add /ofrep/v1/... to the address they are given";
    section.problem("path", format!("{path:?}"), "a path that ends in /ofrep", repair);
    "/ofrep".to_owned()
}

fn listen(section: &mut Section<'_>) -> Option<SocketAddr> {
    let text = section.string("listen")?.value;
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => return Some(address),
        Ok(_) => {
            let repair = "leave listen out, which serves it where [server] listens, with TLS if that has it";
            section.problem("listen", format!("{text:?}"), "a loopback address", repair);
        }
        Err(_) => {
            section.problem("listen", format!("{text:?}"), "IP:PORT", "write \"127.0.0.1:8016\"");
        }
    }
    None
}
