//! `kill -9` at any instant: what was acknowledged holds, and nothing torn is left.

mod at_any_instant;

use std::path::{Path, PathBuf};

use harness::{Host, Setup, component, tagged, until};
use http::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

fn host() -> Host {
    Setup::new().with("[plugins.up]").route("/{*rest}", "up").route("/", "up").start()
}

async fn upload(host: &Host, component: Vec<u8>) {
    let reply = host.admin.send(Method::PUT, "/v1/plugins/up/releases", component).await;
    assert!(reply.status.is_success(), "{}", reply.text());
}

async fn live(host: &Host) -> Option<String> {
    host.admin.get("/v1/plugins/up").await.json()["live"]["digest"].as_str().map(str::to_owned)
}

/// Sends `body`, announced as `length` bytes, and does not wait for the reply.
async fn begin_upload(host: &Host, body: &[u8], length: usize) -> TcpStream {
    let token = std::fs::read_to_string(host.folder.join("admin.token")).unwrap();
    let mut stream = TcpStream::connect(host.admin_address).await.unwrap();
    let head = format!(
        "PUT /v1/plugins/up/releases HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: {length}\r\n\r\n",
        token.trim()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let host = host();
    let whole = component("hello-typed");
    for part in [0, 1, whole.len() / 2, whole.len() - 1] {
        drop(begin_upload(&host, &whole[..part], whole.len()).await);
    }
    let open = async || host.metric("ostler_connections_open", &["listener=\"admin\""]).await;
    until("the connections do not end", async || open().await == 1.0).await;
    assert_eq!(host.admin.get("/v1/plugins/up/releases").await.json()["releases"], serde_json::json!([]));
    assert_eq!(files(&host.folder.join("state/artifacts")), Vec::<PathBuf>::new());
    upload(&host, whole).await;
    assert_eq!(host.client.get("/").await.status, 200);
}

#[tokio::test]
async fn what_is_recorded_serves_although_its_uploader_is_gone() {
    let host = Setup::new().with("[plugins.up]\n[plugins.other]").route("/", "up").start();
    let releases = ["a", "b"].map(|tag| tagged("hello-typed", tag));
    upload(&host, releases[1].clone()).await;
    upload(&host, releases[0].clone()).await;
    let mut activated = 0;
    // At least so many, and on a slow machine more: clients stay longer and longer.
    for sample in 0..400 {
        if sample >= 60 && activated > 1 {
            break;
        }
        let before = live(&host).await;
        let next = &releases[usize::from(before == Some(ostler_core::Digest::of(&releases[0]).to_string()))];
        let stream = begin_upload(&host, next, next.len()).await;
        // The instants at which the client goes, not a wait for something.
        tokio::time::sleep(std::time::Duration::from_micros(500 * sample)).await;
        drop(stream);
        // Compilations and changes keep their order: once this one is through, so is the one before.
        host.admin.send(Method::PUT, "/v1/plugins/other/releases", component("table-bomb")).await;
        // Unless the host has not even begun with the one before, which then comes between the two questions.
        let recorded =
            async || host.admin.get("/v1/plugins/up/releases").await.json()["releases"][0]["digest"].clone();
        let same = async || recorded().await == live(&host).await.unwrap();
        until("what is recorded does not serve", same).await;
        activated += usize::from(live(&host).await != before);
    }
    assert!(activated > 1, "no client stayed long enough");
}

#[tokio::test]
async fn kept_machine_code_spares_the_next_start_a_compilation_and_is_not_trusted_if_changed() {
    let compiled = async |host: &Host| host.metric("ostler_compile_seconds_count", &["plugin=\"up\""]).await;
    let host = host();
    upload(&host, component("hello-typed")).await;
    assert_eq!(compiled(&host).await, 1.0);
    let host = host.kill_and_restart();
    assert_eq!((compiled(&host).await, host.client.get("/").await.status.as_u16()), (0.0, 200));

    let code = files(&host.folder.join("state/code"));
    assert_eq!(code.len(), 1);
    let mut bytes = std::fs::read(&code[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&code[0], bytes).unwrap();
    let host = host.kill_and_restart();
    assert_eq!((compiled(&host).await, host.client.get("/").await.status.as_u16()), (1.0, 200));
    host.line(|line| line["msg"].as_str().is_some_and(|msg| msg.contains("was changed; compiling again")))
        .await;
}

#[tokio::test]
async fn a_changed_component_is_told_keeps_nobody_from_starting_and_is_mended_by_an_upload() {
    let setup = Setup::new().with("[plugins.up]").plugin("file", "hello-p2", "");
    let host = setup.route("/", "up").route("/file", "file").start();
    upload(&host, component("hello-typed")).await;
    let artifacts = files(&host.folder.join("state/artifacts"));
    std::fs::write(&artifacts[0], b"\0asm").unwrap();
    let host = host.kill_and_restart();
    let told = host.line(|line| line["msg"] == "the live release cannot be loaded").await;
    assert!(
        told["error"].as_str().is_some_and(|error| error.contains("upload the component again")),
        "{told}"
    );
    assert_eq!(host.client.get("/").await.code(), "plugin_has_no_release");
    assert_eq!(host.client.get("/file").await.status, 200);
    upload(&host, component("hello-typed")).await;
    assert_eq!(host.client.get("/").await.status, 200);
}
