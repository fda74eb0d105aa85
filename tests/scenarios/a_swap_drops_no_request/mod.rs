//! Releases are swapped under load: no request fails, each is answered by one release, and by the new one once its upload
//! was acknowledged.

mod load;

use harness::{Host, Setup, component, saying, tagged, until};
use http::Method;
use load::{Load, Releases};

/// Places for instances of the whole host: far less than all releases of a test would hold if they were not freed.
const INSTANCES: &str = "[runtime]\ninstances = 48";

fn uploaded_to() -> Host {
    let keys = "[plugins.p]\nconcurrency = 8\ndeadline = \"30s\"";
    Setup::new().with(keys).with(INSTANCES).route("/{*rest}", "p").route("/", "p").start()
}

async fn upload(host: &Host, component: &[u8]) {
    let reply = host.admin.send(Method::PUT, "/v1/plugins/p/releases", component.to_vec()).await;
    assert!(matches!(reply.status.as_u16(), 200 | 201), "{} {}", reply.status, reply.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_uploads_of_a_typed_handler_under_load() {
    let host = uploaded_to();
    let releases = ["a", "b", "c"].map(|tag| tagged("typed", tag));
    upload(&host, &releases[0]).await;
    let told = releases.each_ref().map(|release| load::digest(release));
    let load = Load::start(&host, "/context", Releases::new(told), |reply| {
        reply.json()["release"].as_str().unwrap_or_default().to_owned()
    });
    for swap in 1..=200 {
        load.swap(swap, upload(&host, &releases[swap % 3])).await;
    }
    let asked = load.finish().await;
    assert!(asked > 200, "only {asked} requests in all");
    only_the_last_release_holds_instances(&host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_of_streaming_handlers_under_load() {
    for handler in ["p2", "p3"] {
        let host = uploaded_to();
        let releases = ["gold", "iron"].map(|says| saying(handler, says));
        upload(&host, &releases[0]).await;
        let answers =
            Load::start(&host, "/", Releases::new(["gold", "iron"].map(Into::into)), |reply| reply.text());
        let whole = Releases::new(["0\n1\n2\n3\n4\n".into()]);
        let streams = Load::start(&host, "/drip?chunks=5&ms=20", whole, |reply| reply.text());
        for swap in 1..=30 {
            answers.swap(swap, upload(&host, &releases[swap % 2])).await;
        }
        let (asked, streamed) = (answers.finish().await, streams.finish().await);
        assert!(asked > 30 && streamed > 10, "{handler}: only {asked} and {streamed} requests");
        only_the_last_release_holds_instances(&host).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacements_of_the_file_under_load() {
    let setup = Setup::new();
    let file = setup.folder().join("p.wasm");
    std::fs::write(&file, component("typed")).unwrap();
    let keys = "[plugins.p]\npath = \"p.wasm\"\nconcurrency = 8";
    let host = setup.with(keys).with(INSTANCES).route("/{*rest}", "p").start();
    let releases = [component("typed"), tagged("typed", "b")];
    let told = releases.each_ref().map(|release| load::digest(release));
    let release = |reply: &harness::Reply| reply.json()["release"].as_str().unwrap_or_default().to_owned();
    let load = Load::start(&host, "/context", Releases::new(told.clone()), release);
    for swap in 1..=10 {
        let replaced = async {
            std::fs::write(host.folder.join("next"), &releases[swap % 2]).unwrap();
            std::fs::rename(host.folder.join("next"), &file).unwrap();
            let live = async || release(&host.client.get("/context").await) == told[swap % 2];
            until("the new file is not served", live).await;
        };
        load.swap(swap, replaced).await;
    }
    load.finish().await;
    only_the_last_release_holds_instances(&host).await;
}

/// Memory of instances comes back to what the idle ones of the live release hold.
async fn only_the_last_release_holds_instances(host: &Host) {
    let start = std::time::Instant::now();
    loop {
        let idle = host.metric("ostler_instances", &["plugin=\"p\"", "state=\"idle\""]).await;
        let bytes = host.metric("ostler_plugin_memory_bytes", &["plugin=\"p\""]).await;
        if idle <= 8.0 && bytes <= idle * f64::from(4 << 20) {
            return;
        }
        assert!(start.elapsed().as_secs() < 30, "{idle} idle instances hold {bytes} bytes");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
