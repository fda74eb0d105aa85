//! Calls of a release that the tests make up: what counts, for how long, and what does not.

use std::future::pending;
use std::pin::Pin;

use bytes::Bytes;
use futures::channel::mpsc;
use http::Response;
use http_body::Frame;
use http_body_util::StreamBody;
use ostler_core::gate::{ResponseCheck, ValidationSpec};
use ostler_core::rollout::Share;
use ostler_core::settings::Located;
use ostler_core::{BodyError, Error, Peer, RequestId, Scheme};
use ostler_release::analysis::Sample;
use ostler_upstream::Recorder;
use ostler_validation::{Documents, Validator};
use tokio::time::sleep;

use super::*;

/// A release.
#[derive(Clone, Copy)]
enum Release {
    /// Reads the body and answers with this status after a while.
    Reads(u16, Duration),
    /// Fails.
    Fails(Kind),
    /// Answers with a body that ends so.
    Streams(Option<Kind>),
    /// Never answers, nor reads.
    Hangs,
    /// Never answers before it has the whole body.
    Waits,
}

type Sender = mpsc::UnboundedSender<Result<Frame<Bytes>, BodyError>>;

/// A body of frames that come when the test sends them.
fn frames() -> (Sender, Body) {
    let (sender, frames) = mpsc::unbounded();
    (sender, Body::stream(StreamBody::new(frames)))
}

impl Origin for Release {
    async fn call(&self, exchange: Exchange, request: Request<Body>) -> Answered {
        let deadline = exchange.deadline.into();
        let late = |_| Error::new(Kind::DeadlineExceeded, "");
        let work = async {
            match *self {
                Release::Reads(status, took) => {
                    let _ = request.into_body().whole(100).await;
                    sleep(took).await;
                    Ok(Response::builder().status(status).body(Body::full("x")).unwrap())
                }
                Release::Fails(kind) => Err(Error::new(kind, "")),
                Release::Streams(end) => {
                    let (sender, body) = frames();
                    let end = end.map_or(Ok(Frame::data("x".into())), |kind| Err(BodyError::Refused(kind)));
                    let _ = sender.unbounded_send(end);
                    Ok(Response::new(body))
                }
                Release::Hangs => {
                    let _unread = request;
                    pending().await
                }
                Release::Waits => {
                    let _ = request.into_body().whole(100).await;
                    pending().await
                }
            }
        };
        tokio::time::timeout_at(deadline, work).await.map_err(late).flatten()
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(10)
    }
}

fn exchange() -> Exchange {
    let peer = Peer { address: "127.0.0.1:1".parse().unwrap(), scheme: Scheme::Http, certificate: None };
    let deadline = (Instant::now() + Duration::from_secs(10)).into_std();
    Exchange::new(RequestId::generate(1), peer, "/".into(), std::time::Instant::now(), deadline)
}

/// What is counted of a call of `release` with this body, whose answer is read to its end.
async fn counted(release: Release, body: Body) -> Sample {
    let figures = Arc::new(Figures::default());
    let counted = Some((figures.clone(), 7));
    let calling = Calling { release, answers: None, counted, shadow: None };
    if let Ok(response) = calling.call(exchange(), Request::new(body)).await {
        let _ = response.into_body().whole(100).await;
    }
    figures.read()
}

fn median(sample: &Sample) -> u128 {
    sample.quantile(0.5).unwrap().as_millis()
}

