//! The admin API: routes, authorization, answers.
//!
//! **Invariant:** everything below `/v1/` but its own description asks for the token.

mod answer;
mod body;
mod by;
mod cache;
mod experiments;
mod flags;
mod keys;
mod openapi;
mod options;
mod plugins;
mod releases;
mod rollouts;
mod sessions;
mod upload;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use http::{HeaderName, Method, Request, Response, StatusCode, header};
use ostler_core::{Body, Handle, Peer, RequestId};
use ostler_observe::metrics;
use ostler_release::flags::Store;

use crate::control::{Control, Wish};
use crate::token::Token;
use answer::{Answer, Problem, json, text};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Asks the process to read its configuration again; the texts are warnings, or what is wrong with it.
pub type Reload =
    Arc<dyn Fn() -> futures::future::BoxFuture<'static, Result<Vec<String>, Vec<String>>> + Send + Sync>;

/// What answers on the admin listener. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    control: Control,
    flags: Store,
    token: Arc<Token>,
    reload: Reload,
    draining: Arc<AtomicBool>,
}

impl Api {
    /// An API over `control` and `flags`. `draining` turns `/readyz` to 503.
    pub fn new(
        control: Control,
        flags: Store,
        token: Token,
        reload: Reload,
        draining: Arc<AtomicBool>,
    ) -> Self {
        Api { control, flags, token: Arc::new(token), reload, draining }
    }

    async fn answer(self, request: Request<Body>) -> Answer {
        let path = request.uri().path().to_owned();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let method = request.method().clone();
        match (&method, parts.as_slice()) {
            (&Method::GET | &Method::HEAD, ["healthz"]) => Ok(text(StatusCode::OK, "ok\n")),
            (&Method::GET | &Method::HEAD, ["readyz"]) => Ok(self.ready()),
            (&Method::GET, ["metrics"]) => Ok(self.metrics().await),
            (&Method::GET, ["v1", "openapi.json"]) => Ok(json(StatusCode::OK, &openapi::document())),
            (_, ["v1", rest @ ..]) => {
                self.authorize(&request)?;
                self.operate(&method, rest, request).await
            }
            _ => Err(Problem::nothing_here()),
        }
    }

    async fn operate(&self, method: &Method, path: &[&str], request: Request<Body>) -> Answer {
        let (control, store) = (&self.control, &self.flags);
        match (method, path) {
            (&Method::GET, ["plugins"]) => plugins::list(control).await,
            (&Method::GET, ["plugins", name]) => plugins::get(control, name).await,
            (&Method::PUT, ["plugins", name]) => plugins::put(control, name, request).await,
            (&Method::DELETE, ["plugins", name]) => plugins::delete(control, name).await,
            (&Method::GET, ["plugins", name, "releases"]) => releases::list(control, name).await,
            (&Method::PUT, ["plugins", name, "releases"]) => releases::put(control, name, request).await,
            (&Method::DELETE, ["plugins", name, "releases", digest]) => {
                releases::delete(control, name, digest).await
            }
            (&Method::GET, ["plugins", name, "releases", digest, "sbom"]) => {
                releases::sbom(control, name, digest).await
            }
            (&Method::POST, ["plugins", name, "rollback"]) => {
                releases::rollback(control, name, request).await
            }
            (&Method::GET, ["plugins", name, "rollout"]) => rollouts::get(control, name).await,
            (&Method::GET, ["plugins", name, "rollouts"]) => {
                rollouts::list(control, name, request.uri().query()).await
            }
            (&Method::GET, ["plugins", name, "rollouts", number]) => {
                rollouts::one(control, name, number).await
            }
            (&Method::POST, ["plugins", name, "rollout", wish]) => {
                rollouts::steer(control, name, wish, request).await
            }
            (&Method::GET, ["keys"]) => keys::list(control),
            (&Method::POST, ["keys"]) => keys::create(control, request).await,
            (&Method::GET, ["keys", id]) => keys::get(control, id),
            (&Method::DELETE, ["keys", id]) => keys::revoke(control, id).await,
            (&Method::POST, ["keys", id, "rotate"]) => keys::rotate(control, id, request).await,
            (&Method::GET, ["experiments"]) => Ok(experiments::list(control)),
            (&Method::GET, ["experiments", name]) => experiments::get(control, name, request.uri().query()),
            (&Method::DELETE, ["experiments", name]) => experiments::restart(control, name).await,
            (&Method::GET, ["flags"]) => flags::list(store),
            (&Method::GET, ["flags", key]) => flags::get(store, key),
            (&Method::PUT, ["flags", key]) => flags::put(store, key, request).await,
            (&Method::DELETE, ["flags", key]) => flags::delete(store, key, request).await,
            (&Method::GET, ["flags", key, "history"]) => flags::history(store, key),
            (&Method::POST, ["flags", key, "toggle"]) => flags::toggle(store, key, request).await,
            (&Method::POST, ["flags", key, "rollback"]) => flags::rollback(store, key, request).await,
            (&Method::POST, ["flags", key, "evaluate"]) => flags::evaluate(store, key, request).await,
            (&Method::POST, ["cache", "purge"]) => cache::purge(control, request).await,
            (&Method::DELETE, ["sessions"]) => sessions::end(control, request.uri().query()).await,
            (&Method::POST, ["reload"]) => match (self.reload)().await {
                Ok(warnings) => {
                    let reloaded = serde_json::json!({ "reloaded": true, "warnings": warnings });
                    Ok(json(StatusCode::OK, &reloaded))
                }
                Err(reasons) => Err(Problem::invalid(reasons)),
            },
            (_, path) => Err(match methods(path) {
                Some(methods) => Problem::wrong_method(methods),
                None => Problem::nothing_here(),
            }),
        }
    }

