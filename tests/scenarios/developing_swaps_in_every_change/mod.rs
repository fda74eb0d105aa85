//! `ostler new`, then `ostler dev`: a change of the sources is served, a broken one is shown and changes nothing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use harness::{Client, Version, free_port, ostler};
use rustix::process::{Pid, Signal, kill_process};

/// For a first compilation, of the standard library too, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

struct Developing {
    child: Child,
    client: Client,
    source: PathBuf,
    told: Arc<Mutex<String>>,
}

impl Developing {
    /// A new project in `folder`, served at free ports.
    fn start(folder: &Path) -> Self {
        let new =
            Command::new(ostler()).args(["new", "fresh", "--lang", "rust"]).current_dir(folder).status();
        assert!(new.unwrap().success());
        let [address, admin] = [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
        let file = folder.join("fresh/ostler.toml");
        let text = fs::read_to_string(&file).unwrap().replace("127.0.0.1:8080", &address.to_string());
        fs::write(&file, format!("{text}\n[admin]\nlisten = \"{admin}\"\n")).unwrap();
        let mut child = Command::new(ostler())
            .args(["dev", "fresh"])
            .current_dir(folder)
            // The folder that all guests share, as `cargo xtask` uses it.
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("../guests"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let told = Arc::new(Mutex::new(String::new()));
        let (stderr, gathered) = (child.stderr.take().unwrap(), told.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                gathered.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let client = Client::new(address, Version::Http1, None);
        Developing { child, client, source: folder.join("fresh/src/lib.rs"), told }
    }

    fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.source).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&self.source, text.replacen(from, to, 1)).unwrap();
    }

    async fn answer(&self) -> String {
        let asked = self.client.try_send(self.client.request(http::Method::GET, "/", "")).await;
        asked.map_or_else(|_| String::new(), |reply| reply.text())
    }

    async fn until(&mut self, what: &str, condition: impl AsyncFn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self).await {
            let told = self.told.lock().unwrap().clone();
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {told}");
            assert!(start.elapsed() < PATIENCE, "{what}: {told}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Developing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_change_is_served_and_a_broken_one_leaves_the_last_good_version() {
    let folder = tempfile::tempdir().unwrap();
    let mut developing = Developing::start(folder.path());
    developing.until("it is not served", async |now| now.answer().await.starts_with("It works.")).await;
    developing.edit("It works.", "It changes.");
    developing
        .until("the change is not served", async |now| now.answer().await.starts_with("It changes."))
        .await;
    developing.edit("fn handle(", "fn handle((");
    let kept = "the last good version keeps serving";
    developing.until("the failure is not told", async |now| now.told.lock().unwrap().contains(kept)).await;
    assert!(developing.told.lock().unwrap().contains("src/lib.rs"), "what the compiler said is shown");
    assert!(developing.answer().await.starts_with("It changes."));
    developing.edit("fn handle((", "fn handle(");
    developing.edit("It changes.", "It is mended.");
    developing
        .until("the repair is not served", async |now| now.answer().await.starts_with("It is mended."))
        .await;
    kill_process(Pid::from_child(&developing.child), Signal::TERM).unwrap();
    assert_eq!(developing.child.wait().unwrap().code(), Some(0));
}
