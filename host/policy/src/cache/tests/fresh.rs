//! Freshness, validation, Vary, ranges, HEAD.

use super::*;

const CACHE: &str = "cache = {}";

#[tokio::test]
async fn an_answer_is_given_while_it_is_fresh_and_says_its_age() {
    let (rig, plugin) = (rig(CACHE), fields(&[("cache-control", "max-age=60"), ("age", "10")]));
    let first = rig.ask(&plugin, get("/a")).await;
    assert_eq!((first.status_field(), first.field("age")), ("Ostler; fwd=uri-miss; stored; ttl=50", "10"));
    rig.wait(49);
    let second = rig.ask(&plugin, get("/a")).await;
    assert_eq!((second.status_field(), second.field("age")), ("Ostler; hit; ttl=1", "59"));
    rig.wait(1);
    assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 2");
}

#[tokio::test]
async fn what_another_cache_has_said_stays() {
    let (rig, plugin) =
        (rig(CACHE), fields(&[("cache-control", "max-age=60"), ("cache-status", "Other; hit")]));
    rig.ask(&plugin, get("/a")).await;
    let hit = rig.ask(&plugin, get("/a")).await;
    let told: Vec<_> = hit.headers.get_all("cache-status").iter().collect();
    assert_eq!(told, ["Other; hit", "Ostler; hit; ttl=60"]);
    let plain = rig.ask(&fields(&[("cache-control", "max-age=60")]), get("/b")).await;
    assert_eq!(plain.headers.get_all("cache-status").iter().count(), 1);
}

#[tokio::test]
async fn lifetimes_come_from_the_nearest_word() {
    for (list, seconds) in [
        (&[("cache-control", "max-age=60, s-maxage=5")][..], 5),
        (&[("cache-control", "max-age=5"), ("expires", "Thu, 01 Jan 2099 00:00:00 GMT")], 5),
        (&[("expires", "Tue, 14 Nov 2023 22:13:27 GMT"), ("date", "Tue, 14 Nov 2023 22:13:20 GMT")], 7),
        (&[("cdn-cache-control", "max-age=9"), ("cache-control", "no-store")], 9),
        (&[("surrogate-control", "max-age=9"), ("cache-control", "max-age=1")], 9),
        (&[("cache-control", "Max-Age=3")], 3),
    ] {
        let (rig, plugin) = (rig(CACHE), fields(list));
        rig.ask(&plugin, get("/a")).await;
        rig.wait(seconds - 1);
        assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 1", "{list:?}");
        rig.wait(1);
        assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 2", "{list:?}");
    }
}

#[tokio::test]
async fn what_says_nothing_or_no_is_not_kept() {
    for list in [
        &[][..],
        &[("cache-control", "no-store, max-age=60")],
        &[("cache-control", "NO-STORE"), ("cache-control", "max-age=60")],
        &[("cache-control", "max-age=0")],
        &[("cache-control", "max-age=abc")],
        &[("expires", "0")],
        &[("expires", "yesterday")],
        &[("last-modified", "Tue, 14 Nov 2020 22:13:20 GMT")],
        &[("cache-control", "max-age=60"), ("vary", "*")],
        &[("cache-control", "max-age=60"), ("age", "60")],
        &[("surrogate-control", "no-store"), ("cache-control", "max-age=60")],
    ] {
        let (rig, plugin) = (rig(CACHE), fields(list));
        assert_eq!(rig.two(&plugin, get("/a"), get("/a")).await, not_kept(), "{list:?}");
    }
}

#[tokio::test]
async fn fields_for_further_caches_are_passed_on() {
    let plugin = fields(&[("cdn-cache-control", "max-age=60"), ("surrogate-control", "max-age=70")]);
    let rig = rig(CACHE);
    rig.ask(&plugin, get("/a")).await;
    let hit = rig.ask(&plugin, get("/a")).await;
    assert_eq!(
        (hit.field("cdn-cache-control"), hit.field("surrogate-control")),
        ("max-age=60", "max-age=70")
    );
    assert_eq!(plugin.calls(), 1);
}

