//! A host in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Client, Version, guest, ostler};

/// Longest a host may take to start or to stop: cold compilation in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What [`Host::lines_so_far`] asks for.
const PROBE: &str = "/lines-so-far";

/// What a host is started with.
pub struct Setup {
    folder: TempDir,
    server: String,
    rest: String,
}

/// A running host; ends with SIGKILL when dropped.
pub struct Host {
    /// Its folder: `ostler.toml`, `state/`, and whatever the test puts there.
    pub folder: PathBuf,
    /// Address of its first listener.
    pub address: SocketAddr,
    /// Addresses of all its listeners, with their schemes.
    pub listeners: Vec<String>,
    /// Address of its admin API.
    pub admin_address: SocketAddr,
    /// Asks it over HTTP/1.1.
    pub client: Client,
    /// Asks its admin API, with its token.
    pub admin: Client,
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    _folder: Arc<TempDir>,
}

impl Setup {
    /// Listens on a free port, with nothing else configured.
    pub fn new() -> Self {
        let server = "listen = [\"http://127.0.0.1:0\"]\n".into();
        Setup { folder: tempfile::tempdir().unwrap(), server, rest: String::new() }
    }

    /// Folder of the configuration, for files that it names.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Keys of `[server]`, in place of the free port.
    #[must_use]
    pub fn server(mut self, keys: &str) -> Self {
        self.server = format!("{keys}\n");
        self
    }

    /// A plugin whose file is the guest `component`, with further keys, at every path below `/NAME` (the path that the
    /// guest sees begins with it, unless it is routed otherwise).
    #[must_use]
    pub fn plugin(mut self, name: &str, component: &str, keys: &str) -> Self {
        let path = guest(component);
        self.rest += &format!("[plugins.{name}]\npath = {:?}\n{keys}\n", path.display().to_string());
        self
    }

    /// A route.
    #[must_use]
    pub fn route(mut self, path: &str, plugin: &str) -> Self {
        self.rest += &format!("[[routes]]\npath = {path:?}\nplugin = {plugin:?}\n");
        self
    }

    /// Further text of the configuration.
    #[must_use]
    pub fn with(mut self, text: &str) -> Self {
        self.rest += text;
        self.rest.push('\n');
        self
    }

    /// Writes the configuration and starts a host.
    pub fn start(self) -> Host {
        let text = format!(
            "[server]\n{}[admin]\nlisten = \"127.0.0.1:0\"\ntoken_file = \"admin.token\"\n[state]\ndir = \"state\"\n{}",
            self.server, self.rest
        );
        fs::write(self.folder.path().join("ostler.toml"), text).unwrap();
        Host::start(Arc::new(self.folder))
    }
}

impl Default for Setup {
    fn default() -> Self {
        Setup::new()
    }
}

impl Host {
    /// A host with the guest `component` as plugin `p` at every path.
    pub fn of(component: &str, keys: &str) -> Host {
        Setup::new().plugin("p", component, keys).route("/{*rest}", "p").route("/", "p").start()
    }

    fn start(folder: Arc<TempDir>) -> Host {
        let mut child = Command::new(ostler())
            .args(["serve", "-c"])
            .arg(folder.path().join("ostler.toml"))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stdout, gathered) = (child.stdout.take().unwrap(), lines.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                gathered.lock().unwrap().push(value);
            }
        });
        let listeners = await_listeners(&mut child, &lines);
        let bare = |url: &String| url.split_once("://").unwrap().1.parse::<SocketAddr>().unwrap();
        let (address, admin_address) = (bare(&listeners[0]), bare(listeners.last().unwrap()));
        let token = fs::read_to_string(folder.path().join("admin.token")).unwrap().trim().to_owned();
        Host {
            folder: folder.path().to_owned(),
            client: Client::new(address, Version::Http1, None),
            admin: Client::new(admin_address, Version::Http1, Some(token)),
            listeners: listeners[..listeners.len() - 1].to_vec(),
            address,
            admin_address,
            child,
            lines,
            _folder: folder,
        }
    }

    /// A client of its own connections.
    pub fn client(&self, version: Version) -> Client {
        Client::new(self.address, version, None)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory it holds, in bytes.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the host does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGTERM, and its exit status.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// SIGKILL, and a new host on the same folder (other ports, if they were free ones).
    pub fn kill_and_restart(mut self) -> Host {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        Host::start(self._folder.clone())
    }

    /// Log lines, as JSON, of everything that was answered before this. It asks the host once more, and waits for that line,
    /// which is none of them: lines come over a pipe, so that what has not come yet proves nothing.
    pub async fn lines_so_far(&self) -> Vec<Value> {
        let id = self.client.get(PROBE).await.header("x-request-id").to_owned();
        self.line(|line| line["msg"] == "request" && line["request_id"] == id.as_str()).await;
        let mut lines = self.lines();
        lines.retain(|line| line["path"] != PROBE);
        lines
    }

    fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// The first log line, now or later, that `wanted` accepts.
    pub async fn line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            if let Some(line) = self.lines().into_iter().find(&wanted) {
                return line;
            }
            assert!(start.elapsed() < PATIENCE, "no such line among {:#?}", self.lines());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sum of the samples of metric `name` whose labels contain all of `labels`, as in `plugin="p"`.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.admin.get("/metrics").await.text();
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, rest) = series.split_once('{').unwrap_or((series, ""));
            (found == name && labels.iter().all(|label| rest.contains(label)))
                .then(|| value.parse::<f64>().unwrap())
        };
        text.lines().filter_map(sample).sum()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// URLs of its listeners, the admin API's last, from its log.
fn await_listeners(child: &mut Child, lines: &Mutex<Vec<Value>>) -> Vec<String> {
    let start = Instant::now();
    loop {
        let seen = lines.lock().unwrap().clone();
        let urls = seen.iter().filter_map(|line| Some(line["listen"].as_str()?.to_owned())).collect();
        if seen.iter().any(|line| line["msg"] == "admin API") {
            return urls;
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "the host ended at once ({ended:?}): {seen:#?}");
        assert!(start.elapsed() < PATIENCE, "the host does not start: {seen:#?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
