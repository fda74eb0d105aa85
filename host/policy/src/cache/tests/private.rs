//! A private answer is never served to another: a test per way it could happen.

use super::*;

/// Answers who asked, with these fields.
fn mirror(list: &'static [(&'static str, &'static str)]) -> Plugin {
    plugin(move |call, request| {
        let mut response = Response::new(Body::full(format!("answer {call}")));
        for (name, value) in list {
            response.headers_mut().append(*name, value.parse().unwrap());
        }
        if request.headers().get("if-none-match").is_some() {
            *response.status_mut() = http::StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::Empty;
        }
        Ok(response)
    })
}

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=60")];

#[tokio::test]
async fn way_1_a_principal_without_vary_on() {
    for rule in ["cache = {}", "cache = { ttl = '1m' }"] {
        let pairs = [(get("/a").by("alice"), get("/a").by("bob")), (get("/a").by("alice"), get("/a"))];
        for (first, second) in pairs {
            assert_eq!(rig(rule).two(&mirror(FRESH), first, second).await, not_kept());
        }
    }
    // What says of itself that it is for all is for all.
    for open in [&[("cache-control", "public, max-age=60")][..], &[("cache-control", "s-maxage=60")]] {
        assert_eq!(
            rig("cache = {}").two(&mirror(open), get("/a").by("alice"), get("/a").by("bob")).await,
            kept()
        );
    }
}

#[tokio::test]
async fn way_2_a_credential_that_only_the_plugin_knows() {
    for rule in ["cache = {}", "cache = { ttl = '1m' }"] {
        for name in ["authorization", "proxy-authorization"] {
            let ask = |who: &str| get("/a").with(name, format!("Bearer {who}"));
            assert_eq!(rig(rule).two(&mirror(FRESH), ask("alice"), ask("bob")).await, not_kept(), "{name}");
            assert_eq!(rig(rule).two(&mirror(FRESH), ask("alice"), get("/a")).await, not_kept(), "{name}");
        }
    }
}

#[tokio::test]
async fn way_3_a_session_in_a_cookie_that_only_the_plugin_knows() {
    let ask = |who: &str| get("/a").with("cookie", format!("session={who}"));
    assert_eq!(rig("cache = { ttl = '1m' }").two(&mirror(&[]), ask("alice"), ask("bob")).await, not_kept());
    assert_eq!(rig("cache = { ttl = '1m' }").two(&mirror(&[]), ask("alice"), get("/a")).await, not_kept());
    // Nor does whoever has a session get what was kept for those without.
    assert_eq!(rig("cache = { ttl = '1m' }").two(&mirror(&[]), get("/a"), ask("alice")).await, not_kept());
}

#[tokio::test]
async fn way_4_set_cookie() {
    let cookie = &[("cache-control", "public, max-age=60"), ("set-cookie", "session=alice")];
    assert_eq!(rig("cache = {}").two(&mirror(cookie), get("/a"), get("/a")).await, not_kept());
    let (rig, plugin) = (rig("cache = { drop_set_cookie = true }"), mirror(cookie));
    assert_eq!(rig.ask(&plugin, get("/a")).await.field("set-cookie"), "session=alice");
    let second = rig.ask(&plugin, get("/a")).await;
    assert_eq!((second.body.as_str(), second.field("set-cookie")), ("answer 1", ""));
}

#[tokio::test]
async fn way_5_private_and_no_store_however_they_are_written() {
    for text in
        ["private", "Private", "public, private, max-age=60", "private=\"x\", max-age=60", "x=\"a, private"]
    {
        for rule in
            ["cache = {}", "cache = { ttl = '1m' }", "cache = { ttl = '1m', vary_on = ['principal'] }"]
        {
            let plugin = plugin(move |call, _| {
                let response = Response::builder().header("cache-control", text);
                Ok(response.body(Body::full(format!("answer {call}"))).unwrap())
            });
            assert_eq!(rig(rule).two(&plugin, get("/a"), get("/a")).await, not_kept(), "{text} {rule}");
        }
    }
}

