//! When a new component is live: asked of the host's own admin API, as anybody could.

use std::time::{Duration, Instant};

use http::Method;
use ostler_core::Digest;

use crate::cli::remote::{Remote, plugin_path};
use crate::config::Config;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(20);

/// Large components take seconds to compile.
const PATIENCE: Duration = Duration::from_secs(60);

/// The plugin that is being developed, on the host that serves it.
pub(super) struct Swap {
    plugin: String,
    remote: Remote,
}

impl Swap {
    pub(super) fn new(config: &Config, plugin: String) -> Self {
        let scheme = if config.admin.tls.is_some() { "https" } else { "http" };
        let remote = Remote {
            admin: format!("{scheme}://{}", config.admin.listen),
            token_file: Some(config.admin.token_file.clone()),
            ca: config.admin.tls.as_ref().map(|tls| tls.cert.clone()),
        };
        Swap { plugin, remote }
    }

    /// How long it took until `digest` was live; none if the host did not take it.
    pub(super) fn wait_for(&self, digest: &Digest) -> Option<Duration> {
        let path = plugin_path(&self.plugin).ok()?;
        let (begun, wanted) = (Instant::now(), digest.to_string());
        while begun.elapsed() < PATIENCE {
            let answer = self.remote.call(Method::GET, &path, "").ok()?;
            if answer.value["live"]["digest"] == wanted.as_str() {
                return Some(begun.elapsed());
            }
            std::thread::sleep(PAUSE);
        }
        None
    }
}
