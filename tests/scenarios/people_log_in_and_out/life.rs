//! A session from login to logout.

use std::time::Duration;

use harness::until;
use http::Method;
use rustix::process::Signal;

use super::browser::Browser;
use super::{COOKIE, Place};

#[tokio::test]
async fn a_login_leads_back_to_where_it_began_with_a_session_that_no_plugin_sees() {
    let place = Place::new("");
    let stranger = place.host.client.get("/echo").await;
    assert_eq!((stranger.status.as_u16(), stranger.code().as_str()), (401, "unauthenticated"));
    let mut browser = Browser::new();
    let asked = browser.send(Method::GET, &place.url("/echo?a=b"), "", &[]).await;
    assert_eq!(
        (asked.status.as_u16(), asked.header("location")),
        (303, "/auth/login?return_to=%2Fecho%3Fa%3Db")
    );
    let sent = browser.send(Method::GET, "/auth/login?return_to=%2Fecho%3Fa%3Db", "", &[]).await;
    let location = sent.header("location");
    for part in
        ["code_challenge_method=S256", "code_challenge=", "state=", "nonce=", "scope=openid+profile+email"]
    {
        assert!(location.contains(part), "{location}");
    }
    let begun = sent.header("set-cookie");
    assert!(
        begun.contains("HttpOnly") && begun.contains("SameSite=Lax") && begun.contains("Max-Age=600"),
        "{begun}"
    );
    let asked = browser.follow(sent, None).await;
    let back = browser.log_in(asked, "alice", Some(&place.url("/auth/callback"))).await;
    let callback = back.header("location").to_owned();
    let done = browser.send(Method::GET, &callback, "", &[]).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/echo?a=b"));
    let set: Vec<_> =
        done.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let session = set.iter().find(|set| set.starts_with("ostler-site=")).unwrap();
    assert!(session.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{session}");
    browser.cookies(place.address()).insert("own".into(), "1".into());
    let page = browser.follow(done, None).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let id = place.session(&mut browser);
    assert!(id.len() == 43 && !format!("{:?}", page.headers).contains(&id), "{:?}", page.headers);
    assert!(page.header("x-echo-cookie").contains("own=1"), "{:?}", page.headers);
    // Public routes see it no more than others.
    assert!(!format!("{:?}", browser.visit("/").await.headers).contains(&id));
    assert!(!format!("{:?}", place.host.lines_so_far().await).contains(&id));
}

#[tokio::test]
async fn a_session_survives_kill_9_and_ends_with_its_logout_here_and_at_the_provider() {
    let mut place = Place::new("");
    let (mut browser, _) = place.logged_in("alice").await;
    place.host = place.host.kill_and_restart();
    let id = place.session(&mut browser);
    assert_eq!(place.status(&id).await, 200);
    let asked = browser.visit(&place.url("/auth/logout")).await;
    assert!(
        asked.text().contains("Log out?")
            && asked.header("content-security-policy").contains("default-src 'none'")
    );
    assert_eq!(place.status(&id).await, 200, "asking changes nothing");
    let left = browser.send(Method::POST, "/auth/logout", "", &[]).await;
    let location = left.header("location").to_owned();
    assert!(location.starts_with(&format!("http://{}/session/end?", place.provider.address)), "{location}");
    assert!(location.contains("id_token_hint=ey"), "{location}");
    assert_eq!((place.status(&id).await, place.session(&mut browser).as_str()), (401, ""));
    let confirm = browser.visit(&location).await;
    let page = confirm.text();
    let token = page
        .split("name=\"xsrf\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap()
        .to_owned();
    let ended = browser
        .send(
            Method::POST,
            &format!("http://{}/session/end/confirm", place.provider.address),
            &format!("xsrf={token}&logout=yes"),
            &[],
        )
        .await;
    assert!(ended.header("location").starts_with(&place.url("/")), "{:?}", ended.headers);
    // The provider has forgotten, too: it asks for the name again.
    let asked = browser.visit(&place.url("/echo")).await;
    assert!(asked.text().contains("name=\"login\""), "{}", asked.text());
    place.host = place.host.kill_and_restart();
    assert_eq!(place.status(&id).await, 401, "ended for good");
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_after_its_life() {
    let place = Place::new("idle = \"5s\"\nlife = \"12s\"");
    let (mut idle, _) = place.logged_in("alice").await;
    let idle = place.session(&mut idle);
    let began = std::time::Instant::now();
    let (mut used, _) = place.logged_in("bob").await;
    let used_id = place.session(&mut used);
    while began.elapsed() < Duration::from_millis(5_500) {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(place.status(&used_id).await, 200);
    }
    assert_eq!(place.status(&idle).await, 401);
    let over = async || place.status(&used_id).await == 401;
    until("used all the time, and over all the same", over).await;
    let over = used.send(Method::GET, &place.url("/echo"), "", &[]).await;
    assert_eq!((over.status.as_u16(), over.header("location")), (303, "/auth/login?return_to=%2Fecho"));
    assert!(!used.cookies(place.address()).contains_key(COOKIE));
}

#[tokio::test]
async fn the_provider_is_asked_again_and_what_it_says_counts() {
    let place = Place::with("", 1);
    let (mut browser, _) = place.logged_in("alice").await;
    let id = place.session(&mut browser);
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        // Many at once ask once: the refresh token rotates, and using one twice would end the grant.
        let (one, two, three) = tokio::join!(place.status(&id), place.status(&id), place.status(&id));
        assert_eq!([one, two, three], [200; 3]);
    }
    place.provider.signal(Signal::KILL);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(place.status(&id).await, 200, "a provider that is down ends no session");
    let line = place
        .host
        .line(|line| line["msg"].as_str().is_some_and(|text| text.contains("was not refreshed")))
        .await;
    assert!(!line.to_string().contains("refresh_token"), "{line}");
}

#[tokio::test]
async fn a_provider_that_refuses_ends_the_session() {
    let place = Place::with("", 1);
    let (mut browser, _) = place.logged_in("alice").await;
    let id = place.session(&mut browser);
    Browser::new().visit(&format!("http://{}/end-all-grants", place.provider.address)).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!([place.status(&id).await, place.status(&id).await], [401, 401]);
}

#[tokio::test]
async fn a_provider_that_is_down_at_a_login_is_told_as_such() {
    let place = Place::new("");
    place.provider.signal(Signal::KILL);
    let reply = place.host.client.get("/auth/login").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (503, "identity_unavailable"));
    assert_eq!(reply.header("retry-after"), "5");
}

#[tokio::test]
async fn an_operator_ends_all_sessions_of_a_person() {
    let place = Place::new("");
    let (mut one, _) = place.logged_in("alice").await;
    let (mut two, _) = place.logged_in("alice").await;
    let (mut other, _) = place.logged_in("bob").await;
    let ended = place.host.admin.send(Method::DELETE, "/v1/sessions?subject=alice", "").await;
    assert_eq!(ended.json()["ended"], 2);
    let ids = [place.session(&mut one), place.session(&mut two), place.session(&mut other)];
    assert_eq!(
        [place.status(&ids[0]).await, place.status(&ids[1]).await, place.status(&ids[2]).await],
        [401, 401, 200]
    );
    assert_eq!(place.host.admin.send(Method::DELETE, "/v1/sessions", "").await.status, 422);
}
