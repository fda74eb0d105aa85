//! What others try with a login, and what comes of it.

use http::Method;

use super::browser::Browser;
use super::{COOKIE, Place};

/// A browser that is about to follow the provider's answer, and that answer.
async fn before_callback(place: &Place, name: &str) -> (Browser, String) {
    let mut browser = Browser::new();
    let asked = browser.visit(&place.url("/auth/login?return_to=/echo")).await;
    let back = browser.log_in(asked, name, Some(&place.url("/auth/callback"))).await;
    (browser, back.header("location").to_owned())
}

fn is_refused(reply: &harness::Reply) -> bool {
    reply.status == 401 && !format!("{:?}", reply.headers).contains(&format!("{COOKIE}=e"))
}

#[tokio::test]
async fn an_answer_is_taken_from_the_browser_that_began_and_once() {
    let place = Place::new("");
    let (mut alice, callback) = before_callback(&place, "alice").await;
    // Somebody else's browser (login CSRF, a stolen answer): without the cookie, and with one of its own login.
    let mut other = Browser::new();
    assert!(is_refused(&other.send(Method::GET, &callback, "", &[]).await));
    let (mut mallory, of_mallory) = before_callback(&place, "mallory").await;
    assert!(is_refused(&mallory.send(Method::GET, &callback, "", &[]).await));
    // A state that was never given, none, and two.
    let state = callback.split("state=").nth(1).unwrap().split('&').next().unwrap();
    for wrong in [
        callback.replace(state, &"A".repeat(43)),
        callback.replace(&format!("state={state}"), "x=y"),
        format!("{callback}&state={state}"),
        format!("{callback}&iss=http%3A%2F%2Fevil.test"),
    ] {
        let mut same = Browser::new();
        let cookies = alice.cookies(place.address()).clone();
        *same.cookies(place.address()) = cookies;
        let reply = same.send(Method::GET, &wrong, "", &[]).await;
        assert_eq!(reply.status, 401, "{wrong}: {}", reply.text());
    }
    drop(of_mallory);
    assert!(is_refused(&alice.send(Method::GET, &callback, "", &[]).await), "a failed attempt is used up");
}

#[tokio::test]
async fn an_answer_is_taken_once() {
    let place = Place::new("");
    let (mut alice, callback) = before_callback(&place, "alice").await;
    let cookies = alice.cookies(place.address()).clone();
    assert_eq!(alice.send(Method::GET, &callback, "", &[]).await.status, 303);
    *alice.cookies(place.address()) = cookies;
    assert!(is_refused(&alice.send(Method::GET, &callback, "", &[]).await));
}

#[tokio::test]
async fn a_refusal_of_the_provider_begins_no_session() {
    let place = Place::new("");
    let (mut alice, callback) = before_callback(&place, "alice").await;
    let state = callback.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let issuer = format!("http%3A%2F%2F127.0.0.1%3A{}", place.provider.port());
    let evil = format!(
        "/auth/callback?state={state}&iss={issuer}&error=access_denied&error_description=%3Cscript%3E"
    );
    let reply = alice.send(Method::GET, &place.url(&evil), "", &[]).await;
    assert!(is_refused(&reply) && !reply.text().contains("script"), "{}", reply.text());
}

#[tokio::test]
async fn a_code_that_was_not_given_for_this_login_is_refused_by_the_provider() {
    let place = Place::new("");
    let (mut alice, callback) = before_callback(&place, "alice").await;
    let code = callback.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let (_, other) = before_callback(&place, "mallory").await;
    let foreign = other.split("code=").nth(1).unwrap().split('&').next().unwrap();
    // PKCE: the code belongs to another verifier.
    let reply = alice.send(Method::GET, &callback.replace(code, foreign), "", &[]).await;
    assert!(is_refused(&reply), "{}", reply.text());
}

#[tokio::test]
async fn nobody_is_led_elsewhere_after_a_login() {
    let place = Place::new("");
    for evil in [
        "//evil.test",
        "https://evil.test",
        "%2F%2Fevil.test",
        "/%5Cevil.test",
        "/%09/evil.test",
        "/a%0d%0ax:y",
        "",
    ] {
        let reply = place.host.client.get(&format!("/auth/login?return_to={evil}")).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "bad_request"), "{evil}");
    }
    // The path that a browser asked for is no way out either.
    let (mut alice, _) = place.logged_in("alice").await;
    for path in ["/auth/mfa?return_to=//evil.test", "/auth/mfa/enrol?return_to=https://evil.test"] {
        let page = alice.visit(&place.url(path)).await;
        assert!(!page.text().contains("evil.test"), "{}", page.text());
    }
}

#[tokio::test]
async fn a_planted_session_id_does_not_become_the_users() {
    let place = Place::new("");
    let (mut mallory, _) = place.logged_in("mallory").await;
    let planted = place.session(&mut mallory);
    for plant in [planted.as_str(), "made-up"] {
        let mut alice = Browser::new();
        alice.cookies(place.address()).insert(COOKIE.into(), plant.into());
        let asked = alice.visit(&place.url("/auth/login?return_to=/echo")).await;
        alice.log_in(asked, "alice", None).await;
        let id = place.session(&mut alice);
        assert!(id.len() == 43 && id != plant);
        assert_eq!([place.status(plant).await, place.status(&id).await], [401, 200]);
    }
    let reply = place.status(&format!("{planted}; {COOKIE}=x")).await;
    assert_eq!(reply, 400, "two sessions in one request");
}

#[tokio::test]
async fn another_site_changes_nothing_in_a_users_name() {
    let place = Place::new("");
    let (mut alice, _) = place.logged_in("alice").await;
    let token = alice.cookies(place.address())["ostler-site-csrf"].clone();
    let own = place.origin.clone();
    for (site, origin, token, status) in [
        ("same-origin", own.as_str(), "", 200),
        ("none", "", "", 200),
        ("", own.as_str(), "", 200),
        ("", "", token.as_str(), 200),
        ("", "", "", 403),
        ("", "", "wrong", 403),
        ("cross-site", "https://evil.test", "", 403),
        ("same-site", own.as_str(), "", 403),
        ("", "https://evil.test", token.as_str(), 403),
        ("", "null", "", 403),
    ] {
        let fields = [("sec-fetch-site", site), ("origin", origin), ("x-csrf-token", token)];
        let reply = alice.send(Method::POST, "/echo", "a", &fields).await;
        assert_eq!(reply.status.as_u16(), status, "{fields:?}: {}", reply.text());
    }
    let evil = [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")];
    for path in ["/auth/logout", "/auth/mfa", "/auth/mfa/enrol"] {
        let reply = alice.send(Method::POST, path, "code=000000", &evil).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "cross_site"), "{path}");
    }
    assert_eq!(alice.visit(&place.url("/echo")).await.status, 200, "still logged in");
}
