//! An Ostler to measure: its configuration in a temporary folder, its process, and the calls of its admin API that the
//! bench makes.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::client::{self, Reply};
use crate::server::{Server, free_address};

/// How the instances of a plugin are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Instances {
    /// Reused.
    Warm,
    /// One per request.
    Fresh,
}

/// A plugin of the configuration, with one route.
pub(crate) struct Plugin {
    /// Its name.
    pub(crate) name: String,
    /// The path that leads to it.
    pub(crate) path: String,
    /// Its component; `None` is uploaded later.
    pub(crate) component: Option<PathBuf>,
    /// How its instances are used.
    pub(crate) instances: Instances,
    /// Further lines of its table.
    pub(crate) settings: String,
    /// Tables of the configuration that `settings` names.
    pub(crate) tables: String,
}

impl Plugin {
    /// A plugin with default settings, routed at `/`.
    pub(crate) fn new(name: impl Into<String>, component: Option<PathBuf>, instances: Instances) -> Self {
        Plugin {
            name: name.into(),
            path: "/".to_owned(),
            component,
            instances,
            settings: String::new(),
            tables: String::new(),
        }
    }

    /// The same at another path.
    pub(crate) fn at(self, path: impl Into<String>) -> Self {
        Plugin { path: path.into(), ..self }
    }
}

/// A running Ostler.
pub(crate) struct Host {
    /// Its process and public address.
    pub(crate) server: Server,
    admin: SocketAddr,
    folder: PathBuf,
}

impl Host {
    /// Starts `binary` on `plugins` with all else at its defaults; `folder` receives configuration, state and log.
    pub(crate) fn start(binary: &Path, folder: &Path, plugins: &[Plugin]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let (public, admin) = (free_address()?, free_address()?);
        let config = folder.join("ostler.toml");
        fs::write(&config, configuration(public, admin, plugins)?)?;
        let mut command = Command::new(binary);
        command.arg("serve").arg("-c").arg(&config);
        let server = Server::start(&mut command, public, &folder.join("log"))?;
        Ok(Host { server, admin, folder: folder.to_owned() })
    }

    /// Uploads `component` as a release of `plugin`, which makes it live.
    pub(crate) fn deploy(&self, plugin: &str, component: &[u8]) -> Result<()> {
        self.admin("PUT", &format!("/v1/plugins/{plugin}/releases"), component)?;
        Ok(())
    }

    /// What the host answers to a GET of `path`, which has to be a 200.
    pub(crate) fn ask(&self, path: &str) -> Result<String> {
        let reply = client::get(self.server.address, path)?;
        if reply.status != 200 {
            bail!("{path} answered {}: {}", reply.status, reply.text());
        }
        Ok(reply.text())
    }

    /// Instances of `plugin`, idle and busy.
    pub(crate) fn instances(&self, plugin: &str) -> Result<u64> {
        let reply = client::get(self.admin, "/metrics")?;
        let text = reply.text();
        let of_it = |line: &&str| {
            line.starts_with("ostler_instances{") && line.contains(&format!("plugin=\"{plugin}\""))
        };
        let values =
            text.lines().filter(of_it).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum::<f64>() as u64)
    }

    /// Waits until the admin API answers.
    pub(crate) fn await_admin(&mut self) -> Result<()> {
        let public = std::mem::replace(&mut self.server.address, self.admin);
        let awaited = self.server.await_ok("/healthz");
        self.server.address = public;
        awaited.map(drop)
    }

    fn admin(&self, method: &str, path: &str, body: &[u8]) -> Result<Reply> {
        let file = self.folder.join("admin.token");
        let token = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let reply = client::send(self.admin, method, path, Some(token.trim()), body)?;
        if !(200..300).contains(&reply.status) {
            bail!("{method} {path} answered {}: {}", reply.status, reply.text());
        }
        Ok(reply)
    }
}

fn configuration(public: SocketAddr, admin: SocketAddr, plugins: &[Plugin]) -> Result<String> {
    let mut text = format!(
        "[server]\nlisten = [\"http://{public}\"]\n\
         [admin]\nlisten = \"{admin}\"\ntoken_file = \"admin.token\"\n\
         [state]\ndir = \"state\"\n"
    );
    for plugin in plugins {
        let (name, instances) = (&plugin.name, serde_json::to_string(&plugin.instances)?);
        writeln!(text, "[plugins.{name}]\ninstances = {instances}\n{}", plugin.settings)?;
        if let Some(component) = &plugin.component {
            writeln!(text, "path = {}", serde_json::to_string(component)?)?;
        }
    }
    for Plugin { name, path, tables, .. } in plugins {
        writeln!(text, "{tables}\n[[routes]]\npath = \"{path}\"\nplugin = \"{name}\"")?;
    }
    Ok(text)
}
