//! The OpenFeature Remote Evaluation Protocol (OFREP, its OpenAPI description 0.1.0): other programs ask this host for flags.
//!
//! **Invariant:** who may ask is written in the configuration; no context makes an answer cost more than its bounds.

mod answer;
mod asked;
mod config;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use http::{Method, Request, Response, header};
use ostler_core::plugin::RouteSpec;
use ostler_core::{Body, BodyError, Endpoint, Error, Exchange, Kind};
use ostler_observe::Exposures;
use ostler_release::flags::{Attributes, Flags};
use percent_encoding::percent_decode_str;

pub use config::Config;

/// Longest body of a question, in bytes.
pub const BODY_MAX: u64 = 64 << 10;

/// Deepest context.
pub const DEPTH_MAX: usize = 16;

/// Most attributes of a context.
pub const ATTRIBUTES_MAX: usize = 256;

/// Flags that a bulk answer evaluates before it lets others have their turn.
const TURN: usize = 64;

/// What both endpoints answer from.
pub(crate) struct Server {
    pub(crate) flags: Flags,
    pub(crate) exposures: Exposures,
    pub(crate) bulk_max: usize,
    /// Whether it was told that there are more.
    pub(crate) told: AtomicBool,
}

/// Asks for one flag, or for all.
#[derive(Debug, Clone, Copy)]
enum What {
    One,
    All,
}

struct Step {
    server: Arc<Server>,
    what: What,
    /// Path up to the key.
    before_key: String,
}

/// The two routes of the protocol below `config.path`.
pub(crate) fn endpoints(config: &Config, server: Server) -> Vec<(RouteSpec, Arc<dyn Endpoint>)> {
    let server = Arc::new(server);
    let all = format!("{}/v1/evaluate/flags", config.path);
    let routes = [(all.clone(), What::All), (format!("{all}/{{*key}}"), What::One)];
    let route = |(path, what)| {
        let spec = RouteSpec {
            path,
            methods: vec![Method::POST],
            host: None,
            plugin: String::new(),
            gate: config.gate.clone(),
            when: None,
            line: config.line,
        };
        let step = Step { server: server.clone(), what, before_key: format!("{all}/") };
        (spec, Arc::new(step) as Arc<dyn Endpoint>)
    };
    routes.into_iter().map(route).collect()
}

impl Step {
    async fn evaluate(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let key = self.key(head.uri.path());
        let context = match asked::context(&receive(body).await?) {
            Ok(context) => context,
            Err(refused) => return Ok(answer::refused(key.as_deref(), &refused)),
        };
        match key {
            Some(key) => Ok(self.server.one(&key, &context)),
            None => Ok(self.server.all(&context, head.headers.get(header::IF_NONE_MATCH)).await),
        }
    }

    /// The key that a path names, if it asks for one flag.
    fn key(&self, path: &str) -> Option<String> {
        let What::One = self.what else { return None };
        let key = path.strip_prefix(&self.before_key).unwrap_or_default();
        Some(percent_decode_str(key).decode_utf8_lossy().into_owned())
    }
}

impl Server {
    fn one(&self, key: &str, context: &Attributes) -> Response<Body> {
        let said = self.flags.resolve(key, context);
        self.note(key, &said, context);
        answer::one(key, said)
    }

    /// Nothing is counted as shown: clients ask for all flags again and again, and show what they will.
    async fn all(&self, context: &Attributes, known: Option<&http::HeaderValue>) -> Response<Body> {
        let set = self.flags.all();
        if set.len() > self.bulk_max {
            if !self.told.swap(true, Relaxed) {
                let (flags, bulk) = (set.len(), self.bulk_max);
                tracing::warn!(
                    flags,
                    bulk,
                    "clients that ask for all flags are refused; raise bulk in [flags.ofrep]"
                );
            }
            return answer::too_many(set.len(), self.bulk_max);
        }
        let mut said = Vec::with_capacity(set.len());
        for (place, flag) in set.sorted().into_iter().enumerate() {
            if place % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            let one = set.resolve(flag.key(), context);
            said.extend(answer::in_bulk(flag.key(), one));
        }
        answer::bulk(said, known)
    }

    fn note<T>(&self, key: &str, said: &ostler_release::flags::Resolution<T>, context: &Attributes) {
        super::note(&self.exposures, "ofrep", key, said, || context.targeting_key.clone());
    }
}

impl Endpoint for Step {
    fn answer<'a>(
        &'a self,
        _: &'a Exchange,
        request: Request<Body>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send + 'a>> {
        Box::pin(self.evaluate(request))
    }
}

async fn receive(body: Body) -> Result<bytes::Bytes, Error> {
    body.whole(BODY_MAX).await.map_err(|error| match error {
        BodyError::Refused(kind) => Error::new(kind, "a question of at most 64 KiB is taken here"),
        BodyError::Broken(error) => Error::new(Kind::BadRequest, "the body broke off").because(error),
    })
}
