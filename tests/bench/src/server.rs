//! A subject as a running process: started, awaited, watched, and ended when dropped.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::client;
use crate::raw_hyper::HELLO;
use crate::usage::{Cpu, Memory};

/// How long a subject may take to answer its first request (the large guests compile for seconds).
const START: Duration = Duration::from_secs(120);
/// How long it may take to end after SIGTERM.
const END: Duration = Duration::from_secs(5);

/// A child process that serves HTTP.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// Where it serves.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts `command`, which is to serve on `address`; what it prints goes to `log`.
    pub(crate) fn start(command: &mut Command, address: SocketAddr, log: &Path) -> Result<Self> {
        let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let err = out.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.with_context(|| format!("cannot start {:?}", command.get_program()))?;
        Ok(Server { child, log: log.to_owned(), address })
    }

    /// Waits until `/` answers 200, and checks that it says hello.
    pub(crate) fn await_hello(&mut self) -> Result<()> {
        let body = self.await_ok("/")?;
        anyhow::ensure!(body == HELLO, "it answered {body:?} in place of {HELLO:?}");
        Ok(())
    }

    /// Waits until `path` answers 200, and returns the body.
    pub(crate) fn await_ok(&mut self, path: &str) -> Result<String> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status} before it served; it said: {}", self.words());
            }
            let found = match client::get(self.address, path) {
                Ok(reply) if reply.status == 200 => return Ok(reply.text()),
                Ok(reply) => format!("{} {}", reply.status, reply.text()),
                Err(error) => error.to_string(),
            };
            if start.elapsed() > START {
                bail!("no 200 from {path} in {START:?}, last: {found}; it said: {}", self.words());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// CPU clocks of the process and its children, and of the machine.
    pub(crate) fn cpu(&self) -> Result<Cpu> {
        Cpu::read(self.child.id())
    }

    /// Resident memory of the process and its children.
    pub(crate) fn memory(&self) -> Result<Memory> {
        Memory::read(self.child.id())
    }

    fn words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        // The first lines tell what happened, the rest is a backtrace.
        lines[..lines.len().min(5)].join("\n")
    }

    /// SIGTERM (nginx ends its workers only then), and SIGKILL for those who do not listen.
    fn end(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let start = Instant::now();
        while self.child.try_wait()?.is_none() {
            if start.elapsed() > END {
                self.child.kill()?;
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("process {} may still run: {error}", self.child.id());
        }
    }
}

/// A loopback address that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