#[tokio::test]
async fn way_6_vary_by_the_credential() {
    let by_cookie = &[("cache-control", "max-age=60"), ("vary", "cookie")];
    let ask = |who: &str| get("/a").with("cookie", format!("s={who}"));
    let (rig, plugin) = (rig("cache = {}"), mirror(by_cookie));
    assert_eq!(rig.two(&plugin, ask("alice"), ask("bob")).await, not_kept());
    assert_eq!(rig.ask(&plugin, ask("alice")).await.body, "answer 1");
    let by_header = &[("cache-control", "public, max-age=60"), ("vary", "authorization")];
    let ask = |who: &str| get("/a").with("authorization", who.to_owned());
    assert_eq!(super::rig("cache = {}").two(&mirror(by_header), ask("alice"), ask("bob")).await, not_kept());
}

#[tokio::test]
async fn way_7_a_tenant_for_another_and_for_those_without() {
    let in_tenant = |subject: &str, tenant: Option<&str>| {
        get("/a").of(Principal { tenant: tenant.map(Into::into), ..principal(subject) })
    };
    let rule = "cache = { vary_on = ['tenant'] }";
    let two = |first, second| async move { rig(rule).two(&mirror(FRESH), first, second).await };
    assert_eq!(two(in_tenant("a", Some("x")), in_tenant("b", Some("y"))).await, not_kept());
    assert_eq!(two(in_tenant("a", Some("x")), in_tenant("b", None)).await, not_kept());
    // Without a tenant, the key does not know who asks.
    assert_eq!(two(in_tenant("a", None), in_tenant("b", None)).await, not_kept());
    assert_eq!(two(in_tenant("a", Some("")), in_tenant("b", None)).await, not_kept());
    assert_eq!(two(in_tenant("a", Some("x")), in_tenant("b", Some("x"))).await, kept());
}

#[tokio::test]
async fn way_8_the_same_subject_of_another_authenticator_way_or_rights() {
    let alice = principal("alice");
    for other in [
        Principal { authenticator: "other".into(), ..alice.clone() },
        Principal { method: Proof::Session, ..alice.clone() },
        Principal { tenant: Some("t".into()), ..alice.clone() },
        Principal { scopes: vec!["admin".into()], ..alice.clone() },
        Principal { roles: vec!["admin".into()], ..alice.clone() },
        Principal { subject: "alicf".into(), ..alice.clone() },
        Principal {
            assurance: Assurance { second_factor_at: Some(SystemTime::UNIX_EPOCH), ..Assurance::default() },
            ..alice.clone()
        },
    ] {
        let rig = rig("cache = { vary_on = ['principal'] }");
        let told = format!("{other:?}");
        assert_eq!(
            rig.two(&mirror(FRESH), get("/a").of(alice.clone()), get("/a").of(other)).await,
            not_kept(),
            "{told}"
        );
    }
    let rig = rig("cache = { vary_on = ['principal'] }");
    assert_eq!(rig.two(&mirror(FRESH), get("/a").by("alice"), get("/a").by("alice")).await, kept());
}

#[tokio::test]
async fn way_9_values_that_look_like_other_parts_of_the_key() {
    let rig = rig("cache = { ttl = '1m', vary_on = ['header:x-a', 'header:x-b', 'query:q', 'cookie:c'] }");
    let plugin = mirror(&[]);
    let asks = [
        get("/a").with("x-a", "1").with("x-b", "2"),
        get("/a").with("x-a", "12"),
        get("/a").with("x-b", "12"),
        get("/a").with("x-a", "1, 2"),
        get("/a").with("x-a", "1").with("x-a", "2"),
        get("/a").with("x-a", "1\tx-b: 2"),
        get("/a?q=1"),
        get("/a?q=1&q=2"),
        get("/a?q=1%26q=2"),
        get("/a%3Fq=1"),
        get("/a").with("cookie", "c=1"),
        get("/a").with("cookie", "c=1; c=2"),
        get("/a").with("cookie", "c=\"1; c=2\""),
        get("/%61"),
        get("/a/"),
        get("/A"),
        get("/a?"),
        get("/a"),
    ];
    let count = asks.len();
    for ask in asks {
        rig.ask(&plugin, ask).await;
    }
    assert_eq!(plugin.calls(), count, "each is a request of its own");
}

