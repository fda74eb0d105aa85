//! Copies of requests, with a live release and a candidate that the tests make up.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use ostler_core::{Peer, RequestId, Scheme};

use super::*;

const JSON: &str = "application/json";

struct Rig {
    shadow: Arc<Shadow>,
    calls: Arc<AtomicUsize>,
}

/// A shadow of all requests whose candidate answers as `say` does.
fn rig(say: impl Fn(Request<Body>) -> Answered + Send + Sync + 'static) -> Rig {
    let say = Arc::new(say);
    later(Share::ALL, false, move |request| {
        let said = say(request);
        Box::pin(async move { said })
    })
}

fn later(
    share: Share,
    unsafe_methods: bool,
    say: impl Fn(Request<Body>) -> Pin<Box<dyn Future<Output = Answered> + Send>> + Send + Sync + 'static,
) -> Rig {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let call = move |_: Exchange, request| {
        counted.fetch_add(1, SeqCst);
        say(request)
    };
    let recorder = Arc::new(Recorder::new(Vec::new(), "x"));
    Rig { shadow: Shadow::of(Box::new(call), Arc::default(), recorder, share, unsafe_methods), calls }
}

fn exchange() -> Exchange {
    let peer = Peer { address: "127.0.0.1:1".parse().unwrap(), scheme: Scheme::Http, certificate: None };
    let deadline = (tokio::time::Instant::now() + Duration::from_secs(10)).into_std();
    Exchange::new(RequestId::generate(1), peer, "/items/{id}".into(), Instant::now(), deadline)
}

fn request(method: Method, body: Body) -> Request<Body> {
    Request::builder().method(method).uri("/items/7?key=hush").body(body).unwrap()
}

fn answer(status: u16, kind: &str, body: &str) -> Answered {
    let response = Response::builder().status(status).header("content-type", kind);
    Ok(response.body(Body::full(body.to_owned())).unwrap())
}

impl Rig {
    /// One GET that users are answered with `stable`; what they get.
    async fn get(&self, stable: Answered) -> Answered {
        let copied = self.shadow.copy(&exchange(), &mut request(Method::GET, Body::Empty), None).unwrap();
        copied.compare(stable)
    }

