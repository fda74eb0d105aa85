//! API keys from their making to their end, over the admin API, the command line and `kill -9`.

use std::process::Command;

use harness::{Host, Reply, Setup, ostler, until};
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};

fn setup() -> Setup {
    Setup::new()
        .plugin("p", "typed", "")
        .route("/echo", "p")
        .with("auth = [\"keys\"]")
        .route("/other", "p")
        .with("auth = [\"other\"]")
        .with("[auth.keys]\nkind = \"api-key\"\n[auth.other]\nkind = \"api-key\"\nheader = \"x-other\"\nbearer = true")
}

async fn ask(host: &Host, path: &str, name: &str, value: &str) -> Reply {
    let mut request = host.client.request(Method::GET, path, "");
    request
        .headers_mut()
        .insert(header::HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    host.client.try_send(request).await.unwrap()
}

async fn status(host: &Host, key: &str) -> u16 {
    ask(host, "/echo", "x-api-key", key).await.status.as_u16()
}

async fn create(host: &Host, wanted: Value) -> Value {
    let reply = host.admin.send(Method::POST, "/v1/keys", wanted.to_string()).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

fn key(value: &Value) -> String {
    value["key"].as_str().unwrap().to_owned()
}

fn path(value: &Value, rest: &str) -> String {
    format!("/v1/keys/{}{rest}", value["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_key_lets_in_and_nothing_else_does() {
    let host = setup().start();
    let made = create(&host, json!({ "name": "n", "authenticator": "keys" })).await;
    let other = create(&host, json!({ "name": "o", "authenticator": "other" })).await;
    let (text, foreign) = (key(&made), key(&other));
    let reply = host.client.get("/echo").await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("www-authenticate")),
        (401, "ApiKey realm=\"ostler\", header=\"x-api-key\"")
    );
    let reply = ask(&host, "/echo", "x-api-key", &text).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    // The plugin does not see it.
    assert!(!format!("{:?}", reply.headers).contains(&text));
    // The right id with another key's secret, typos, another authenticator's key, and what is no key at all.
    let (head, _) = text.rsplit_once('_').unwrap();
    let spliced = format!("{head}_{}", foreign.rsplit_once('_').unwrap().1);
    for wrong in [&spliced, &text[..text.len() - 1], &foreign, "x", &text.replace("ok_", "ok-")] {
        let reply = ask(&host, "/echo", "x-api-key", wrong).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (401, "unauthenticated"), "{wrong}");
        assert!(!reply.text().contains(wrong) || wrong == "x", "{}", reply.text());
    }
    // As a bearer token only where that is configured.
    assert_eq!(ask(&host, "/echo", "authorization", &format!("Bearer {text}")).await.status, 401);
    let reply = ask(&host, "/other", "authorization", &format!("Bearer {foreign}")).await;
    assert_eq!(reply.status, 404, "the plugin knows no such path, but was asked: {}", reply.text());
    assert_eq!(ask(&host, "/other", "x-other", &foreign).await.status, 404);
    assert_eq!(ask(&host, "/other", "authorization", &format!("Bearer {text}")).await.status, 401);
}

#[tokio::test]
async fn a_key_is_shown_once_and_never_logged() {
    let host = setup().start();
    let made =
        create(&host, json!({ "name": "billing", "authenticator": "keys", "scopes": ["orders:read"] })).await;
    let rotated = host.admin.send(Method::POST, &path(&made, "/rotate"), "{}").await.json();
    let secrets = [key(&made), key(&rotated)].map(|key| key.rsplit_once('_').unwrap().1.to_owned());
    for text in &secrets {
        status(&host, text).await;
        status(&host, &format!("ok_{}_{text}", made["id"].as_str().unwrap())).await;
    }
    let shown = [host.admin.get("/v1/keys").await.text(), host.admin.get(&path(&made, "")).await.text()];
    let audit = host.line(|line| line["msg"] == "API key rotated").await;
    assert_eq!((&audit["key"], &audit["name"]), (&made["id"], &json!("billing")));
    let lines = format!("{:?}", host.lines_so_far().await);
    for secret in &secrets {
        assert!(shown.iter().chain([&lines]).all(|text| !text.contains(secret)));
    }
    assert_eq!(host.admin.get(&path(&made, "")).await.json()["scopes"], json!(["orders:read"]));
}

#[tokio::test]
async fn rotation_leaves_a_grace_and_revocation_leaves_nothing() {
    let host = setup().start();
    let first = create(&host, json!({ "name": "n", "authenticator": "keys" })).await;
    let rotate = async |grace: &str| {
        host.admin.send(Method::POST, &path(&first, "/rotate"), json!({ "grace": grace }).to_string()).await
    };
    let second = rotate("5s").await;
    let second = second.json();
    assert_eq!([status(&host, &key(&first)).await, status(&host, &key(&second)).await], [200, 200]);
    until("the grace does not end", async || status(&host, &key(&first)).await == 401).await;
    assert_eq!(status(&host, &key(&second)).await, 200);
    let revoked = host.admin.send(Method::DELETE, &path(&first, ""), "").await;
    assert!(revoked.json()["revoked_ms"].is_i64());
    assert_eq!(status(&host, &key(&second)).await, 401);
    assert_eq!(rotate("0s").await.status, 409);
    assert_eq!(host.admin.send(Method::DELETE, "/v1/keys/AAAAAAAAAAAA", "").await.status, 404);
    let short = create(&host, json!({ "name": "s", "authenticator": "keys", "life": "5s" })).await;
    assert_eq!(status(&host, &key(&short)).await, 200);
    until("its life does not end", async || status(&host, &key(&short)).await == 401).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let mut host = setup().start();
    let (mut good, mut gone) = (Vec::new(), Vec::new());
    for round in 0..3 {
        let kept = create(&host, json!({ "name": format!("kept {round}"), "authenticator": "keys" })).await;
        let revoked =
            create(&host, json!({ "name": format!("revoked {round}"), "authenticator": "keys" })).await;
        let rotated =
            host.admin.send(Method::POST, &path(&kept, "/rotate"), r#"{"grace":"0s"}"#).await.json();
        good.push(key(&rotated));
        gone.push(key(&kept));
        assert_eq!(host.admin.send(Method::DELETE, &path(&revoked, ""), "").await.status, 200);
        gone.push(key(&revoked));
        host = host.kill_and_restart();
        for text in &good {
            assert_eq!(status(&host, text).await, 200);
        }
        for text in &gone {
            assert_eq!(status(&host, text).await, 401);
        }
    }
}

#[tokio::test]
async fn a_wrong_wish_is_told_with_its_repair() {
    let host = setup().start();
    let wish = |body: &'static str| host.admin.send(Method::POST, "/v1/keys", body);
    let reply = wish(r#"{ "name": "n", "lif": "1d" }"#).await;
    assert_eq!(reply.status, 422);
    let told = reply.json()["reasons"].to_string();
    assert!(told.contains("keys or other") && told.contains("write life"), "{told}");
    assert_eq!(wish("[]").await.status, 422);
    assert_eq!(wish("{").await.status, 400);
    assert_eq!(host.admin.send(Method::PATCH, "/v1/keys", "").await.header("allow"), "GET, POST");
}

#[tokio::test]
async fn the_command_line_makes_lists_rotates_and_revokes() {
    let host = setup().start();
    let run = |arguments: &[&str]| {
        let admin = format!("http://{}", host.admin_address);
        let mut command = Command::new(ostler());
        let command = command.current_dir(&host.folder).arg("keys").args(arguments).args(["--admin", &admin]);
        let done = command.output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
    };
    assert!(run(&["list"]).1.contains("there are no keys yet"));
    let (done, told) =
        run(&["create", "billing", "--authenticator", "keys", "--role", "reader", "--life", "90d"]);
    assert!(done, "{told}");
    let text = told.lines().next().unwrap().to_owned();
    assert_eq!(status(&host, &text).await, 200);
    let id = text.split('_').nth(1).unwrap().to_owned();
    let listed = run(&["list"]).1;
    assert!(listed.contains(&id) && listed.contains("billing") && !listed.contains(&text), "{listed}");
    let (_, rotated) = run(&["rotate", &id, "--grace", "0s", "--json"]);
    let rotated: Value = serde_json::from_str(&rotated).unwrap();
    assert_eq!([status(&host, &text).await, status(&host, &key(&rotated)).await], [401, 200]);
    assert!(run(&["revoke", &id]).0 && run(&["list"]).1.contains("revoked"));
    assert_eq!(status(&host, &key(&rotated)).await, 401);
    let (done, told) = run(&["revoke", &text]);
    assert!(!done && told.contains("no id of a key") && !told.contains(&text), "{told}");
}