    fn authorize(&self, request: &Request<Body>) -> Result<(), Problem> {
        let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (Some(value), None) if self.token.authorizes(value.as_bytes()) => Ok(()),
            _ => Err(Problem::unauthorized()),
        }
    }

    fn ready(&self) -> Response<Body> {
        match self.draining.load(Relaxed) {
            false => text(StatusCode::OK, "ready\n"),
            true => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        }
    }

    async fn metrics(&self) -> Response<Body> {
        let mut response = text(StatusCode::OK, self.control.metrics().await);
        let kind = http::HeaderValue::from_static(metrics::CONTENT_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// The methods of a path below `/v1/`, if there is anything.
fn methods(path: &[&str]) -> Option<&'static str> {
    Some(match path {
        ["plugins"] | ["flags"] | ["flags", _, "history"] => "GET",
        ["plugins", _] | ["flags", _] => "GET, PUT, DELETE",
        ["flags", _, "toggle" | "rollback" | "evaluate"] => "POST",
        ["plugins", _, "releases"] => "GET, PUT",
        ["plugins", _, "rollout" | "rollouts"] | ["plugins", _, "rollouts", _] => "GET",
        ["plugins", _, "rollout", wish] if Wish::parse(wish).is_some() => "POST",
        ["plugins", _, "releases", _, "sbom"] => "GET",
        ["plugins", _, "releases", _] | ["sessions"] => "DELETE",
        ["experiments"] => "GET",
        ["experiments", _] => "GET, DELETE",
        ["keys"] => "GET, POST",
        ["keys", _] => "GET, DELETE",
        ["plugins", _, "rollback"] | ["keys", _, "rotate"] | ["cache", "purge"] | ["reload"] => "POST",
        _ => return None,
    })
}

impl Handle for Api {
    async fn handle(&self, request: Request<Body>, _: Peer) -> Response<Body> {
        let id = request.headers().get(&X_REQUEST_ID).and_then(RequestId::accept);
        let id = id.unwrap_or_else(|| RequestId::generate(fastrand::u128(..)));
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        // A change that has begun runs to its end, also if its client goes away: half of it would part what is recorded
        // from what serves.
        let answered = tokio::spawn(self.clone().answer(request)).await;
        let mut response = match answered.unwrap_or_else(|error| Err(Problem::failed(&error))) {
            Ok(response) => response,
            Err(problem) => problem.response(&id),
        };
        if path.trim_start_matches('/').starts_with("v1/") && method != Method::GET {
            let status = response.status().as_u16();
            tracing::info!(target: "admin", %method, path, status, request_id = id.as_str(), "admin request");
        }
        response.headers_mut().insert(X_REQUEST_ID, id.header());
        response
    }
}
