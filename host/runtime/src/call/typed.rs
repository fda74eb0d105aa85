//! The fast lane: one call with the whole request in it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, header};
use ostler_core::{Body, BodyError, Error, Exchange, Kind};
use tokio::time::timeout_at;

use super::{admit, answer, body_too_large, instance, keep, mismatch};
use crate::bindings::http_handler;
use crate::fault::classify;
use crate::lane;
use crate::plugin::{Exports, Plugin};

pub(super) async fn call(
    plugin: &Arc<Plugin>,
    exchange: Exchange,
    request: Request<Body>,
) -> Result<Response<Body>, Error> {
    let (parts, body) = request.into_parts();
    let deadline = exchange.deadline;
    // A slow client must not hold a place, so its body is received before.
    let body = match body {
        Body::Empty => Bytes::new(),
        Body::Full(whole) if whole.len() as u64 <= plugin.spec().request_body => whole,
        body => Box::pin(receive_within(deadline, body, plugin.spec().request_body)).await?,
    };
    let permit = admit(plugin, deadline).await?;
    let (lanes, share, plugin) = (plugin.lanes.clone(), plugin.slot.share.clone(), plugin.clone());
    let call = Box::pin(async move {
        let _permit = permit;
        invoke(&plugin, exchange, &parts, &body).await
    });
    lane::run(lanes, share, deadline, call).await?
}

async fn invoke(
    plugin: &Plugin,
    exchange: Exchange,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<Body>, Error> {
    let mut instance = instance(plugin, exchange).await?;
    let headers = headers(parts);
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let request = http_handler::Request { method: parts.method.as_str(), target, headers: &headers, body };
    let Exports::Typed(typed) = &instance.exports else { return Err(mismatch()) };
    let answered = typed.ostler_plugin_http_handler().call_handle(&mut instance.store, request).await;
    match answered {
        Ok(Ok(response)) => {
            keep(plugin, instance);
            answer::whole(response, plugin.spec())
        }
        Ok(Err(message)) => {
            keep(plugin, instance);
            Err(Error::new(Kind::PluginFailed, "the handler reported an error").because(message))
        }
        Err(error) => Err(classify(error, &instance.store.data().limits)),
    }
}

/// Borrowed fields; HTTP/2's authority stands in for `host`.
fn headers(parts: &Parts) -> Vec<(&str, &[u8])> {
    let mut headers: Vec<(&str, &[u8])> = Vec::with_capacity(parts.headers.len() + 1);
    if let Some(authority) = parts.uri.authority().filter(|_| !parts.headers.contains_key(header::HOST)) {
        headers.push(("host", authority.as_str().as_bytes()));
    }
    headers.extend(parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
    headers
}

async fn receive_within(deadline: Instant, body: Body, limit: u64) -> Result<Bytes, Error> {
    let late = |_| Error::new(Kind::RequestTimeout, "the request body did not arrive within the deadline");
    timeout_at(deadline.into(), receive(body, limit)).await.map_err(late)?
}

async fn receive(body: Body, limit: u64) -> Result<Bytes, Error> {
    body.whole(limit).await.map_err(|error| match error {
        BodyError::Refused(Kind::BodyTooLarge) => body_too_large(),
        BodyError::Refused(kind) => Error::new(kind, kind.facts().title),
        broken => Error::new(Kind::BadRequest, "the request body broke off").because(broken),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_refused_before_it_is_received() {
        let error = receive(Body::full("12345"), 4).await.unwrap_err();
        assert_eq!(error.kind, Kind::BodyTooLarge);
        assert_eq!(receive(Body::full("1234"), 4).await.unwrap(), "1234");
    }
}