#[tokio::test]
async fn way_10_another_host_plugin_or_door_on_the_same_store() {
    let clock = Clock::manual(1_700_000_000_000);
    let cache = Cache::manual(clock.clone());
    let open = &[("cache-control", "public, max-age=60")];
    let plugin = mirror(open);
    let inside = beside("auth = ['main']\ncache = {}", &cache, &clock);
    let outside = beside("cache = {}", &cache, &clock);
    let narrower = beside("auth = ['main']\nrequire = ['orders:read']\ncache = {}", &cache, &clock);
    inside.ask(&plugin, get("/a").by("alice")).await;
    outside.ask(&plugin, get("/a")).await;
    narrower.ask(&plugin, get("/a").by("bob")).await;
    outside.ask(&plugin, get("/a").with("host", "b.test")).await;
    outside.ask(&plugin, get("/a").with("host", "a.test:8080")).await;
    assert_eq!(plugin.calls(), 5);
    outside.ask(&plugin, get("/a").with("host", "A.TEST")).await;
    assert_eq!(plugin.calls(), 5, "the case of a host's letters is no difference");
}

#[tokio::test]
async fn way_11_head_and_range_of_anothers_answer() {
    let rig = rig("cache = { vary_on = ['principal'] }");
    let plugin = mirror(FRESH);
    rig.ask(&plugin, get("/a").by("alice")).await;
    for ask in [get("/a").by("bob").method("HEAD"), get("/a").by("bob").with("range", "bytes=0-2")] {
        let got = rig.ask(&plugin, ask).await;
        assert!(got.status_field().contains("fwd=uri-miss"), "{}", got.status_field());
    }
}

#[tokio::test]
async fn way_12_anothers_entity_tag() {
    // Bob sends the tag of Alice's answer: the plugin must not hear of it in a way that its 304 validates for him.
    let tagged = &[("cache-control", "max-age=60"), ("etag", "\"alice\"")];
    let (rig, plugin) = (rig("cache = { vary_on = ['principal'] }"), mirror(tagged));
    assert_eq!(rig.ask(&plugin, get("/a").by("alice")).await.body, "answer 1");
    let bob = rig.ask(&plugin, get("/a").by("bob").with("if-none-match", "\"x\"")).await;
    assert_eq!((bob.status, bob.body.as_str()), (200, "answer 2"), "the plugin was asked without conditions");
    rig.wait(61);
    assert_eq!(rig.ask(&plugin, get("/a").by("bob")).await.body, "answer 2");
    assert_eq!(rig.ask(&plugin, get("/a").by("alice")).await.body, "answer 1");
}

#[tokio::test]
async fn way_13_a_validation_that_turns_private() {
    let rig = rig("cache = {}");
    let plugin = plugin(|call, _| {
        let control = if call == 1 { "public, max-age=60" } else { "private, max-age=60" };
        let response = Response::builder().header("cache-control", control).header("etag", "\"x\"");
        let response = response.status(if call == 2 { 304 } else { 200 });
        Ok(response.body(if call == 2 { Body::Empty } else { Body::full(format!("answer {call}")) }).unwrap())
    });
    assert_eq!(rig.ask(&plugin, get("/a").by("alice")).await.body, "answer 1");
    rig.wait(61);
    let validated = rig.ask(&plugin, get("/a").by("alice")).await;
    assert_eq!((validated.body.as_str(), validated.status_field()), ("answer 1", "Ostler; fwd=stale"));
    assert_eq!(rig.ask(&plugin, get("/a").by("bob")).await.body, "answer 3");
}

#[tokio::test]
async fn way_14_a_stale_answer_in_place_of_an_error() {
    let rig = rig("cache = { vary_on = ['principal'], stale_if_error = '1h' }");
    let plugin = plugin(|call, _| match call {
        1 => {
            Ok(Response::builder().header("cache-control", "max-age=1").body(Body::full("alice's")).unwrap())
        }
        _ => Err(Error::new(ostler_core::Kind::PluginFailed, "down")),
    });
    rig.ask(&plugin, get("/a").by("alice")).await;
    rig.wait(5);
    assert!(rig.try_ask(&plugin, get("/a").by("bob")).await.is_err());
    assert!(rig.try_ask(&plugin, get("/a")).await.is_err());
    assert_eq!(rig.ask(&plugin, get("/a").by("alice")).await.body, "alice's");
}
