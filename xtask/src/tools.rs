//! Programs that come from elsewhere. Missing ones are installed where that needs no question (root on a Debian-like
//! system), and otherwise named together with the command that installs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::step;

/// A program and the Debian package that brings it.
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
}

/// What tests need: a browser for the pages that people see, what brings the tools of guests that are not in Rust, the
/// stores that several hosts share, and a slow client.
pub(crate) const TEST: [Tool; 8] = [
    Tool { program: "chromium", package: "chromium" },
    Tool { program: "node", package: "nodejs" },
    Tool { program: "npm", package: "npm" },
    Tool { program: "python3", package: "python3-venv" },
    Tool { program: "make", package: "make" },
    Tool { program: "redis-server", package: "redis-server" },
    Tool { program: "memcached", package: "memcached" },
    Tool { program: "slowhttptest", package: "slowhttptest" },
];
/// What the bench needs: the load generator, and servers to compare with.
pub(crate) const BENCH: [Tool; 3] = [
    Tool { program: "wrk", package: "wrk" },
    Tool { program: "nginx", package: "nginx" },
    Tool { program: "varnishd", package: "varnish" },
];

/// Sees to it that all of `tools` are there.
pub(crate) fn require<'a>(tools: impl IntoIterator<Item = &'a Tool>) -> Result<()> {
    let missing: Vec<&Tool> = tools.into_iter().filter(|tool| find(tool.program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let repair = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    if find("apt-get").is_none() {
        bail!("not installed: {}; on Debian: {repair}", packages.join(", "));
    }
    if !rustix::process::geteuid().is_root() {
        bail!("not installed: {}; run: sudo {repair}", packages.join(", "));
    }
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.args(["-o", "DPkg::Lock::Timeout=120"]).env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    step::command("refreshing the package lists", apt().args(["update", "-q"]))?;
    let install = ["install", "-q", "-y", "--no-install-recommends"];
    step::command(&format!("installing {}", packages.join(", ")), apt().args(install).args(packages))
}

/// Where `program` is, on the search path or where Debian keeps servers.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let servers = [Path::new("/usr/sbin").to_owned(), Path::new("/sbin").to_owned()];
    let mut found = std::env::split_paths(&path).chain(servers).map(|folder| folder.join(program));
    found.find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_the_path_is_found() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-anywhere").is_none());
    }
}
