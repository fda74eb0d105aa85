//! `[server]`, and addresses that would collide.

use std::net::SocketAddr;
use std::path::Path;

use ostler_core::settings::Section;

use super::files;

/// Reads `[server]`; the edge knows its keys.
pub(super) fn server(mut section: Section<'_>, base: &Path) -> ostler_edge::Config {
    let mut config = ostler_edge::Config::read(&mut section);
    config.rebase(base);
    if let Some(tls) = &config.tls {
        files::certificate(&section, tls);
    }
    for (index, one) in config.listen.iter().enumerate() {
        let taken = config.listen[..index].iter().find(|other| collide(other.address, one.address));
        // The edge tells of equal addresses itself.
        if let Some(other) = taken.filter(|other| other.address != one.address) {
            let found = format!("{} beside {}, which covers it", one.address, other.address);
            section.problem("listen", found, "each port of an address once", "remove one");
        }
    }
    section.finish();
    config
}

/// Whether both cannot be bound: the same port on the same address, or on one that stands for all.
pub(super) fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let all = |address: SocketAddr| address.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && (a.ip() == b.ip() || all(a) || all(b))
}
