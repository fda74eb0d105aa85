//! `examples/orders` with its own configuration, document and provider: what its README says, and what Schemathesis finds.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use harness::{Client, Host, Reply, Server, Setup, Version, free_port, guest, servers};
use http::{Method, Request};
use serde_json::{Value, json};

mod browser;

use browser::Browser;

const SECRET: &str = "a secret of this test's, which nobody else has";

/// The provider and the host of the example.
struct Example {
    provider: Server,
    host: Host,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/orders").canonicalize().unwrap()
}

impl Example {
    /// As they stand in the folder; only what belongs to the test is another: ports, secret, and where the component is. `change` is
    /// for what a test turns up or down.
    fn start(change: impl Fn(String) -> String) -> Example {
        let port = free_port();
        let origin = format!("http://127.0.0.1:{port}");
        let provider = Server::start(|port| {
            let mut command = Command::new("node");
            command.arg(folder().join("provider/provider.mjs")).env("PORT", port.to_string());
            command.env("ORIGIN", &origin).env("ORDERS_CLIENT_SECRET", SECRET);
            command.env("PROVIDER_MODULES", servers());
            command
        });
        let text = std::fs::read_to_string(folder().join("ostler.toml")).unwrap();
        let (head, rest) = text.split_at(text.find("# Programs send").unwrap());
        assert_eq!(head.trim(), "[server]\nlisten = [\"http://127.0.0.1:8080\"]\n\n[state]\ndir = \"state\"");
        let component = guest("orders").display().to_string();
        let rest = [
            ("http://127.0.0.1:3000", format!("http://127.0.0.1:{}", provider.port())),
            ("http://127.0.0.1:8080", origin),
            ("${ORDERS_CLIENT_SECRET}", SECRET.to_owned()),
            ("target/orders.wasm", component),
            ("\"orders.yaml\"", format!("{:?}", folder().join("orders.yaml").display().to_string())),
        ]
        .into_iter()
        .fold(rest.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, &to)
        });
        let setup = Setup::new().server(&format!("listen = [\"http://127.0.0.1:{port}\"]"));
        Example { host: setup.with(&change(rest)).start(), provider }
    }

    /// A client with a token of the program of `name`.
    async fn program(&self, name: &str) -> Program {
        let provider = Client::new(self.provider.address, Version::Http1, None);
        let form = format!(
            "grant_type=client_credentials&resource=urn:orders&client_id={name}-script&client_secret={name}-script-{name}-script"
        );
        let mut request = provider.request(Method::POST, "/token", form);
        request.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        let reply = provider.try_send(request).await.unwrap();
        let token =
            reply.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned();
        Program { client: Client::new(self.host.address, Version::Http1, Some(token.clone())), token }
    }
}

/// A client that has a token.
struct Program {
    client: Client,
    token: String,
}

impl Program {
    async fn get(&self, path: &str) -> Reply {
        self.client.get(path).await
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        let mut request: Request<_> = self.client.request(method, path, body.to_string());
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        self.client.try_send(request).await.unwrap()
    }

    async fn place(&self, sku: &str) -> Value {
        let body = json!({ "items": [{ "sku": sku, "quantity": 100, "price": 7 }] });
        let placed = self.send(Method::POST, "/orders", body).await;
        assert_eq!(placed.status, 201, "{}", placed.text());
        assert_eq!(placed.header("location"), format!("/orders/{}", placed.json()["id"]));
        placed.json()
    }
}

fn as_it_is(text: String) -> String {
    text
}

/// Limits that no test of something else meets.
fn without_limits(text: String) -> String {
    text.replace("\"100/min\"", "\"1000000/min\"").replace("\"1000/h\"", "\"1000000/h\"")
}

