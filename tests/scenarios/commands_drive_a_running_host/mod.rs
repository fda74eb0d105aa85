//! `ostler deploy`, `releases`, `rollback`, `reload`, `check` and `inspect` as a shell sees them.

use std::process::{Command, Output};

use harness::{Host, Nobody, Setup, component, guest, ostler, tagged};
use serde_json::Value;

fn host() -> Host {
    Setup::new()
        .with("[plugins.up]")
        .plugin("file", "hello-typed", "")
        .route("/", "up")
        .route("/file", "file")
        .start()
}

fn run(host: &Host, arguments: &[&str]) -> Output {
    let admin = format!("http://{}", host.admin_address);
    let remote = ["--admin", &admin, "--token-file", "admin.token"];
    let arguments = arguments.iter().chain(&remote);
    Command::new(ostler()).args(arguments).current_dir(&host.folder).output().unwrap()
}

/// Standard output of a command that succeeds.
fn told(output: Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(output: Output) -> Value {
    serde_json::from_str(&told(output)).unwrap()
}

/// Standard error of a command that fails with `code`.
fn failed(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

#[tokio::test]
async fn deploy_releases_and_rollback() {
    let host = host();
    for (name, tag) in [("a.wasm", "a"), ("b.wasm", "b")] {
        std::fs::write(host.folder.join(name), tagged("hello-typed", tag)).unwrap();
    }
    let empty = told(run(&host, &["releases", "up"]));
    assert!(empty.contains("ostler deploy up"), "{empty}");
    let first = json(run(&host, &["deploy", "up", "a.wasm", "--json"]));
    let second = told(run(&host, &["deploy", "up", "b.wasm"]));
    assert!(second.contains("sha256:") && second.contains("live"), "{second}");
    assert_eq!(host.client.get("/").await.text().trim(), "Hello, world!");
    let again = told(run(&host, &["deploy", "up", "b.wasm"]));
    assert!(again.contains("already"), "{again}");
    let list = json(run(&host, &["releases", "up", "--json"]));
    assert_eq!(list["releases"].as_array().unwrap().len(), 2);
    let back = json(run(&host, &["rollback", "up", "--json"]));
    assert_eq!(back["digest"], first["digest"]);
    let table = told(run(&host, &["releases", "up"]));
    assert!(table.starts_with(&format!("* {}", first["digest"].as_str().unwrap())), "{table}");
    failed(&run(&host, &["rollback", "up"]), 1);
}

#[test]
fn refusals_are_told_with_their_reasons() {
    let host = host();
    let broken = "(component (import \"acme:x/y@1.0.0\" (instance)) (import \"acme:z/y@1.0.0\" (instance)))";
    std::fs::write(host.folder.join("broken.wasm"), wat::parse_str(broken).unwrap()).unwrap();
    std::fs::write(host.folder.join("good.wasm"), component("hello-typed")).unwrap();
    let text = failed(&run(&host, &["deploy", "up", "broken.wasm"]), 1);
    assert!(["acme:x/y", "acme:z/y", "no handler"].iter().all(|part| text.contains(part)), "{text}");
    assert!(failed(&run(&host, &["deploy", "file", "good.wasm"]), 1).contains("replace that file"));
    assert!(failed(&run(&host, &["deploy", "none", "good.wasm"]), 1).contains("none"));
    assert!(failed(&run(&host, &["deploy", "up", "none.wasm"]), 1).contains("none.wasm"));
    failed(&run(&host, &["deploy", "up"]), 2);
    std::fs::write(host.folder.join("admin.token"), "not the token of this host").unwrap();
    assert!(failed(&run(&host, &["releases", "up"]), 1).contains("token"));
}

#[test]
fn reload_tells_whether_the_file_is_in_force() {
    let host = host();
    told(run(&host, &["reload"]));
    let file = host.folder.join("ostler.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[plugins.up2]\nmemry = \"1MiB\"\n[nothing]\n")).unwrap();
    let text = failed(&run(&host, &["reload"]), 1);
    assert!(text.contains("memry") && text.contains("nothing"), "{text}");
}

#[test]
fn nobody_at_the_admin_address_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("admin.token"), "0123456789abcdef").unwrap();
    let nobody = Nobody::new();
    let admin = format!("http://{}", nobody.address);
    let output = Command::new(ostler())
        .args(["releases", "up", "--admin", &admin])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(failed(&output, 1).contains("is the host running?"));
}

#[test]
fn check_and_inspect_need_no_host() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        Command::new(ostler()).args(arguments).current_dir(folder.path()).output().unwrap()
    };
    std::fs::write(
        folder.path().join("ostler.toml"),
        "[plugins.p]\n[[routes]]\npath = \"/\"\nplugin = \"p\"\n",
    )
    .unwrap();
    told(run(&["check"]));
    std::fs::write(folder.path().join("ostler.toml"), "[plugin.p]\n").unwrap();
    let output = run(&["check"]);
    let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), failed(&output, 1));
    assert!(all.contains("ostler.toml:1") && all.contains("plugins"), "{all}");
    let file = guest("typed").display().to_string();
    let inspected = json(run(&["inspect", "--json", &file]));
    assert!(inspected.to_string().contains("ostler:plugin/http-handler@0.1"), "{inspected}");
    let words = told(run(&["inspect", &file]));
    assert!(words.contains("ostler:plugin/kv"), "{words}");
    failed(&run(&["inspect", "none.wasm"]), 1);
    failed(&run(&["inspect"]), 2);
}