#[tokio::test]
async fn a_route_may_say_how_long_but_not_lift_what_forbids() {
    let rule = "cache = { ttl = '30s' }";
    assert_eq!(rig(rule).two(&fields(&[]), get("/a"), get("/a")).await, kept());
    assert_eq!(rig(rule).two(&fields(&[("cache-control", "max-age=0")]), get("/a"), get("/a")).await, kept());
    for forbids in ["no-store", "private", "no-cache"] {
        let plugin = plugin(move |call, _| {
            let response = Response::builder().header("cache-control", forbids);
            Ok(response.body(Body::full(format!("answer {call}"))).unwrap())
        });
        assert_eq!(rig(rule).two(&plugin, get("/a"), get("/a")).await, not_kept(), "{forbids}");
    }
    let failing = plugin(|call, _| {
        Ok(Response::builder().status(404).body(Body::full(format!("answer {call}"))).unwrap())
    });
    assert_eq!(rig(rule).two(&failing, get("/a"), get("/a")).await, not_kept());
}

#[tokio::test]
async fn a_client_that_has_it_is_told_so() {
    let (rig, plugin) = (
        rig(CACHE),
        fields(&[
            ("cache-control", "max-age=60"),
            ("etag", "W/\"x\""),
            ("last-modified", "Tue, 14 Nov 2023 00:00:00 GMT"),
            ("content-type", "text/plain"),
        ]),
    );
    for (name, value, status) in [
        ("if-none-match", "\"x\"", 304),
        ("if-none-match", "\"y\", W/\"x\"", 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"y\"", 200),
        ("if-modified-since", "Tue, 14 Nov 2023 00:00:00 GMT", 304),
        ("if-modified-since", "Mon, 13 Nov 2023 00:00:00 GMT", 200),
        ("if-modified-since", "nonsense", 200),
    ] {
        let got = rig.ask(&plugin, get("/a").with(name, value)).await;
        assert_eq!(got.status, status, "{name}: {value}");
        if status == 304 {
            assert_eq!(
                (got.body.as_str(), got.field("etag"), got.field("content-type")),
                ("", "W/\"x\"", "")
            );
        }
    }
    let both =
        get("/a").with("if-none-match", "\"y\"").with("if-modified-since", "Tue, 14 Nov 2023 00:00:00 GMT");
    assert_eq!(rig.ask(&plugin, both).await.status, 200, "the tag counts, not the date");
    assert_eq!(plugin.calls(), 1, "the first was asked for whole");
}

/// Says 304 if asked with its tag, and then that it is fresh for another minute.
fn validating() -> Plugin {
    plugin(|call, request| {
        let known = request.headers().get("if-none-match").is_some_and(|tag| tag == "\"x\"");
        let response = Response::builder().header("cache-control", "max-age=60").header("etag", "\"x\"");
        let response = response.header("x-call", call);
        match known {
            true => Ok(response.status(304).body(Body::Empty).unwrap()),
            false => Ok(response.body(Body::full(format!("answer {call}"))).unwrap()),
        }
    })
}

#[tokio::test]
async fn a_stale_answer_is_validated_and_fresh_again() {
    let (rig, plugin) = (rig(CACHE), validating());
    rig.ask(&plugin, get("/a")).await;
    rig.wait(61);
    let validated = rig.ask(&plugin, get("/a")).await;
    assert_eq!((validated.status, validated.body.as_str()), (200, "answer 1"));
    assert_eq!((validated.field("x-call"), validated.field("age")), ("2", "0"));
    assert!(validated.status_field().contains("fwd-status=304; stored"), "{}", validated.status_field());
    rig.wait(59);
    assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 1");
    assert_eq!(plugin.calls(), 2);
}