#[tokio::test(start_paused = true)]
async fn a_call_counts_once_with_what_came_of_it() {
    let second = Duration::from_secs(1);
    for (release, fault) in [
        (Release::Reads(200, second), None),
        (Release::Reads(404, second), None),
        (Release::Reads(500, second), Some(Fault::Error)),
        (Release::Fails(Kind::PluginTrapped), Some(Fault::Trap)),
        (Release::Fails(Kind::BodyTooLarge), None),
        (Release::Hangs, Some(Fault::Deadline)),
        (Release::Streams(None), None),
        (Release::Streams(Some(Kind::PluginTrapped)), Some(Fault::Trap)),
        (Release::Streams(Some(Kind::DeadlineExceeded)), Some(Fault::Deadline)),
    ] {
        let sample = counted(release, Body::Empty).await;
        assert_eq!(sample.requests(), 1);
        assert_eq!(
            Fault::ALL.map(|kind| sample.faults_of(kind) == 1),
            Fault::ALL.map(|kind| fault == Some(kind))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_makes_no_release_slow() {
    let (sender, body) = frames();
    let slow = tokio::spawn(async move {
        for _ in 0..4 {
            sleep(Duration::from_secs(2)).await;
            let _ = sender.unbounded_send(Ok(Frame::data("x".into())));
        }
    });
    let sample = counted(Release::Reads(200, Duration::from_millis(100)), body).await;
    slow.await.unwrap();
    assert!((90..=110).contains(&median(&sample)), "{} ms", median(&sample));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_the_client_missed_is_not_the_releases() {
    let (never, body) = frames();
    assert_eq!(counted(Release::Waits, body).await.requests(), 0);
    drop(never);
    // One whose body was there, or was never asked for.
    assert_eq!(counted(Release::Waits, Body::full("x")).await.faults_of(Fault::Deadline), 1);
    let (_unread, body) = frames();
    assert_eq!(counted(Release::Hangs, body).await.faults_of(Fault::Deadline), 1);
}

#[tokio::test(start_paused = true)]
async fn how_long_an_answer_takes_is_told_by_its_head() {
    let figures = Arc::new(Figures::default());
    let counted = Some((figures.clone(), 7));
    let calling = Calling { release: Release::Streams(None), answers: None, counted, shadow: None };
    let response = calling.call(exchange(), Request::new(Body::Empty)).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(figures.read().requests(), 0, "what comes of it is known at its end");
    drop(response);
    let sample = figures.read();
    assert_eq!((sample.requests(), sample.faults()), (1, 0));
    assert!(median(&sample) < 100, "{} ms", median(&sample));
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_before_the_answer_is_counted_unless_he_owed_his_body() {
    for (body_to_come, counted) in [(false, 1), (true, 0)] {
        let figures = Arc::new(Figures::default());
        let calling = Calling {
            release: Release::Waits,
            answers: None,
            counted: Some((figures.clone(), 7)),
            shadow: None,
        };
        let (_sender, body) = frames();
        let request = Request::new(if body_to_come { body } else { Body::Empty });
        let call = calling.call(exchange(), request);
        assert!(tokio::time::timeout(Duration::from_secs(3), call).await.is_err());
        let sample = figures.read();
        assert_eq!(
            (sample.requests(), sample.faults_of(Fault::Abandoned)),
            (counted, counted),
            "{body_to_come}"
        );
        assert!(counted == 0 || (2_800..=3_200).contains(&median(&sample)));
    }
}

const DOCUMENT: &str = r#"
openapi: 3.1.0
info: { title: t, version: "1" }
paths:
  /:
    get:
      responses:
        "200": { description: fine }
"#;

fn answers() -> Arc<Answers> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.yaml"), DOCUMENT).unwrap();
    let spec = ValidationSpec {
        openapi: Some(Located { value: "t.yaml".into(), line: 1 }),
        check_responses: Some(ResponseCheck::Refuse),
        ..ValidationSpec::default()
    };
    let validator = Validator::compile(&spec, folder.path(), &Documents::default()).unwrap().unwrap();
    validator.answers(&Request::new(()).into_parts().0).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_its_document_is_a_fault_of_whoever_gave_it() {
    for (status, kind) in [(200, None), (201, Some(Kind::ResponseInvalid)), (304, None)] {
        let figures = Arc::new(Figures::default());
        let counted = Some((figures.clone(), 7));
        let release = Release::Reads(status, Duration::ZERO);
        let calling = Calling { release, answers: Some(answers()), counted, shadow: None };
        let told = calling.call(exchange(), Request::new(Body::Empty)).await;
        assert_eq!(told.err().map(|error| error.kind), kind, "{status}");
        assert_eq!(figures.read().faults_of(Fault::Error), u64::from(kind.is_some()), "{status}");
    }
}

#[tokio::test]
async fn a_shadow_whose_answer_breaks_the_document_differs() {
    let call = |_: Exchange, _: Request<Body>| {
        let answer = Response::builder().status(201).body(Body::Empty).unwrap();
        Box::pin(async move { Ok(answer) }) as Pin<Box<dyn Future<Output = Answered> + Send>>
    };
    let recorder = Arc::new(Recorder::new(Vec::new(), "x"));
    let shadow = Shadow::of(Box::new(call), Arc::default(), recorder, Share::ALL, false);
    let release = Release::Reads(200, Duration::ZERO);
    let calling = Calling { release, answers: Some(answers()), counted: None, shadow: Some(shadow.clone()) };
    let response = calling.call(exchange(), Request::new(Body::Empty)).await.unwrap();
    response.into_body().whole(100).await.unwrap();
    let report = || shadow.report();
    for _ in 0..2_000 {
        if report().compared == 1 {
            break;
        }
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(report().examples[0].what, ["200 became 500"]);
}