#[tokio::test]
async fn orders_are_placed_changed_and_deleted_by_those_who_may() {
    let example = Example::start(as_it_is);
    let (ada, ben) = (example.program("ada").await, example.program("ben").await);
    ada.place("bolt-m4").await;
    assert_eq!(ada.get("/orders?status=open&limit=10").await.json()["orders"][0]["total"], 700);
    let paid = ada.send(Method::PATCH, "/orders/1", json!({ "status": "paid" })).await;
    assert_eq!((paid.status.as_u16(), &paid.json()["status"]), (200, &json!("paid")));
    let refused = ada.send(Method::PATCH, "/orders/1", json!({ "status": "refunded" })).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "forbidden"));
    assert!(refused.text().contains("orders:refund on orders/1"), "{}", refused.text());
    let refunded = ben.send(Method::PATCH, "/orders/1", json!({ "status": "refunded" })).await;
    assert_eq!(refunded.json()["status"], "refunded");
    let shipped = ben.send(Method::PATCH, "/orders/1", json!({ "status": "shipped" })).await;
    assert_eq!((shipped.status.as_u16(), shipped.code().as_str()), (409, "illegal_transition"));
    let refused = ada.client.send(Method::DELETE, "/orders/1", "").await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("orders:delete"), "{}", refused.text());
    assert_eq!(ben.client.send(Method::DELETE, "/orders/1", "").await.status, 204);
    assert_eq!(ada.get("/orders/1").await.status, 404);
}

#[tokio::test]
async fn strangers_other_tenants_and_wrong_requests_do_not_get_through() {
    let example = Example::start(as_it_is);
    let (ada, cleo, dora) =
        (example.program("ada").await, example.program("cleo").await, example.program("dora").await);
    ada.place("bolt-m4").await;
    let stranger = example.host.client.get("/orders").await;
    assert_eq!(stranger.status, 401);
    assert!(stranger.header("www-authenticate").starts_with("Bearer"), "{stranger:?}");
    assert!(!stranger.text().contains("orders:read"), "{}", stranger.text());
    let refused = dora.get("/orders").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("orders:read"), "{}", refused.text());
    assert_eq!(cleo.get("/orders").await.json()["orders"], json!([]));
    assert_eq!(cleo.get("/orders/1").await.status, 404);
    assert_eq!(cleo.client.send(Method::DELETE, "/orders/1", "").await.status, 404);
    assert_eq!(ada.get("/orders/1").await.status, 200, "nobody of another tenant reaches it");
    let wrong = ada.get("/orders?limit=many").await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    let wrong = ada.send(Method::POST, "/orders", json!({ "items": [], "extra": 1 })).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text());
    assert!(wrong.json()["violations"].as_array().unwrap().len() >= 2, "{}", wrong.text());
    let method = ada.client.send(Method::PUT, "/orders/1", "").await;
    assert_eq!(method.status, 405);
    assert!(!method.header("allow").is_empty());
}

#[tokio::test]
async fn kept_answers_are_the_tenants_own_and_never_older_than_a_write() {
    let example = Example::start(as_it_is);
    let (ada, ben, cleo) =
        (example.program("ada").await, example.program("ben").await, example.program("cleo").await);
    for _ in 0..2 {
        ada.place("bolt-m4").await;
    }
    let paths = ["/orders?limit=10", "/orders/1", "/orders/summary"];
    for path in paths {
        let first = ada.get(path).await;
        assert!(!first.header("cache-status").contains("; hit"), "{path}: {}", first.header("cache-status"));
        let second = ben.get(path).await;
        assert!(second.header("cache-status").contains("; hit"), "{path}: {}", second.header("cache-status"));
        assert_eq!(first.body, second.body);
        let other = cleo.get(path).await;
        assert!(!other.header("cache-status").contains("; hit"), "{path}: another tenant");
        assert_ne!(first.body, other.body);
    }
    let noted = ada.send(Method::PATCH, "/orders/2", json!({ "note": "soon" })).await;
    assert_eq!((noted.status.as_u16(), noted.header("cache-purge")), (200, ""));
    assert_eq!(ada.get("/orders?limit=10").await.json()["orders"][1]["note"], "soon");
    let untouched = ada.get("/orders/1").await;
    assert_eq!(untouched.header("cache-tag"), "", "tags are the host's and the plugin's own");
    ada.send(Method::PATCH, "/orders/1", json!({ "status": "paid" })).await;
    assert_eq!(ada.get("/orders/1").await.json()["status"], "paid");
    assert_eq!(ada.get("/orders/summary").await.json()["by_status"]["paid"]["count"], 1);
    let tag = ada.get("/orders/1").await.header("etag").to_owned();
    let mut known = ada.client.request(Method::GET, "/orders/1", "");
    known.headers_mut().insert("if-none-match", tag.parse().unwrap());
    assert_eq!(ada.client.try_send(known).await.unwrap().status, 304);
}

