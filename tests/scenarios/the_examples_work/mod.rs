//! `examples/hello` and `examples/shortener`, each served from its own `ostler.toml`.

use std::path::Path;

use harness::{Client, Host, Page, Reply, Setup, Version, guest};
use http::{Method, Request};
use serde_json::json;

/// A host with the configuration of an example. Only what belongs to the test is another: ports, state and where its build
/// has put the component.
fn example(name: &str, component: &str) -> Host {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name).join("ostler.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let (head, plugins) = text.split_at(text.find("[plugins.").unwrap());
    assert_eq!(head.trim(), "[server]\nlisten = [\"http://127.0.0.1:8080\"]\n\n[state]\ndir = \"state\"");
    let built = format!("path = \"../../plugins/{name}/target/{name}.wasm\"");
    assert!(plugins.contains(&built), "{plugins}");
    let here = format!("path = {:?}", guest(component).display().to_string());
    Setup::new().with(&plugins.replace(&built, &here)).start()
}

#[tokio::test]
async fn hello_answers_as_its_readme_says() {
    let host = example("hello", "hello-typed");
    assert_eq!(host.client.get("/").await.text(), "Hello, world!");
    assert_eq!(host.client.get("/hello/you").await.text(), "Hello, you!");
    assert_eq!(host.client.get("/bye").await.status, 404);
}

async fn shorten(host: &Host, body: serde_json::Value) -> Reply {
    let request = host.client.request(Method::POST, "/links", body.to_string());
    send(&host.client, request, "application/json").await
}

async fn send(
    client: &Client,
    mut request: Request<http_body_util::Full<bytes::Bytes>>,
    kind: &str,
) -> Reply {
    request.headers_mut().insert("content-type", kind.parse().unwrap());
    client.try_send(request).await.unwrap()
}

#[tokio::test]
async fn the_shortener_makes_follows_counts_and_deletes_links() {
    let host = example("shortener", "shortener");
    let url = "https://example.com/a/long/path";
    let made = shorten(&host, json!({ "url": url, "slug": "mine" })).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/links/mine"), "{}", made.text());
    for _ in 0..2 {
        let followed = host.client.get("/mine").await;
        assert_eq!((followed.status.as_u16(), followed.header("location")), (302, url));
    }
    assert_eq!(host.client.get("/links/mine").await.json()["visits"], 2);
    let taken = shorten(&host, json!({ "url": url, "slug": "mine" })).await;
    assert_eq!((taken.status.as_u16(), taken.code().as_str()), (409, "taken"));
    let bad = shorten(&host, json!({ "url": "javascript:alert(1)" })).await;
    assert_eq!((bad.status.as_u16(), bad.code().as_str()), (422, "bad_url"));
    let slug = shorten(&host, json!({ "url": url })).await.json()["slug"].as_str().unwrap().to_owned();
    assert_eq!(host.client.get(&format!("/{slug}")).await.status, 302);
    let host = host.kill_and_restart();
    assert_eq!(host.client.get("/links/mine").await.json()["visits"], 2, "counted visits survive");
    assert_eq!(host.client.send(Method::DELETE, "/links/mine", "").await.status, 204);
    assert_eq!(host.client.get("/mine").await.code(), "no_such_link");
}

#[tokio::test]
async fn the_shortener_counts_visits_that_come_at_once() {
    let host = example("shortener", "shortener");
    shorten(&host, json!({ "url": "https://example.com/", "slug": "busy" })).await;
    let visits = (0..8).map(|index| {
        let client = host.client(if index % 2 == 0 { Version::Http1 } else { Version::Http2 });
        tokio::spawn(async move {
            for _ in 0..5 {
                assert_eq!(client.get("/busy").await.status, 302);
            }
        })
    });
    for visit in visits.collect::<Vec<_>>() {
        visit.await.unwrap();
    }
    assert_eq!(host.client.get("/links/busy").await.json()["visits"], 40);
}

#[tokio::test]
async fn the_page_shows_its_form_and_the_links_made_with_it() {
    let host = example("shortener", "shortener");
    let page = host.client.get("/").await;
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    assert!(page.text().contains("<form") && page.text().contains("Short links"));
    let form = "application/x-www-form-urlencoded";
    let fill = async |fields: &'static str| {
        send(&host.client, host.client.request(Method::POST, "/links", fields), form).await
    };
    let made = fill("url=https%3A%2F%2Fexample.com%2F%3Fa%3D1%26b%3D2&slug=by-form").await;
    assert_eq!(
        (made.status.as_u16(), made.header("location").starts_with('/')),
        (303, true),
        "{}",
        made.text()
    );
    let page = host.client.get(made.header("location")).await.text();
    assert!(page.contains("by-form") && page.contains("https://example.com/?a=1&amp;b=2"), "{page}");
    let refused = fill("url=https%3A%2F%2Fexample.com%2F%3Cscript%3E&slug=x").await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("&lt;script&gt;") && !refused.text().contains("<script"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn a_person_with_a_browser_makes_follows_and_deletes_a_link() {
    let host = example("shortener", "shortener");
    let mut page = Page::open(&format!("http://{}/", host.address));
    page.until("document.readyState == 'complete' && document.title == 'Short links'");
    // A link may not lead back to the shortener, and a browser under test visits no strangers.
    let target = format!("http://{}/healthz", host.admin_address);
    page.evaluate(&format!(
        "url.value = {target:?}; slug.value = 'by-hand'; document.querySelector('button').click()"
    ));
    page.until("!!document.querySelector('tbody a[href=\"/by-hand\"]')");
    assert_eq!(host.client.get("/links/by-hand").await.json()["url"], target);
    page.evaluate("document.querySelector('tbody a').click()");
    page.until("location.pathname == '/healthz'");
    assert_eq!(host.client.get("/links/by-hand").await.json()["visits"], 1);
    page.evaluate("history.back()");
    page.until("!!document.querySelector('tbody button')");
    page.evaluate("document.querySelector('tbody button').click()");
    page.until("document.readyState == 'complete' && !document.querySelector('tbody a')");
    assert_eq!(host.client.get("/links/by-hand").await.status, 404);
}
