//! Who is measured, and how each is started. All answer `GET` with the same 13 bytes.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::guests::{Guests, TYPED, WASI_02, WASI_03};
use crate::host::{Host, Instances, Plugin};
use crate::raw_hyper::HELLO;
use crate::server::{Server, free_address};

/// Where the programs are that are no part of this repository.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// The host, built in release; none skips its rows.
    pub(crate) ostler: Option<PathBuf>,
    /// `wasmtime`, by path or by name.
    pub(crate) wasmtime: PathBuf,
    /// `nginx`, by path or by name.
    pub(crate) nginx: PathBuf,
    /// The components.
    pub(crate) guests: Guests,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    /// Name in the table.
    pub(crate) name: &'static str,
    /// The ratio to raw hyper that is aimed at with both cores loaded; only our own have one.
    pub(crate) aim: Option<f64>,
    launch: Launch,
}

#[derive(Debug, Clone, Copy)]
enum Launch {
    Ostler(&'static str, Instances),
    Wasmtime(&'static str, &'static [&'static str]),
    Nginx,
}

/// All of them, in the order of the table.
pub(crate) const ALL: [Subject; 9] = [
    Subject { name: "nginx, return 200", aim: None, launch: Launch::Nginx },
    ostler("Ostler, typed, warm", 1.5, TYPED, Instances::Warm),
    ostler("Ostler, typed, fresh", 4.0, TYPED, Instances::Fresh),
    ostler("Ostler, wasi:http 0.2, warm", 1.8, WASI_02, Instances::Warm),
    ostler("Ostler, wasi:http 0.2, fresh", 8.0, WASI_02, Instances::Fresh),
    ostler("Ostler, wasi:http 0.3, warm", 3.5, WASI_03, Instances::Warm),
    wasmtime("wasmtime serve, 0.2, forced reuse", WASI_02, &["--max-instance-reuse-count", "1000000"]),
    wasmtime("wasmtime serve, 0.2, default", WASI_02, &[]),
    wasmtime("wasmtime serve, 0.3, default", WASI_03, &[]),
];

const fn ostler(name: &'static str, aim: f64, guest: &'static str, instances: Instances) -> Subject {
    Subject { name, aim: Some(aim), launch: Launch::Ostler(guest, instances) }
}

const fn wasmtime(name: &'static str, guest: &'static str, flags: &'static [&'static str]) -> Subject {
    Subject { name, aim: None, launch: Launch::Wasmtime(guest, flags) }
}

impl Subject {
    /// Why it cannot be measured here, if so.
    pub(crate) fn missing(&self, programs: &Programs) -> Option<String> {
        let missing = match self.launch {
            Launch::Ostler(guest, _) => match &programs.ostler {
                None => return Some("no --ostler BINARY given".to_owned()),
                Some(_) => programs.guests.path(guest).err(),
            },
            Launch::Wasmtime(guest, _) => {
                runs(&programs.wasmtime, "--version").and_then(|()| programs.guests.path(guest)).err()
            }
            Launch::Nginx => runs(&programs.nginx, "-v").err(),
        };
        missing.map(|error| format!("{error:#}"))
    }

    /// Starts it and checks that `/` says hello; `folder` is its own and empty.
    pub(crate) fn start(&self, programs: &Programs, folder: &Path) -> Result<Server> {
        let mut server = match self.launch {
            Launch::Ostler(guest, instances) => {
                let plugin = Plugin::new("hello", Some(programs.guests.path(guest)?), instances);
                let binary = programs.ostler.as_deref().context("no --ostler BINARY given")?;
                Host::start(binary, folder, &[plugin])?.server
            }
            Launch::Wasmtime(guest, flags) => {
                start_wasmtime(&programs.wasmtime, &programs.guests.path(guest)?, flags, folder)?
            }
            Launch::Nginx => start_nginx(&programs.nginx, folder)?,
        };
        server.await_hello()?;
        Ok(server)
    }
}

/// Starts the floor: this very binary as a child.
pub(crate) fn start_raw_hyper(folder: &Path) -> Result<Server> {
    let address = free_address()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["raw-hyper", "--port", &address.port().to_string()]);
    let mut server = Server::start(&mut command, address, &folder.join("log"))?;
    server.await_hello()?;
    Ok(server)
}

fn start_wasmtime(program: &Path, component: &Path, flags: &[&str], folder: &Path) -> Result<Server> {
    let address = free_address()?;
    let mut command = Command::new(program);
    // `cli` is linked because guests import it; 0.3 is behind its own switches and harmless to the others.
    command.args(["serve", "-Scli", "-Sp3", "-Wcomponent-model-async", "--addr", &address.to_string()]);
    command.args(flags).arg(component);
    Server::start(&mut command, address, &folder.join("log"))
}

fn start_nginx(program: &Path, folder: &Path) -> Result<Server> {
    let address = free_address()?;
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("  {name}_temp_path {name};\n"))
        .concat();
    let config = format!(
        "daemon off;\npid nginx.pid;\nerror_log stderr error;\nworker_processes auto;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n{temporary}  access_log off;\n  default_type text/plain;\n  keepalive_requests 1000000000;\n\
           server {{ listen {address}; location / {{ return 200 \"{HELLO}\"; }} }}\n}}\n"
    );
    fs::write(folder.join("nginx.conf"), config)?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).args(["-c", "nginx.conf"]);
    Server::start(&mut command, address, &folder.join("log"))
}

fn runs(program: &Path, flag: &str) -> Result<()> {
    match Command::new(program).arg(flag).stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("{} is not installed", program.display()),
        status => {
            let status = status.with_context(|| format!("cannot run {}", program.display()))?;
            anyhow::ensure!(status.success(), "{} {flag} failed: {status}", program.display());
            Ok(())
        }
    }
}