#[tokio::test]
async fn a_304_about_something_else_is_asked_again_without_conditions() {
    let (rig, plugin) = (
        rig(CACHE),
        plugin(|call, request| {
            let known = request.headers().contains_key("if-none-match");
            let response = Response::builder()
                .header("cache-control", "max-age=60")
                .header("etag", format!("\"{call}\""));
            let body = if known { Body::Empty } else { Body::full(format!("answer {call}")) };
            Ok(response.status(if known { 304 } else { 200 }).body(body).unwrap())
        }),
    );
    rig.ask(&plugin, get("/a")).await;
    rig.wait(61);
    assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 3");
}

#[tokio::test]
async fn no_cache_means_validated_each_time_and_not_kept_without_a_way_to() {
    let (rig, plugin) = (
        rig(CACHE),
        plugin(|call, request| {
            let known = request.headers().contains_key("if-none-match");
            let response = Response::builder().header("cache-control", "no-cache").header("etag", "\"x\"");
            let body = if known { Body::Empty } else { Body::full(format!("answer {call}")) };
            Ok(response.status(if known { 304 } else { 200 }).body(body).unwrap())
        }),
    );
    assert_eq!(rig.two(&plugin, get("/a"), get("/a")).await, kept());
    assert_eq!(plugin.calls(), 2);
}

#[tokio::test]
async fn clients_may_ask_for_more_than_fresh() {
    let (rig, plugin) = (rig(CACHE), fields(&[("cache-control", "max-age=60")]));
    rig.ask(&plugin, get("/a")).await;
    rig.wait(30);
    let status = |directive: &'static str| {
        let (rig, plugin) = (rig.clone(), plugin.clone());
        async move { rig.ask(&plugin, get("/a").with("cache-control", directive)).await.status_field().to_owned() }
    };
    assert!(status("max-age=40").await.contains("; hit"));
    assert!(status("min-fresh=20").await.contains("; hit"));
    assert!(status("max-age=20").await.contains("fwd=request"));
    rig.wait(30);
    assert!(status("min-fresh=31").await.contains("fwd=request"));
    assert!(status("no-cache").await.contains("fwd=request"));
    let only = rig.try_ask(&plugin, get("/b").with("cache-control", "only-if-cached")).await.unwrap_err();
    assert_eq!(only.kind, ostler_core::Kind::NotCached);
    let unseen = rig.ask(&plugin, get("/c").with("cache-control", "no-store")).await.body;
    assert_ne!(rig.ask(&plugin, get("/c")).await.body, unseen);
}

#[tokio::test]
async fn answers_differ_by_what_vary_names() {
    let (rig, plugin) = (
        rig(CACHE),
        plugin(|call, request| {
            let language = request.headers()["accept-language"].to_str().unwrap().to_owned();
            let response =
                Response::builder().header("cache-control", "max-age=60").header("vary", "Accept-Language");
            Ok(response.body(Body::full(format!("{language} {call}"))).unwrap())
        }),
    );
    let ask = |language: &'static str| get("/a").with("accept-language", language);
    assert_eq!(rig.ask(&plugin, ask("de")).await.body, "de 1");
    assert_eq!(rig.ask(&plugin, ask("fr")).await.body, "fr 2");
    assert_eq!(rig.ask(&plugin, ask("de")).await.body, "de 1");
    assert_eq!(rig.ask(&plugin, ask("fr")).await.body, "fr 2");
}

#[tokio::test]
async fn parts_are_cut_out_of_the_whole() {
    let (rig, plugin) = (rig(CACHE), fields(&[("cache-control", "max-age=60"), ("etag", "\"x\"")]));
    rig.ask(&plugin, get("/a")).await;
    let part = rig.ask(&plugin, get("/a").with("range", "bytes=0-2")).await;
    assert_eq!((part.status, part.body.as_str(), part.field("content-range")), (206, "ans", "bytes 0-2/8"));
    let beyond = rig.ask(&plugin, get("/a").with("range", "bytes=8-")).await;
    assert_eq!((beyond.status, beyond.field("content-range")), (416, "bytes */8"));
    let same = get("/a").with("range", "bytes=-1").with("if-range", "\"x\"");
    assert_eq!(rig.ask(&plugin, same).await.body, "1");
    for other in ["\"y\"", "W/\"x\"", "Tue, 14 Nov 2023 00:00:00 GMT"] {
        let other = get("/a").with("range", "bytes=-1").with("if-range", other);
        assert_eq!(rig.ask(&plugin, other).await.body, "answer 1");
    }
    assert_eq!(plugin.calls(), 1);
}

