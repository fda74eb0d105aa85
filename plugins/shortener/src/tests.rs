use ostler_sdk::log::Level;
use ostler_sdk::testing::{Host, Installed};
use serde_json::Value;

use super::*;

fn host() -> Installed {
    Host::new().kv("links").install()
}

fn post(url: &str, slug: Option<&str>) -> Result<Response, Error> {
    handle(
        Request::post("/links")
            .with_header("host", "short.test")
            .with_json(&json!({ "url": url, "slug": slug })),
    )
}

fn form(body: &str) -> Request {
    Request::post("/links").with_header("content-type", "application/x-www-form-urlencoded").with_body(body)
}

fn get(path: &str) -> Result<Response, Error> {
    handle(Request::get(path))
}

#[test]
fn a_link_is_made_followed_counted_and_deleted() {
    let host = host();
    let made = post("https://example.com/a", Some("mine")).unwrap();
    assert_eq!((made.status(), made.header("location")), (201, Some("/links/mine")));
    for _ in 0..3 {
        let sent = get("/mine").unwrap();
        assert_eq!((sent.status(), sent.header("location")), (302, Some("https://example.com/a")));
        assert_eq!(sent.header("cache-control"), Some("no-store"));
    }
    let link: Value = get("/links/mine").unwrap().read_json().unwrap();
    assert_eq!(link, json!({ "slug": "mine", "url": "https://example.com/a", "visits": 3 }));
    assert_eq!(handle(Request::delete("/links/mine")).unwrap().status(), 204);
    assert_eq!(handle(Request::delete("/links/mine")).unwrap_err().status(), 404);
    assert_eq!(get("/mine").unwrap_err().status(), 404);
    assert_eq!(host.value("links", "visits/mine"), None);
    assert!(host.logs().iter().any(|line| line.level == Level::Info && line.message == "link made"));
}

#[test]
fn links_without_a_name_get_names_of_their_own() {
    let _host = host();
    let slug =
        |response: Response| response.read_json::<Value>().unwrap()["slug"].as_str().unwrap().to_owned();
    let (one, two) = (post("https://a.test/", None).unwrap(), post("https://a.test/", None).unwrap());
    let (one, two) = (slug(one), slug(two));
    assert_ne!(one, two);
    assert_eq!(get(&format!("/{one}")).unwrap().status(), 302);
}

#[test]
fn a_number_whose_name_was_chosen_by_hand_is_skipped() {
    let _host = host();
    post("https://a.test/", Some(&slug::from_number(1))).unwrap();
    assert_eq!(post("https://b.test/", None).unwrap().status(), 201);
}

#[test]
fn what_is_wrong_is_a_problem_with_a_code() {
    let _host = host();
    post("https://a.test/", Some("mine")).unwrap();
    for (url, slug, status) in [
        ("https://b.test/", Some("mine"), 409),
        ("https://b.test/", Some("no way"), 422),
        ("https://b.test/", Some("links"), 422),
        ("javascript:alert(1)", None, 422),
        ("http://short.test/mine", None, 422),
    ] {
        assert_eq!(post(url, slug).unwrap_err().status(), status, "{url} {slug:?}");
    }
    let status = |request: Request| handle(request).unwrap_err().status();
    assert_eq!(status(Request::post("/links").with_body("{")), 400);
    assert_eq!(status(Request::post("/links").with_json(&json!({}))), 422);
    assert_eq!(
        status(Request::post("/links").with_json(&json!({ "url": "https://a.test/", "sulg": "x" }))),
        422
    );
    assert_eq!(status(Request::post("/links").with_header("content-type", "text/plain")), 415);
    assert_eq!(status(Request::new("PUT", "/links")), 405);
    assert_eq!(status(Request::post("/mine")), 405);
    assert_eq!(status(Request::get("/a/b/c")), 404);
}

#[test]
fn names_that_cannot_be_are_not_looked_up() {
    let _host = host();
    assert_eq!(get(&format!("/{}", "x".repeat(600))).unwrap_err().status(), 404);
    assert_eq!(get("/links/%2e%2e%2f").unwrap_err().status(), 404);
}

#[test]
fn a_head_request_is_not_a_visit() {
    let _host = host();
    post("https://a.test/", Some("mine")).unwrap();
    assert_eq!(handle(Request::new("HEAD", "/mine")).unwrap().status(), 302);
    let link: Value = get("/links/mine").unwrap().read_json().unwrap();
    assert_eq!(link["visits"], 0);
}

#[test]
fn the_form_makes_a_link_and_comes_back_to_the_page() {
    let _host = Host::new().kv("links").config("title", "Links of <us>").install();
    let sent = handle(form("url=https%3A%2F%2Fa.test%2F%3Fx%3D1&slug=")).unwrap();
    assert_eq!(sent.status(), 303);
    let page = get(sent.header("location").unwrap()).unwrap();
    let text = page.body_text();
    assert!(text.contains("Your link is ready") && text.contains("https://a.test/?x=1"), "{text}");
    assert!(text.contains("Links of &lt;us&gt;") && !text.contains("{{"), "{text}");
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
}

#[test]
fn a_refused_form_keeps_what_was_typed() {
    let _host = host();
    let page = handle(form("url=ftp://a.test/%22%3E&slug=x%22y")).unwrap();
    assert_eq!(page.status(), 422);
    let text = page.body_text();
    assert!(text.contains("That did not work") && text.contains("ftp://a.test/&quot;&gt;"), "{text}");
    assert!(text.contains("x&quot;y") && !text.contains("\"y\""), "{text}");
}

#[test]
fn the_button_deletes_but_not_from_another_site() {
    let _host = host();
    post("https://a.test/", Some("mine")).unwrap();
    let press = || Request::post("/links/mine/delete");
    assert_eq!(handle(press().with_header("sec-fetch-site", "cross-site")).unwrap_err().status(), 403);
    assert_eq!(handle(press().with_header("sec-fetch-site", "same-origin")).unwrap().status(), 303);
    assert_eq!(get("/links/mine").unwrap_err().status(), 404);
}

#[test]
fn people_who_follow_a_dead_link_get_a_page() {
    let _host = host();
    let page = handle(Request::get("/%3Cb%3E").with_header("accept", "text/html,*/*")).unwrap();
    assert_eq!(page.status(), 404);
    assert!(page.body_text().contains("/&lt;b&gt;"), "{}", page.body_text());
}

#[test]
fn many_links_are_shown_page_by_page() {
    let _host = host();
    (0..60).for_each(|number| drop(post("https://a.test/", Some(&format!("n{number:02}"))).unwrap()));
    let first: Value = get("/links").unwrap().read_json().unwrap();
    let after = first["after"].as_str().unwrap();
    assert_eq!(first["links"].as_array().unwrap().len(), 50);
    let second: Value = get(&format!("/links?after={after}")).unwrap().read_json().unwrap();
    assert_eq!((second["links"].as_array().unwrap().len(), &second["after"]), (10, &Value::Null));
    assert!(get("/").unwrap().body_text().contains("More links"));
}

#[test]
fn a_store_that_is_not_granted_is_a_failure_of_the_operator() {
    let _host = Host::new().install();
    assert_eq!(get("/").unwrap_err().status(), 500);
}
