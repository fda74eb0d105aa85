//! Stale answers: while a new one is made, and when there is none.

use ostler_core::Kind;
use ostler_release::analysis::Figures;

use super::*;
use crate::calling::Calling;

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stale_answer_is_given_while_one_call_makes_the_next() {
    let (rig, plugin) =
        (rig("cache = {}"), fields(&[("cache-control", "max-age=10, stale-while-revalidate=20")]));
    rig.ask(&plugin, get("/a")).await;
    rig.wait(11);
    for _ in 0..5 {
        let stale = rig.ask(&plugin, get("/a")).await;
        assert_eq!((stale.body.as_str(), stale.status_field()), ("answer 1", "Ostler; hit; ttl=-1"));
    }
    settle().await;
    assert_eq!(plugin.calls(), 2);
    assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 2");
    rig.wait(31);
    assert_eq!(
        rig.ask(&plugin, get("/a")).await.body,
        "answer 3",
        "beyond its time it is made while one waits"
    );
}

#[tokio::test]
async fn a_route_may_allow_stale_answers_unless_they_forbid_it() {
    let rule = "cache = { stale_while_revalidate = '20s', stale_if_error = '20s' }";
    for (list, body) in [
        (&[("cache-control", "max-age=10")][..], "answer 1"),
        (&[("cache-control", "max-age=10, must-revalidate")], "answer 2"),
        (&[("cache-control", "max-age=10, proxy-revalidate")], "answer 2"),
        (&[("cache-control", "s-maxage=10")], "answer 2"),
        (&[("cache-control", "max-age=10, stale-while-revalidate=0")], "answer 2"),
    ] {
        let (rig, plugin) = (rig(rule), fields(list));
        rig.ask(&plugin, get("/a")).await;
        rig.wait(11);
        assert_eq!(rig.ask(&plugin, get("/a")).await.body, body, "{list:?}");
    }
}

/// Good once, then as told.
fn failing(control: &'static str, then: fn() -> Result<Response<Body>, Error>) -> Plugin {
    plugin(move |call, _| match call {
        1 => Ok(Response::builder().header("cache-control", control).body(Body::full("good")).unwrap()),
        _ => then(),
    })
}

fn trapped() -> Result<Response<Body>, Error> {
    Err(Error::new(Kind::PluginTrapped, "it trapped"))
}

fn unavailable() -> Result<Response<Body>, Error> {
    Ok(Response::builder().status(503).body(Body::Empty).unwrap())
}

#[tokio::test]
async fn a_stale_answer_stands_in_for_a_failure() {
    for (then, told) in [
        (trapped as fn() -> _, "Ostler; hit; fwd=stale; ttl=-5"),
        (unavailable, "Ostler; hit; fwd=stale; fwd-status=503; ttl=-5"),
    ] {
        let (rig, plugin) = (rig("cache = {}"), failing("max-age=10, stale-if-error=60", then));
        rig.ask(&plugin, get("/a")).await;
        rig.wait(15);
        let stale = rig.ask(&plugin, get("/a")).await;
        assert_eq!((stale.status, stale.body.as_str(), stale.status_field()), (200, "good", told));
        rig.wait(60);
        match rig.try_ask(&plugin, get("/a")).await {
            Ok(response) => assert_eq!(response.status(), 503),
            Err(error) => assert_eq!(error.kind, Kind::PluginTrapped),
        }
    }
}

#[tokio::test]
async fn a_failure_is_a_failure_where_stale_answers_are_forbidden() {
    for control in ["max-age=10", "max-age=10, must-revalidate, stale-if-error=60"] {
        let (rig, plugin) = (rig("cache = {}"), failing(control, trapped));
        rig.ask(&plugin, get("/a")).await;
        rig.wait(15);
        assert!(rig.try_ask(&plugin, get("/a")).await.is_err(), "{control}");
    }
    // A client's mistake is no failure of the plugin.
    let (rig, plugin) = (
        rig("cache = {}"),
        failing("max-age=10, stale-if-error=60", || Err(Error::new(Kind::BadRequest, "no"))),
    );
    rig.ask(&plugin, get("/a")).await;
    rig.wait(15);
    assert!(rig.try_ask(&plugin, get("/a")).await.is_err());
}

#[tokio::test]
async fn an_error_document_of_the_host_is_never_kept() {
    let (rig, plugin) =
        (rig("cache = { ttl = '1m' }"), plugin(|_, _| Err(Error::new(Kind::PluginFailed, "no"))));
    assert!(rig.try_ask(&plugin, get("/a")).await.is_err());
    assert!(rig.try_ask(&plugin, get("/a")).await.is_err());
    assert_eq!(plugin.calls(), 2);
}

#[tokio::test]
async fn what_was_kept_counts_for_no_release_and_a_failure_does_that_it_stands_in_for() {
    let rig = rig("cache = { stale_if_error = '1h' }");
    let release = plugin(|call, _| {
        let response = Response::builder().status(if call == 1 { 200 } else { 503 });
        Ok(response.header("cache-control", "max-age=60").body(Body::full("x")).unwrap())
    });
    let figures = Arc::<Figures>::default();
    let counted = Some((figures.clone(), 7));
    let calling = Calling { release, answers: None, counted, shadow: None };
    for _ in 0..10 {
        assert_eq!(rig.ask(&calling, get("/a")).await.status, 200);
    }
    assert_eq!((figures.read().requests(), figures.read().faults()), (1, 0));
    rig.wait(61);
    assert_eq!(rig.ask(&calling, get("/a")).await.status, 200);
    assert_eq!((figures.read().requests(), figures.read().faults()), (2, 1));
}