#[tokio::test]
async fn a_part_is_never_taken_for_the_whole() {
    let (rig, plugin) = (
        rig("cache = { ttl = '1m' }"),
        plugin(|call, request| {
            let part = request.headers().contains_key("range");
            let response = Response::builder().header("cache-control", "max-age=60").status(if part {
                206
            } else {
                200
            });
            Ok(response.body(Body::full(if part { "par".into() } else { format!("answer {call}") })).unwrap())
        }),
    );
    assert_eq!(rig.ask(&plugin, get("/a").with("range", "bytes=0-2")).await.status, 206);
    let whole = rig.ask(&plugin, get("/a")).await;
    assert_eq!((whole.status, whole.body.as_str()), (200, "answer 2"));
}

#[tokio::test]
async fn head_is_answered_from_get_and_not_the_other_way_round() {
    let (rig, plugin) = (rig(CACHE), fields(&[("cache-control", "max-age=60")]));
    rig.ask(&plugin, get("/a").method("HEAD")).await;
    assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 2");
    assert!(rig.ask(&plugin, get("/a").method("HEAD")).await.status_field().contains("; hit"));
    assert_eq!(plugin.calls(), 2);
}

#[tokio::test]
async fn statuses_are_kept_as_the_rfc_allows() {
    for (status, is_kept) in
        [(200, true), (301, true), (404, true), (410, true), (500, false), (503, false), (206, false)]
    {
        let rig = rig(CACHE);
        let plugin = plugin(move |call, _| {
            let response = Response::builder().header("cache-control", "max-age=60").status(status);
            Ok(response.body(Body::full(format!("answer {call}"))).unwrap())
        });
        let expected = if is_kept { kept() } else { not_kept() };
        assert_eq!(rig.two(&plugin, get("/a"), get("/a")).await, expected, "{status}");
    }
}

#[tokio::test]
async fn queries_tell_apart_but_for_what_is_ignored() {
    let rig = rig("cache = { ttl = '1m', ignore_query = ['utm_source'] }");
    let plugin = fields(&[]);
    assert_eq!(rig.ask(&plugin, get("/a?x=1&utm_source=y")).await.body, "answer 1");
    assert_eq!(rig.ask(&plugin, get("/a?utm%5fsource=z&x=1")).await.body, "answer 1");
    assert_eq!(rig.ask(&plugin, get("/a?x=2")).await.body, "answer 2");
    assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 3");
    assert_eq!(rig.ask(&plugin, get("/a?utm_source=z")).await.body, "answer 3");
}

#[tokio::test]
async fn a_release_begins_with_nothing_kept_and_one_that_comes_back_finds_its_own() {
    for (rules, second, third) in
        [("cache = {}", "answer 2", "answer 1"), ("cache = { per_release = false }", "answer 1", "answer 1")]
    {
        let clock = Clock::manual(1_700_000_000_000);
        let cache = Cache::manual(clock.clone());
        let [old, new] = ["old", "new"].map(|release| of_release(release, rules, &cache, &clock));
        let plugin = fields(&[("cache-control", "max-age=60")]);
        assert_eq!(old.ask(&plugin, get("/a")).await.body, "answer 1");
        assert_eq!(new.ask(&plugin, get("/a")).await.body, second, "{rules}");
        assert_eq!(old.ask(&plugin, get("/a")).await.body, third, "{rules}");
    }
}