    /// The report, once as many copies have ended as there were.
    async fn ended(&self) -> ShadowReport {
        for _ in 0..2_000 {
            let report = self.shadow.report();
            if report.copied == report.compared + report.unanswered {
                return report;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{:?}", self.shadow.report())
    }
}

async fn text(answered: Answered) -> (u16, Bytes) {
    let response = answered.unwrap();
    (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn answers_that_are_alike_are_counted_and_what_differs_is_told_without_values() {
    let rig = rig(|_| answer(200, JSON, r#"{"id":7,"name":"secret-b"}"#));
    let (status, body) = text(rig.get(answer(200, JSON, r#"{"id":8,"name":"secret-a"}"#)).await).await;
    assert_eq!((status, &*body), (200, &br#"{"id":8,"name":"secret-a"}"#[..]), "users get their own");
    text(rig.get(answer(200, JSON, r#"{"id":"8","name":"secret-a"}"#)).await).await;
    text(rig.get(answer(404, JSON, "{}")).await).await;
    text(rig.get(answer(200, "text/plain", "secret-a")).await).await;
    let report = rig.ended().await;
    assert_eq!((report.copied, report.compared, report.equal), (4, 4, 1));
    let told = serde_json::to_string(&report).unwrap();
    assert!(!told.contains("secret") && !told.contains("hush"), "{told}");
    let what: Vec<_> = report.examples.iter().flat_map(|example| &example.what).collect();
    for expected in ["$.id: text became number", "404 became 200", "text/plain became application/json"] {
        assert!(what.iter().any(|text| **text == expected), "{what:?}");
    }
    assert_eq!((&*report.examples[0].route, &*report.examples[0].method), ("/items/{id}", "GET"));
    assert_eq!(report.different.values().sum::<u64>(), 3);
}

#[tokio::test]
async fn only_safe_methods_are_copied_unless_all_may_be() {
    let rig = rig(|_| answer(200, JSON, "{}"));
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        assert!(rig.shadow.copy(&exchange(), &mut request(method, Body::Empty), None).is_none());
    }
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        assert!(rig.shadow.copy(&exchange(), &mut request(method, Body::Empty), None).is_some());
    }
    let all = later(Share::ALL, true, |_| Box::pin(async { answer(200, JSON, "{}") }));
    assert!(all.shadow.copy(&exchange(), &mut request(Method::POST, Body::full("x")), None).is_some());
}

#[tokio::test]
async fn the_share_of_requests_is_copied() {
    let rig = later(Share(10_000), false, |_| Box::pin(async { answer(200, JSON, "{}") }));
    let mut copied = 0;
    for _ in 0..20_000 {
        if rig.shadow.copy(&exchange(), &mut request(Method::GET, Body::Empty), None).is_some() {
            copied += 1;
            rig.ended().await;
        }
    }
    // Six standard deviations of a binomial of 20,000 at 10 %.
    assert!((1_745..=2_255).contains(&copied), "{copied}");
}

#[tokio::test]
async fn a_body_is_copied_if_it_is_there_and_small() {
    let all = later(Share::ALL, true, |request| {
        Box::pin(async move {
            let body = request.into_body().whole(1 << 20).await.unwrap();
            answer(200, "text/plain", &String::from_utf8_lossy(&body))
        })
    });
    let copied =
        all.shadow.copy(&exchange(), &mut request(Method::POST, Body::full("the body")), None).unwrap();
    text(copied.compare(answer(200, "text/plain", "the body"))).await;
    assert_eq!(all.ended().await.equal, 1);
    let large = Body::full(vec![0; REQUEST_BYTES + 1]);
    assert!(all.shadow.copy(&exchange(), &mut request(Method::POST, large), None).is_none());
    assert_eq!(all.ended().await.uncopied, 1);
}

#[tokio::test]
async fn a_body_that_comes_is_copied_as_the_live_release_reads_it() {
    let all = later(Share::ALL, true, |request| {
        Box::pin(async move {
            let body = request.into_body().whole(1 << 20).await.unwrap();
            answer(200, "text/plain", &String::from_utf8_lossy(&body))
        })
    });
    for (pieces, compared) in [(vec!["the ", "body"], 1), (vec!["x"; 70_000], 0), (vec![], 1)] {
        let before = all.ended().await;
        let frames =
            pieces.iter().map(|piece| Ok(http_body::Frame::data(Bytes::from_static(piece.as_bytes()))));
        let body =
            Body::stream(http_body_util::StreamBody::new(futures::stream::iter(frames.collect::<Vec<_>>())));
        let mut request = request(Method::POST, body);
        let copied = all.shadow.copy(&exchange(), &mut request, None).unwrap();
        let read = request.into_body().whole(1 << 20).await.unwrap();
        assert_eq!(read, pieces.concat(), "the live release gets all of it");
        text(copied.compare(answer(200, "text/plain", std::str::from_utf8(&read).unwrap()))).await;
        let after = all.ended().await;
        assert_eq!((after.compared - before.compared, after.different.len()), (compared, 0));
    }
    // One that nobody reads to its end.
    let frames = futures::stream::pending::<Result<http_body::Frame<Bytes>, ostler_core::BodyError>>();
    let mut unread = request(Method::POST, Body::stream(http_body_util::StreamBody::new(frames)));
    let copied = all.shadow.copy(&exchange(), &mut unread, None).unwrap();
    drop(unread);
    text(copied.compare(answer(200, "text/plain", "early"))).await;
    assert_eq!(all.ended().await.unanswered, 2);
}

#[tokio::test(start_paused = true)]
async fn a_candidate_that_hangs_keeps_nobody_waiting_and_is_soon_asked_no_more() {
    let rig = later(Share::ALL, false, |_| Box::pin(std::future::pending()));
    let mut copied = Vec::new();
    for _ in 0..100 {
        copied.extend(rig.shadow.copy(&exchange(), &mut request(Method::GET, Body::Empty), None));
    }
    assert_eq!(copied.len(), COPIES);
    for copy in copied {
        let answered = copy.compare(answer(200, JSON, "{}")).unwrap();
        assert_eq!(answered.status(), StatusCode::OK);
    }
    tokio::task::yield_now().await;
    assert_eq!((rig.calls.load(SeqCst), rig.shadow.report().busy), (COPIES, 92));
}

#[tokio::test]
async fn a_candidate_that_fails_is_told_of_and_users_see_nothing_of_it() {
    let rig = rig(|_| Err(Error::new(Kind::PluginTrapped, "the handler trapped")));
    let (status, body) = text(rig.get(answer(200, JSON, "[1]")).await).await;
    assert_eq!((status, &*body), (200, &b"[1]"[..]));
    let report = rig.ended().await;
    assert_eq!(report.examples[0].what, ["200 became 500"]);
    // Both fail in the same way: alike.
    let failed = rig.get(Err(Error::new(Kind::PluginTrapped, "x"))).await;
    assert!(failed.is_err());
    assert_eq!(rig.ended().await.equal, 1);
}

#[tokio::test]
async fn a_streamed_answer_passes_at_its_own_pace_and_is_compared() {
    let rig = rig(|_| answer(200, JSON, r#"{"a":"x"}"#));
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    let body = Body::stream(http_body_util::StreamBody::new(receiver));
    let stable = Response::builder().header("content-type", JSON).body(body).unwrap();
    let mut user = rig.get(Ok(stable)).await.unwrap().into_body();
    for piece in [r#"{"a""#, r#":1}"#] {
        sender.unbounded_send(Ok(http_body::Frame::data(Bytes::from_static(piece.as_bytes())))).unwrap();
        assert_eq!(user.frame().await.unwrap().unwrap().into_data().unwrap(), piece);
    }
    drop(sender);
    assert!(user.frame().await.is_none());
    assert_eq!(rig.ended().await.examples[0].what, ["$.a: number became text"]);
}

#[tokio::test]
async fn long_broken_and_abandoned_answers_are_borne() {
    let rig = rig(|_| answer(200, "text/plain", &"x".repeat(ANSWER_BYTES + 1)));
    text(rig.get(answer(200, "text/plain", &"x".repeat(ANSWER_BYTES + 1))).await).await;
    assert_eq!(rig.ended().await.equal, 1, "what is too long is compared by its head");
    // The client goes away before there is an answer.
    drop(rig.shadow.copy(&exchange(), &mut request(Method::GET, Body::Empty), None).unwrap());
    assert_eq!(rig.ended().await.unanswered, 1);
    // Or in the middle of it.
    let (_sender, receiver) = futures::channel::mpsc::unbounded();
    let body = Body::stream(http_body_util::StreamBody::new(receiver));
    let stable = Response::builder().header("content-type", "text/plain").body(body).unwrap();
    drop(rig.get(Ok(stable)).await);
    let report = rig.ended().await;
    assert_eq!((report.compared, report.equal), (2, 2));
}

#[tokio::test]
async fn examples_are_bounded() {
    let rig = rig(|_| answer(500, JSON, "{}"));
    for _ in 0..50 {
        text(rig.get(answer(200, JSON, "{}")).await).await;
        rig.ended().await;
    }
    let report = rig.ended().await;
    assert_eq!((report.examples.len(), report.different[&Aspect::Status]), (20, 50));
}
