//! Requests for the same answer while it is being made.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::channel::mpsc;
use http_body::Frame;
use http_body_util::StreamBody;
use ostler_core::Kind;

use super::*;

/// Answers after a second, with these fields.
fn lazy(list: &'static [(&'static str, &'static str)]) -> Plugin {
    slow(move |call, _| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut response = Response::new(Body::full(format!("answer {call}")));
            for (name, value) in list {
                response.headers_mut().append(*name, value.parse().unwrap());
            }
            Ok(response)
        })
    })
}

fn begin(rig: &Rig, plugin: &Plugin, ask: Ask) -> tokio::task::JoinHandle<Got> {
    let (rig, plugin) = (rig.clone(), plugin.clone());
    tokio::spawn(async move { rig.ask(&plugin, ask).await })
}

#[tokio::test(start_paused = true)]
async fn a_hundred_at_once_are_one_call() {
    let (rig, plugin) = (rig("cache = {}"), lazy(&[("cache-control", "max-age=60")]));
    let asks: Vec<_> = (0..100).map(|_| begin(&rig, &plugin, get("/a"))).collect();
    let mut collapsed = 0;
    for ask in asks {
        let got = ask.await.unwrap();
        assert_eq!(got.body, "answer 1");
        collapsed += usize::from(got.status_field().contains("; collapsed"));
    }
    assert_eq!((plugin.calls(), collapsed), (1, 99));
}

#[tokio::test(start_paused = true)]
async fn what_is_for_nobody_else_is_made_for_each_at_once() {
    let (rig, plugin) = (rig("cache = {}"), lazy(&[("cache-control", "private")]));
    let since = tokio::time::Instant::now();
    let asks: Vec<_> = (0..50).map(|_| begin(&rig, &plugin, get("/a"))).collect();
    let mut bodies = std::collections::HashSet::new();
    for ask in asks {
        assert!(bodies.insert(ask.await.unwrap().body), "nobody gets what another got");
    }
    assert_eq!(plugin.calls(), 50);
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}: one after the other", since.elapsed());
    // From then on nobody waits for another.
    let since = tokio::time::Instant::now();
    let asks: Vec<_> = (0..10).map(|_| begin(&rig, &plugin, get("/a"))).collect();
    for ask in asks {
        ask.await.unwrap();
    }
    assert!(since.elapsed() < Duration::from_millis(1_500), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn waiting_does_not_give_anothers_answer() {
    let rig = rig("cache = {}");
    for first in [get("/a").by("alice"), get("/a").with("authorization", "x"), get("/a")] {
        let plugin = lazy(&[("cache-control", "max-age=60, private")]);
        let asks = [first, get("/a").by("bob"), get("/a").with("authorization", "y")];
        let asks: Vec<_> = asks.into_iter().map(|ask| begin(&rig, &plugin, ask)).collect();
        let mut bodies = std::collections::HashSet::new();
        for ask in asks {
            assert!(bodies.insert(ask.await.unwrap().body));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_gives_no_variant_of_another() {
    let rig = rig("cache = {}");
    let plugin = slow(|_, request| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let language = request.headers()["accept-language"].to_str().unwrap().to_owned();
            let response = Response::builder().header("cache-control", "max-age=60");
            Ok(response.header("vary", "accept-language").body(Body::full(language)).unwrap())
        })
    });
    let ask = |language: &'static str| get("/a").with("accept-language", language);
    let asks: Vec<_> =
        ["de", "fr", "de", "en"].map(|language| (language, begin(&rig, &plugin, ask(language)))).into();
    for (language, ask) in asks {
        assert_eq!(ask.await.unwrap().body, language);
    }
    assert_eq!(plugin.calls(), 3, "the second for de waited");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_takes_nothing_from_those_who_wait() {
    let (rig, plugin) = (rig("cache = {}"), lazy(&[("cache-control", "max-age=60")]));
    let first = begin(&rig, &plugin, get("/a"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = begin(&rig, &plugin, get("/a"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    first.abort();
    assert_eq!(second.await.unwrap().body, "answer 1");
    assert_eq!(plugin.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_does_so_within_its_deadline() {
    let rig = rig("cache = {}");
    let plugin = slow(|_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Ok(Response::new(Body::Empty))
        })
    });
    let first = begin(&rig, &plugin, get("/a"));
    tokio::task::yield_now().await;
    let since = tokio::time::Instant::now();
    let error = rig.try_ask(&plugin, get("/a")).await.unwrap_err();
    assert_eq!(error.kind, Kind::DeadlineExceeded);
    assert!(since.elapsed() < Duration::from_secs(12), "{:?}", since.elapsed());
    first.abort();
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_passed_on_and_a_panic_strands_nobody() {
    let rig = rig("cache = {}");
    let plugin = slow(|call, _| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(call > 1, "the first call panics");
            Ok(Response::builder().header("cache-control", "max-age=60").body(Body::full("good")).unwrap())
        })
    });
    let (first, second) = (rig.try_ask(&plugin, get("/a")), rig.ask(&plugin, get("/a")));
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap_err().kind, Kind::Internal);
    assert_eq!(second.body, "good");
}

/// A release whose first answer is a body that the test sends piece by piece.
fn streaming() -> (Plugin, mpsc::UnboundedSender<&'static str>) {
    let (sender, receiver) = mpsc::unbounded();
    let receiver = std::sync::Mutex::new(Some(receiver));
    let plugin = plugin(move |call, _| {
        let body = match receiver.lock().unwrap().take() {
            Some(pieces) => Body::stream(StreamBody::new(
                pieces.map(|piece: &'static str| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))),
            )),
            None => Body::full(format!("answer {call}")),
        };
        Ok(Response::builder().header("cache-control", "max-age=60").body(body).unwrap())
    });
    (plugin, sender)
}

#[tokio::test(start_paused = true)]
async fn a_stream_reaches_its_client_as_it_comes_and_the_others_whole() {
    use http_body_util::BodyExt as _;
    let rig = rig("cache = {}");
    let (plugin, pieces) = streaming();
    let mut body = rig.try_ask(&plugin, get("/a")).await.unwrap().into_body();
    let second = begin(&rig, &plugin, get("/a"));
    pieces.unbounded_send("one ").unwrap();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one ");
    pieces.unbounded_send("two").unwrap();
    // The first client takes its time; whoever waits need not.
    drop(pieces);
    assert_eq!(second.await.unwrap().body, "one two");
    assert_eq!(body.whole(100).await.unwrap(), "two");
    assert_eq!(plugin.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_end_keeps_nobody_waiting() {
    let rig = rig("cache = {}");
    let (plugin, pieces) = streaming();
    let _first = rig.try_ask(&plugin, get("/a")).await.unwrap();
    pieces.unbounded_send("one ").unwrap();
    let since = tokio::time::Instant::now();
    assert_eq!(rig.ask(&plugin, get("/a")).await.body, "answer 2");
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    let since = tokio::time::Instant::now();
    rig.ask(&plugin, get("/a")).await;
    assert!(since.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_large_goes_through_whole_and_is_not_kept() {
    let rig = rig("cache = {}");
    let large = "x".repeat((1 << 20) + 1);
    let whole = large.clone();
    let plugin = plugin(move |_, _| {
        Ok(Response::builder().header("cache-control", "max-age=60").body(Body::full(whole.clone())).unwrap())
    });
    for _ in 0..2 {
        assert_eq!(rig.ask(&plugin, get("/a")).await.body.len(), large.len());
    }
    assert_eq!(plugin.calls(), 2);
}
