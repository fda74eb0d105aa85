//! A new configuration takes effect as a whole, without touching requests under way; a bad one changes nothing.

use harness::{BOUNDED, Host, Pipe, Setup, Version, component, guest, until};
use http::Method;
use rustix::process::Signal;

/// Plugin `p` (`p2`) at `/`, `/echo` and `/spin`.
fn host() -> Host {
    let setup = Setup::new().plugin("p", "p2", "deadline = \"60s\"");
    setup.route("/", "p").route("/echo", "p").route("/spin", "p").start()
}

fn rewrite(host: &Host, change: impl Fn(String) -> String) {
    let file = host.folder.join("ostler.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    // Written aside and renamed, so that the watch sees one change.
    std::fs::write(host.folder.join("next.toml"), change(text)).unwrap();
    std::fs::rename(host.folder.join("next.toml"), file).unwrap();
}

async fn reload(host: &Host) -> harness::Reply {
    host.admin.send(Method::POST, "/v1/reload", "").await
}

async fn becomes(host: &Host, path: &str, status: u16) {
    let what = format!("{path} does not become {status}");
    until(&what, async || host.client.get(path).await.status == status).await;
}

const ROUTE: &str = "\n[[routes]]\npath = \"/hello\"\nplugin = \"p\"\n";

#[tokio::test]
async fn a_changed_file_is_taken_over_by_itself() {
    let host = host();
    assert_eq!(host.client.get("/hello").await.code(), "route_not_found");
    rewrite(&host, |text| text + ROUTE);
    becomes(&host, "/hello", 200).await;
    rewrite(&host, |text| text.replace(ROUTE, ""));
    becomes(&host, "/hello", 404).await;
}

#[tokio::test]
async fn sighup_and_the_api_reload() {
    let host = host();
    host.signal(Signal::HUP);
    host.line(|line| line["msg"] == "configuration reloaded").await;
    rewrite(&host, |text| text + ROUTE);
    let reply = reload(&host).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["reloaded"]), (200, &true.into()));
    assert_eq!(host.client.get("/hello").await.status, 200, "at once, not when the watch sees it");
}

#[tokio::test]
async fn a_bad_file_keeps_the_old_configuration_and_tells_all_that_is_wrong() {
    let host = host();
    rewrite(&host, |text| {
        text.replace("deadline", "dedline") + ROUTE + "[[routes]]\npath = \"/x\"\nplugin = \"nobody\"\n"
    });
    let reply = reload(&host).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (422, "invalid"));
    let reasons = reply.json()["reasons"].to_string();
    for wrong in ["dedline", "nobody"] {
        assert!(reasons.contains(wrong), "{wrong}: {reasons}");
        host.line(|line| line["msg"].as_str().is_some_and(|text| text.contains(wrong))).await;
    }
    host.line(|line| line["msg"] == "the configuration in force is kept").await;
    assert_eq!(host.client.get("/hello").await.status, 404);
    assert_eq!(host.client.get("/").await.status, 200);
    rewrite(&host, |text| text.replace("dedline", "deadline").replace("\"nobody\"", "\"p\""));
    becomes(&host, "/hello", 200).await;
}

#[tokio::test]
async fn components_that_do_not_load_are_told_together_and_change_nothing() {
    let host = host();
    let broken = wat::parse_str("(component (import \"acme:x/y@1.0.0\" (instance)))").unwrap();
    std::fs::write(host.folder.join("broken.wasm"), broken).unwrap();
    std::fs::write(host.folder.join("garbage.wasm"), "garbage").unwrap();
    rewrite(&host, |text| {
        text + "[plugins.a]\npath = \"broken.wasm\"\n[plugins.b]\npath = \"garbage.wasm\"\n"
            + "[[routes]]\npath = \"/a\"\nplugin = \"a\"\n[[routes]]\npath = \"/b\"\nplugin = \"b\"\n"
    });
    let reasons = reload(&host).await.json()["reasons"].to_string();
    assert!(reasons.contains("acme:x/y@1.0.0") && reasons.contains("garbage.wasm"), "{reasons}");
    assert_eq!(host.client.get("/").await.status, 200);
}

#[tokio::test]
async fn plugins_come_and_go_and_requests_under_way_do_not_notice() {
    let host = host();
    let (mut pipe, mut body) = Pipe::open(&host, Version::Http1, "/echo").await;
    let other = guest("hello-typed").display().to_string();
    rewrite(&host, |text| {
        let head = text.split("[plugins.p]").next().unwrap().to_owned();
        head + &format!("[plugins.q]\npath = {other:?}\n[[routes]]\npath = \"/\"\nplugin = \"q\"\n")
    });
    assert_eq!(reload(&host).await.status, 200);
    assert_eq!(host.client.get("/").await.text().trim(), "Hello, world!");
    assert_eq!(host.client.get("/echo").await.status, 404);
    assert_eq!(host.admin.get("/v1/plugins/p").await.status, 404);
    pipe.send("after the reload").await;
    assert_eq!(body.data().await.unwrap(), "after the reload");
    drop(pipe);
    assert!(body.data().await.is_none() && body.whole);
}

#[tokio::test]
async fn changed_limits_hold_for_the_next_request() {
    let host = host();
    rewrite(&host, |text| text.replace("deadline = \"60s\"", "deadline = \"200ms\""));
    assert_eq!(reload(&host).await.status, 200);
    let start = std::time::Instant::now();
    let reply = host.client.get("/spin").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (504, "deadline_exceeded"));
    let took = start.elapsed();
    println!("a deadline of 200 ms took {took:?}");
    assert!(took < BOUNDED, "{took:?}");
}

#[tokio::test]
async fn what_needs_a_restart_is_told_as_long_as_it_is_not_in_force() {
    let host = host();
    rewrite(&host, |text| text.replacen("[server]", "[server]\ngrace = \"7s\"", 1));
    for _ in 0..2 {
        let told = reload(&host).await.json()["warnings"].to_string();
        assert!(told.contains("[server] was changed, which takes effect at the next start"), "{told}");
    }
    host.line(|line| line["msg"].as_str().is_some_and(|text| text.contains("[server] was changed"))).await;
}

#[tokio::test]
async fn an_upload_during_a_reload_is_not_lost() {
    let setup = Setup::new().with("[plugins.up]").plugin("p", "p2", "");
    let host = setup.route("/", "up").route("/p", "p").start();
    for round in 0..6 {
        // The new plugin makes the reload compile while the upload comes.
        std::fs::write(
            host.folder.join(format!("{round}.wasm")),
            harness::tagged("hello-p2", &round.to_string()),
        )
        .unwrap();
        rewrite(&host, |text| text + &format!("[plugins.r{round}]\npath = \"{round}.wasm\"\n"));
        let (reloaded, uploaded) = tokio::join!(reload(&host), async {
            let bytes = harness::tagged("table-bomb", &round.to_string());
            host.admin.send(Method::PUT, "/v1/plugins/up/releases", bytes).await
        });
        assert_eq!((reloaded.status.as_u16(), uploaded.status.as_u16()), (200, 201));
        let live = host.admin.get("/v1/plugins/up").await.json()["live"]["digest"].clone();
        assert_eq!(live, uploaded.json()["digest"]);
    }
    host.admin.send(Method::PUT, "/v1/plugins/up/releases", component("hello-typed")).await;
    assert_eq!(host.client.get("/").await.status, 200);
}