#[tokio::test]
async fn both_limits_hold() {
    let example = Example::start(|text| text.replace("\"1000/h\"", "\"150/h\""));
    let (ada, ben, cleo) =
        (example.program("ada").await, example.program("ben").await, example.program("cleo").await);
    let admitted = async |program: &Program, asked: usize| {
        let mut admitted = 0;
        for _ in 0..asked {
            let reply = program.get("/orders").await;
            match reply.status.as_u16() {
                200 => admitted += 1,
                429 => {
                    assert!(!reply.header("retry-after").is_empty());
                    assert_eq!(reply.code(), "rate_limited");
                }
                other => panic!("{other}: {}", reply.text()),
            }
        }
        admitted
    };
    // A bucket fills again while it is emptied: 100 in a minute are 5 in the three seconds this may take, and more when it is slow.
    let ada = admitted(&ada, 130).await;
    assert!((100..130).contains(&ada), "one user: {ada}");
    let ben = admitted(&ben, 130).await;
    assert!((20..100).contains(&ben), "what the first has left of the tenant's: {ben}");
    assert_eq!(admitted(&cleo, 10).await, 10, "another tenant");
}

#[tokio::test]
async fn people_log_in_with_their_browsers() {
    let example = Example::start(as_it_is);
    example.program("ada").await.place("bolt-m4").await;
    let mut browser = Browser::new();
    let url = |path: &str| format!("http://{}{path}", example.host.address);
    let page = browser.go(&url("/auth/login")).await;
    let page = browser.submit(&page, "prompt=login&login=ben&password=any").await;
    let page = browser.submit(&page, "prompt=consent").await;
    assert_eq!(page.url, url("/"), "{}", page.reply.text());
    let shown = browser.go(&url("/orders")).await.reply;
    assert_eq!(shown.json()["orders"][0]["placed_by"], "ada-script", "{}", shown.text());
    assert_eq!(browser.send(Method::DELETE, &url("/orders/1"), &url("")).await.status, 204);
    let forged = browser.send(Method::DELETE, &url("/orders/2"), "http://evil.test").await;
    assert_eq!((forged.status.as_u16(), forged.code().as_str()), (403, "cross_site"));
    assert_eq!(Browser::new().go(&url("/orders")).await.reply.status, 401);
}

#[tokio::test]
async fn schemathesis_finds_nothing() {
    let example = Example::start(without_limits);
    let manager = example.program("ben").await;
    manager.place("bolt-m4").await;
    let report = tempfile::tempdir().unwrap();
    let mut command = Command::new(servers().join("venv/bin/schemathesis"));
    command
        .arg("run")
        .arg(folder().join("orders.yaml"))
        .args(["--url", &format!("http://{}", example.host.address)])
        .args(["-H", &format!("Authorization: Bearer {}", manager.token)])
        .args(["--max-examples", "25", "--seed", "1", "--workers", "1", "--no-color"])
        .current_dir(report.path())
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let lines = example.host.lines_so_far().await;
    let statuses: Vec<_> = lines.iter().filter_map(|line| line["status"].as_u64()).collect();
    assert!(statuses.len() > 100 && statuses.iter().all(|status| *status < 500), "{statuses:?}: {said}");
}
