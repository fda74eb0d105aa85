//! One counted window: load on a server, its CPU clocks before and after, and whether anything disturbed it.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::server::Server;
use crate::wrk::{self, Seen};

/// Cores that others may keep busy before a window is suspect.
const QUIET: f64 = 0.2;

/// What a window showed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Window {
    /// What the load generator saw.
    #[serde(flatten)]
    pub(crate) seen: Seen,
    /// Microseconds of user and system time of the server and its children per request.
    pub(crate) cpu_us: f64,
    /// Cores that neither the server nor the load kept busy.
    pub(crate) foreign_cores: f64,
}

impl Window {
    /// Loads `/` of `server` over `connections` for `seconds`.
    pub(crate) fn measure(server: &Server, connections: u32, seconds: u32) -> Result<Self> {
        Window::of(server, "/", connections, seconds)
    }

    /// Loads `path` of `server` over `connections` for `seconds`.
    pub(crate) fn of(server: &Server, path: &str, connections: u32, seconds: u32) -> Result<Self> {
        Window::scripted(server, path, connections, seconds, None)
    }

    /// The same with what a Lua script of wrk says of method, fields and body.
    pub(crate) fn scripted(
        server: &Server,
        path: &str,
        connections: u32,
        seconds: u32,
        script: Option<&Path>,
    ) -> Result<Self> {
        let start = server.cpu()?;
        let seen = wrk::scripted(server.address, path, connections, seconds, script)?;
        let used = server.cpu()? - start;
        let cpu_us = used.tree * 1e6 / seen.requests.max(1) as f64;
        Ok(Window { cpu_us, foreign_cores: used.foreign() / seen.seconds, seen })
    }

    /// Words to add to a line that tells of this window, if it was disturbed.
    pub(crate) fn caveat(&self) -> String {
        caveat(self.foreign_cores)
    }
}

/// Words to add to a line that tells of a window in which others kept this many cores busy.
pub(crate) fn caveat(foreign_cores: f64) -> String {
    if foreign_cores > QUIET {
        format!(", suspect: others kept {foreign_cores:.1} cores busy")
    } else {
        String::new()
    }
}
