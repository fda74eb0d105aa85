//! Tries a release with the requests that it brought, where nothing it does leaves: before any user meets it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, header};
use ostler_core::{Body, BodyError, Exchange, Peer, RequestId, Scheme};
use ostler_release::admission::smoke::{ANSWER_MAX, Outbound, Requests, Seen, Wanted};
use ostler_release::admission::{Attachment, Gate, Trial, Verdict};
use ostler_runtime::{Component, LoadError, Plugin};
use ostler_upstream::{Recorder, Stub};

use super::Case;
use crate::control::component::blocking;
use crate::control::{Control, Refusal};

/// Longest time for one request, whatever the plugin's deadline.
const REQUEST_MAX: Duration = Duration::from_secs(60);

/// Longest time for all of them.
const ALL_MAX: Duration = Duration::from_secs(300);

/// How much later than its deadline a call has ended for certain.
const REST: Duration = Duration::from_secs(1);

/// Reasons that are told; the first say most.
const TOLD_MAX: usize = 20;

impl Control {
    pub(super) async fn smoke(
        &self,
        case: &Case<'_>,
        component: &Component,
        trial: &mut Trial,
    ) -> Result<(), Refusal> {
        let start = Instant::now();
        let verdict = match case.upload.file(Attachment::Requests) {
            None if case.rules.smoke => {
                let reason = "it brought no requests to try it with; deploy it with --requests FILE";
                Err(vec![reason.to_owned()])
            }
            None => return Ok(()),
            Some(text) => {
                let text = text.clone();
                match blocking(move || Ok(Requests::parse(&text))).await? {
                    Ok(requests) => self.try_out(case, component, requests).await?,
                    Err(reasons) => Err(reasons),
                }
            }
        };
        trial.note(Gate::Smoke, start.elapsed(), verdict);
        Ok(())
    }

    async fn try_out(
        &self,
        case: &Case<'_>,
        component: &Component,
        requests: Requests,
    ) -> Result<Verdict, Refusal> {
        let spec = &case.entry.definition.spec;
        let stubs = requests.outbound.iter().map(stub).collect();
        let (plugin, recorder) = match self.0.runtime.smoke(case.name, spec, component, stubs).await {
            Ok(trial) => trial,
            Err(LoadError::Host(text)) => return Err(Refusal::Unavailable(text)),
            Err(error) => return Ok(Err(vec![error.to_string()])),
        };
        let until = Instant::now() + ALL_MAX;
        let mut reasons = Vec::new();
        let count = requests.requests.len();
        for wanted in requests.requests {
            if Instant::now() >= until {
                reasons.push(format!("all requests together took more than {} s", ALL_MAX.as_secs()));
                break;
            }
            let seen = ask(&plugin, &recorder, &wanted, spec.deadline.min(REQUEST_MAX)).await;
            reasons.extend(blocking(move || Ok(wanted.judge(&seen))).await?);
            if reasons.len() >= TOLD_MAX {
                break;
            }
        }
        Ok(if reasons.is_empty() {
            Ok(format!("answered as expected: {count} of {count} requests"))
        } else {
            Err(reasons)
        })
    }
}

async fn ask(plugin: &Arc<Plugin>, recorder: &Recorder, wanted: &Wanted, deadline: Duration) -> Seen {
    let started = Instant::now();
    let mut seen = match request(wanted) {
        Ok(request) => answer(plugin, request, wanted, started, deadline).await,
        Err(error) => Seen { failure: Some(error.to_string()), ..Seen::default() },
    };
    seen.took = started.elapsed();
    // What it calls once its answer is whole is this request's, and no other's.
    if !rests(plugin, started + deadline + REST).await {
        seen.failure.get_or_insert_with(|| "it was still at work when its time was over".into());
    }
    let calls = recorder.take();
    seen.further = calls.further;
    for call in calls.calls {
        let told = format!("{} {}", call.method, call.url);
        if call.status.is_some() { seen.calls.push(told) } else { seen.refused.push(told) }
    }
    seen
}

/// Whether it does nothing any more, at the latest by `until`.
async fn rests(plugin: &Plugin, until: Instant) -> bool {
    while plugin.gauges().busy > 0 {
        if Instant::now() >= until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    true
}

async fn answer(
    plugin: &Arc<Plugin>,
    request: Request<Body>,
    wanted: &Wanted,
    started: Instant,
    deadline: Duration,
) -> Seen {
    let id = RequestId::generate(fastrand::u128(..));
    let peer =
        Peer { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), scheme: Scheme::Http, certificate: None };
    let route = Arc::from(wanted.path.path());
    let exchange = Exchange::new(id.clone(), peer, route, started, started + deadline);
    let (response, failure) = match ostler_runtime::call(plugin, exchange, request).await {
        Ok(response) => (response, None),
        Err(error) => (error.response(&id), Some(error.to_string())),
    };
    let (head, body) = response.into_parts();
    let mut seen = Seen { status: head.status, headers: head.headers, failure, ..Seen::default() };
    match body.whole(ANSWER_MAX).await {
        Ok(body) => seen.body = body,
        Err(BodyError::Refused(_)) => {
            seen.failure = Some(format!("its body has more than {ANSWER_MAX} bytes"))
        }
        Err(error) => seen.failure = Some(error.to_string()),
    }
    seen
}

/// The request as a listener would hand it on.
fn request(wanted: &Wanted) -> http::Result<Request<Body>> {
    let mut request = Request::builder()
        .method(wanted.method.clone())
        .uri(wanted.path.clone())
        .body(Body::full(wanted.body.clone()))?;
    *request.headers_mut() = wanted.headers.clone();
    let host = http::HeaderValue::from_static("localhost");
    request.headers_mut().entry(header::HOST).or_insert(host);
    if !wanted.body.is_empty() {
        request.headers_mut().insert(header::CONTENT_LENGTH, wanted.body.len().into());
    }
    Ok(request)
}

fn stub(outbound: &Outbound) -> Stub {
    Stub {
        method: outbound.method.clone(),
        url: outbound.url.clone(),
        status: outbound.status,
        headers: outbound.headers.clone(),
        body: outbound.body.clone(),
    }
}
