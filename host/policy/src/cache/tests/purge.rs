//! What drops an answer before its time: writes, tags, keys, prefixes.

use ostler_services::cache::Purge;

use super::*;

/// Fresh for a minute, tagged by its path; writes point where they are told.
fn shop() -> Plugin {
    plugin(|call, request| {
        let path = request.uri().path().to_owned();
        let mut response = Response::builder();
        if request.method() == "GET" {
            response = response.header("cache-control", "max-age=60");
            response = response.header("cache-tag", format!("all, {}", path.trim_start_matches('/')));
        }
        for name in ["location", "content-location", "cache-purge", "x-status"] {
            if let Some(value) = request.headers().get(name) {
                match name {
                    "x-status" => response = response.status(value.to_str().unwrap()),
                    _ => response = response.header(name, value),
                }
            }
        }
        Ok(response.body(Body::full(format!("answer {call}"))).unwrap())
    })
}

async fn is_hit(rig: &Rig, plugin: &Plugin, path: &'static str) -> bool {
    rig.ask(plugin, get(path)).await.status_field().contains("; hit")
}

#[tokio::test]
async fn tags_are_for_the_host_and_drop_what_they_name() {
    let (rig, plugin) = (rig("cache = {}"), shop());
    for path in ["/a", "/b"] {
        assert_eq!(rig.ask(&plugin, get(path)).await.field("cache-tag"), "");
    }
    assert!(rig.inner.cache.purge(&[Purge::Tag("a".into())]).await);
    assert!(!is_hit(&rig, &plugin, "/a").await && is_hit(&rig, &plugin, "/b").await);
    rig.inner.cache.purge(&[Purge::Tag("all".into())]).await;
    assert!(!is_hit(&rig, &plugin, "/a").await && !is_hit(&rig, &plugin, "/b").await);
    let shown = super::rig("cache = { show_tags = true }");
    assert_eq!(shown.ask(&plugin, get("/a")).await.field("cache-tag"), "all, a");
    assert_eq!(shown.ask(&plugin, get("/a")).await.field("cache-tag"), "all, a");
}

#[tokio::test]
async fn keys_and_prefixes_are_host_path_and_query() {
    let (rig, plugin) = (rig("cache = {}"), shop());
    let hits = |paths: [&'static str; 3]| {
        let (rig, plugin) = (rig.clone(), plugin.clone());
        async move {
            let mut hits = [false; 3];
            for (hit, path) in hits.iter_mut().zip(paths) {
                *hit = is_hit(&rig, &plugin, path).await;
            }
            hits
        }
    };
    let paths = ["/a", "/a?x=1", "/a/b"];
    hits(paths).await;
    assert_eq!(hits(paths).await, [true; 3]);
    rig.inner.cache.purge(&[Purge::Key("a.test/a".into())]).await;
    assert_eq!(hits(paths).await, [false, true, true]);
    rig.inner.cache.purge(&[Purge::Prefix("a.test/a/".into())]).await;
    assert_eq!(hits(paths).await, [true, true, false]);
    rig.inner.cache.purge(&[Purge::Prefix("b.test".into())]).await;
    assert_eq!(hits(paths).await, [true; 3]);
    rig.inner.cache.purge(&[Purge::All]).await;
    assert_eq!(hits(paths).await, [false; 3]);
}

#[tokio::test]
async fn a_write_drops_what_it_changed_if_it_did() {
    let (rig, plugin) = (rig("cache = {}"), shop());
    for (ask, dropped) in [
        (get("/a").method("POST"), [true, false]),
        (get("/a").method("DELETE"), [true, false]),
        (get("/a").method("PURGE"), [true, false]),
        (get("/x").method("PUT").with("location", "/a"), [true, false]),
        (get("/x").method("PUT").with("content-location", "http://a.test/b"), [false, true]),
        (get("/x").method("PUT").with("location", "http://evil.test/a"), [false, false]),
        (get("/x").method("POST").with("cache-purge", "a, b"), [true, true]),
        (get("/a").method("POST").with("x-status", "422"), [false, false]),
        (get("/a").method("POST").with("x-status", "500"), [false, false]),
        (get("/a").method("OPTIONS"), [false, false]),
    ] {
        let told = (ask.path, ask.method, ask.fields.clone());
        for path in ["/a", "/b"] {
            rig.ask(&plugin, get(path)).await;
        }
        let written = rig.ask(&plugin, ask).await;
        assert_eq!((written.status_field(), written.field("cache-purge")), ("Ostler; fwd=method", ""));
        let left = [!is_hit(&rig, &plugin, "/a").await, !is_hit(&rig, &plugin, "/b").await];
        assert_eq!(left, dropped, "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_begun_before_a_purge_is_not_kept() {
    let rig = rig("cache = {}");
    let plugin = slow(|call, _| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let response = Response::builder().header("cache-control", "max-age=60").header("cache-tag", "t");
            Ok(response.body(Body::full(format!("answer {call}"))).unwrap())
        })
    });
    let (first, ()) = tokio::join!(rig.ask(&plugin, get("/a")), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        rig.inner.cache.purge(&[Purge::Tag("t".into())]).await;
    });
    assert_eq!((first.body.as_str(), first.status_field().contains("stored")), ("answer 1", false));
    assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 2");
    assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 2");
}

#[tokio::test]
async fn an_answer_with_more_tags_than_can_be_known_is_not_kept() {
    let plugin = plugin(|call, _| {
        let tags: Vec<_> = (0..65).map(|tag| tag.to_string()).collect();
        let response =
            Response::builder().header("cache-control", "max-age=60").header("cache-tag", tags.join(","));
        Ok(response.body(Body::full(format!("answer {call}"))).unwrap())
    });
    assert_eq!(rig("cache = {}").two(&plugin, get("/a"), get("/a")).await, not_kept());
}

#[tokio::test]
async fn conditions_for_the_current_state_pass() {
    let (rig, plugin) = (rig("cache = {}"), shop());
    rig.ask(&plugin, get("/a")).await;
    let got = rig.ask(&plugin, get("/a").with("if-match", "\"x\"")).await;
    assert_eq!((got.body.as_str(), got.status_field()), ("answer 2", "Ostler; fwd=bypass"));
}
