//! Asks others whether a release may go on, one after the other.
//!
//! **Invariant:** each is asked at the configured URL and nowhere else, and has answered by its deadline or said no.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Limited};
use ostler_core::Body;
use ostler_core::plugin::Grant;
use ostler_release::admission::hook::{ANSWER_MAX, Question, judge, sign};
use ostler_release::admission::{Gate, Hook, Trial};
use ostler_runtime::inspect::Inspection;
use ostler_services::Clock;
use ostler_upstream::{Timeouts, Upstream};

use super::Case;
use crate::control::{Control, Refusal};

impl Control {
    pub(super) async fn hooks(
        &self,
        case: &Case<'_>,
        inspection: &Inspection,
        trial: &mut Trial,
    ) -> Result<(), Refusal> {
        let live = self.0.registry.live(case.name)?;
        for hook in &case.config.hooks {
            let start = Instant::now();
            let question = Question {
                plugin: case.name,
                digest: case.digest.to_string(),
                size: case.upload.component.len(),
                handler: inspection.handler.map_or("none", |handler| handler.as_str()),
                live: live.as_ref().map(|live| live.digest.to_string()),
                who: &case.upload.who,
                findings: trial.findings(),
            };
            let body =
                serde_json::to_vec(&question).map_err(|error| Refusal::Unavailable(error.to_string()))?;
            let asked = ask(&self.0.services.identity.upstream, hook, body.into()).await;
            // The path and the query of a webhook may be its password.
            let place = hook.url.authority().map(ToString::to_string).unwrap_or_default();
            let verdict = match asked {
                Ok(()) => Ok(format!("{place} said yes")),
                Err(reason) => Err(vec![format!("{place}: {reason}")]),
            };
            trial.note(Gate::Hook, start.elapsed(), verdict);
            if !trial.passes() {
                break;
            }
        }
        Ok(())
    }
}

async fn ask(upstream: &Upstream, hook: &Hook, body: Bytes) -> Result<(), String> {
    let deadline = Instant::now() + hook.deadline;
    let (scheme, authority) = (hook.url.scheme_str().unwrap_or_default(), hook.url.authority());
    let origin = format!("{scheme}://{}", authority.map_or("", |authority| authority.as_str()));
    // The operator named it, wherever it is.
    let networks = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok()).collect();
    let client = upstream.client(&Grant { http: vec![origin], networks, ..Grant::default() });
    // What an answer to a plugin may take is no measure of what the operator lets a hook take.
    let timeouts = Timeouts {
        first_byte: Some(hook.deadline),
        between_bytes: Some(hook.deadline),
        ..Timeouts::default()
    };
    let answered = async {
        let sent =
            client.send(request(hook, body).map_err(|error| error.to_string())?, deadline, timeouts).await;
        let (head, body) = sent.map_err(|error| error.to_string())?.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await;
        let body = body
            .map_err(|error| format!("its answer has more than {ANSWER_MAX} bytes, or broke off: {error}"))?;
        judge(head.status, &body.to_bytes())
    };
    let late = || Err(format!("it did not answer within {} ms", hook.deadline.as_millis()));
    tokio::time::timeout_at(deadline.into(), answered).await.unwrap_or_else(|_| late())
}

fn request(hook: &Hook, body: Bytes) -> http::Result<Request<Body>> {
    let id = format!("msg_{:032x}", fastrand::u128(..));
    let timestamp = Clock::default().now_ms() / 1_000;
    let mut request = Request::post(hook.url.clone())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_LENGTH, body.len())
        .header("webhook-id", &id)
        .header("webhook-timestamp", timestamp);
    if let Some(secret) = &hook.secret {
        request = request.header("webhook-signature", sign(secret, &id, timestamp, &body));
    }
    request.body(Body::full(body))
}
