//! `[admin]`: where operators reach this host, and with which token.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ostler_core::Scheme;
use ostler_core::settings::Section;
use ostler_edge::{Limits, Listen};

use super::{files, listen};

/// Settings of the admin API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admin {
    /// `listen`: IP address and port. Anything but loopback needs `tls`. Default: `127.0.0.1:9080`.
    pub(crate) listen: SocketAddr,
    /// `token_file`: holds the bearer token; created with mode 0600 on first start. Default: `admin.token` in the state
    /// folder.
    pub(crate) token_file: PathBuf,
    /// `tls = { cert, key }`. Default: none.
    pub(crate) tls: Option<ostler_edge::Tls>,
}

impl Admin {
    /// Reads `[admin]` (or its absence) and compares it with `server`.
    pub(super) fn read(
        section: Option<Section<'_>>,
        base: &Path,
        state: &Path,
        server: &ostler_edge::Config,
    ) -> Self {
        let mut admin = Admin {
            listen: SocketAddr::from(([127, 0, 0, 1], 9080)),
            token_file: state.join("admin.token"),
            tls: None,
        };
        let Some(mut section) = section else { return admin };
        admin.read_keys(&mut section, base);
        admin.check(&section, state, server);
        section.finish();
        admin
    }

    /// The listener these settings ask for.
    pub(crate) fn server(&self) -> ostler_edge::Config {
        let scheme = if self.tls.is_some() { Scheme::Https } else { Scheme::Http };
        let listen = vec![Listen { scheme, address: self.listen }];
        ostler_edge::Config {
            listen,
            tls: self.tls.clone(),
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// The address that [server] takes too, in words.
    pub(super) fn collision(&self, server: &ostler_edge::Config) -> Option<String> {
        let taken = server.listen.iter().find(|one| listen::collide(one.address, self.listen))?;
        Some(format!("{}, where [server] listens on {}", self.listen, taken.address))
    }

    fn read_keys(&mut self, section: &mut Section<'_>, base: &Path) {
        if let Some(text) = section.string("listen") {
            match text.value.parse() {
                Ok(listen) => self.listen = listen,
                Err(_) => {
                    let repair = "write it as \"127.0.0.1:9080\", without http://";
                    section.problem("listen", format!("{:?}", text.value), "IP:PORT", repair);
                }
            }
        }
        if let Some(file) = section.string("token_file") {
            self.token_file = base.join(file.value);
        }
        self.tls = section.section("tls").and_then(|table| tls(table, base));
    }

    fn check(&self, section: &Section<'_>, state: &Path, server: &ostler_edge::Config) {
        if !self.listen.ip().is_loopback() && !section.has("tls") {
            let found = format!("{} without tls", self.listen);
            let repair = "add tls = { cert = \"cert.pem\", key = \"key.pem\" }, or listen on 127.0.0.1";
            section.problem("listen", found, "a loopback address, or any address with tls", repair);
        }
        if let Some(found) = self.collision(server) {
            section.problem("listen", found, "an address of its own", "choose another port");
        }
        if let Some(tls) = &self.tls {
            files::certificate(section, tls);
        }
        files::token(section, &self.token_file, state);
    }
}

fn tls(mut table: Section<'_>, base: &Path) -> Option<ostler_edge::Tls> {
    let (cert, key) = (table.string("cert"), table.string("key"));
    table.missing("cert", "a PEM file with the certificate chain");
    table.missing("key", "a PEM file with the private key");
    table.finish();
    Some(ostler_edge::Tls { cert: base.join(cert?.value), key: base.join(key?.value), clients: None })
}
