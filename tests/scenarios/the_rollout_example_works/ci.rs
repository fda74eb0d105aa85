//! `ci.sh` with a project in C, against a host that asks for signatures: what it builds arrives, or comes back, and its exit code
//! tells which.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use harness::{Host, Setup, Version, ostler};
use http::Method;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{example, told};

/// Users who ask while releases come, one after the other; no multiple of what an instance counts to.
const USERS: u64 = 499;

/// A project, and the host that it is deployed to.
struct Project {
    host: Host,
    folder: PathBuf,
}

impl Project {
    fn new() -> Self {
        let setup = Setup::new();
        let new =
            Command::new(ostler()).args(["new", "app", "--lang", "c"]).current_dir(setup.folder()).output();
        told(&new.unwrap());
        let folder = setup.folder().join("app");
        let mut keys = Command::new(ostler());
        keys.args(["keys", "generate-signing", "signing", "--no-passphrase", "--json"]);
        let made: Value =
            serde_json::from_str(&told(&keys.current_dir(setup.folder()).output().unwrap())).unwrap();
        let public = made["key"].as_str().unwrap();
        let test = "#undef NDEBUG\n#include <assert.h>\n#include \"ostler_testing.h\"\n\
            int main(void) { ostler_test_begin(); assert(ostler_test_send(\"GET\", \"/\", 0)->status == 200); }\n";
        fs::write(folder.join("handler_test.c"), test).unwrap();
        let requests = "[[requests]]\npath = \"/\"\n";
        fs::write(setup.folder().join("requests.toml"), requests).unwrap();
        let host = setup
            .with(&format!("[admission]\nsignature = true\nsmoke = true\n[admission.keys.ci]\nkey = {public:?}"))
            .with("[plugins.app]\n[plugins.app.rollout]\nsticky = \"cookie:user\"\n[plugins.app.rollout.analysis]\nevery = \"500ms\"\nsignificance = 1e-9")
            .route("/", "app")
            .start();
        Project { host, folder }
    }

    /// The handler answers what `statements` say.
    fn write(&self, statements: &str) {
        let text = format!(
            "#include \"ostler.h\"\nostler_response *handle(const ostler_request *request) {{\n    (void)request;\n{statements}\n}}\n"
        );
        fs::write(self.folder.join("handler.c"), text).unwrap();
    }

    fn command(&self, rollout: &str, signed: bool) -> Command {
        let mut command = Command::new("sh");
        command.arg(example().join("ci.sh")).current_dir(&self.host.folder).env("OSTLER", ostler());
        command.env("PLUGIN", "app").env("SOURCE", "app").env("TEST", "make test").env("ROLLOUT", rollout);
        command.env("ADMIN", format!("http://{}", self.host.admin_address)).env("CONFIG", "ostler.toml");
        if signed {
            command.env("KEY", "signing.key");
        }
        command
    }

    async fn ci(&self, rollout: &str, signed: bool) -> Output {
        let mut command = self.command(rollout, signed);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// The rollout under way, once there is one.
    async fn begun(&self) -> Value {
        let start = Instant::now();
        loop {
            let rollout = self.host.admin.get("/v1/plugins/app/rollout").await.json();
            if rollout["state"] == "running" {
                return rollout;
            }
            assert!(start.elapsed() < Duration::from_secs(120), "no rollout begins: {rollout}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn live(&self) -> String {
        self.host.client.get("/").await.text()
    }
}

/// Users who ask until it is enough; how many answers they got, and how many of them were failures.
struct Load {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    users: JoinSet<()>,
}

impl Load {
    fn start(host: &Host) -> Self {
        let mut load = Load {
            stop: Arc::default(),
            asked: Arc::default(),
            failed: Arc::default(),
            users: JoinSet::new(),
        };
        for version in [Version::Http1, Version::Http2] {
            let (client, stop) = (host.client(version), load.stop.clone());
            let (asked, failed) = (load.asked.clone(), load.failed.clone());
            load.users.spawn(async move {
                while !stop.load(Relaxed) {
                    let mut request = client.request(Method::GET, "/", "");
                    let user = asked.fetch_add(1, Relaxed) % USERS;
                    request.headers_mut().insert("cookie", format!("user={user}").parse().unwrap());
                    let good = client.try_send(request).await.is_ok_and(|reply| reply.status == 200);
                    failed.fetch_add(u64::from(!good), Relaxed);
                }
            });
        }
        load
    }

    async fn finish(self) {
        self.stop.store(true, Relaxed);
        self.users.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ci_script_builds_tests_signs_deploys_and_tells_what_became_of_it() {
    let project = Project::new();
    project.write("    return ostler_text(\"one\");");
    let unsigned = project.ci("--strategy instant", false).await;
    let text = String::from_utf8_lossy(&unsigned.stderr).into_owned();
    assert!(!unsigned.status.success() && text.contains("signature"), "{text}");
    told(&project.ci("--strategy instant", true).await);
    assert_eq!(project.live().await, "one");

    let load = Load::start(&project.host);
    let canary = "--strategy canary --steps 25,100 --interval 2s --min-requests 50";
    project.write("    return ostler_text(\"two\");");
    told(&project.ci(canary, true).await);
    assert_eq!(project.live().await, "two");
    assert_eq!(load.failed.load(Relaxed), 0, "of {} requests", load.asked.load(Relaxed));

    // An instance fails every tenth time, which one request before the first user does not show.
    let broken = "    static int calls;\n    return ++calls % 10 == 0 ? ostler_failure(\"oops\") : ostler_text(\"three\");";
    project.write(broken);
    let withdrawn = project.ci(canary, true).await;
    assert!(!withdrawn.status.success(), "{}", String::from_utf8_lossy(&withdrawn.stdout));
    assert_eq!(project.live().await, "two");
    let (asked, failed) = (load.asked.load(Relaxed), load.failed.load(Relaxed));
    assert!(failed > 0 && failed * 20 < asked, "{failed} of {asked} failed");
    load.finish().await;

    // Ended by its CI, it gives up what nobody would hear of any more.
    project.write("    return ostler_text(\"four\");");
    let mut command = project.command("--strategy canary --steps 25,100 --interval 1h", true);
    let mut ended = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let id = project.begun().await["id"].to_string();
    told(&Command::new("kill").arg(ended.id().to_string()).output().unwrap());
    let status = tokio::task::spawn_blocking(move || ended.wait().unwrap()).await.unwrap();
    let rollout = project.host.admin.get(&format!("/v1/plugins/app/rollouts/{id}")).await.json();
    assert_eq!((status.code(), &rollout["state"]), (Some(1), &"aborted".into()), "{rollout}");
    assert_eq!(project.live().await, "two");

    project.write("    return ostler_text(\"three\") + ;");
    assert!(!project.ci("--strategy instant", true).await.status.success(), "it does not compile");
    project.write("    return ostler_status(404);");
    assert!(!project.ci("--strategy instant", true).await.status.success(), "its own test fails");
    assert_eq!(project.live().await, "two");
}
