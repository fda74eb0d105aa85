//! `ostler:plugin/http-client`: outbound HTTP as whole values, for typed handlers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use ostler_core::{Body, BodyError};
use ostler_upstream as upstream;
use ostler_upstream::Timeouts;

use crate::bindings::http_client::{Error, Host, Outbound, Response};
use crate::bindings::types;
use crate::guest::Guest;

/// Bytes of a response body, whatever the definition allows.
const BODY: u64 = 16 << 20;

impl types::Host for Guest {}

impl Host for Guest {
    async fn send(&mut self, outbound: Outbound) -> wasmtime::Result<Result<Response, Error>> {
        let client = self.env.outbound.clone();
        let within = outbound.timeout_ms.map(|ms| Instant::now() + Duration::from_millis(ms.min(86_400_000)));
        let deadline = within.map_or(self.deadline(), |within| within.min(self.deadline()));
        Ok(send(client, outbound, deadline).await)
    }
}

async fn send(client: upstream::Client, outbound: Outbound, deadline: Instant) -> Result<Response, Error> {
    let response = client.send(request(outbound)?, deadline, Timeouts::default()).await?;
    let (parts, body) = response.into_parts();
    let whole = body.whole(BODY).await.map_err(of_body)?;
    let header = |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.as_bytes().to_vec());
    Ok(Response {
        status: parts.status.as_u16(),
        headers: parts.headers.iter().map(header).collect(),
        body: whole.to_vec(),
    })
}

fn request(outbound: Outbound) -> Result<Request<Body>, Error> {
    let invalid = |what: &str| Error::Invalid(format!("the {what} is not valid"));
    let mut request = Request::new(Body::full(Bytes::from(outbound.body)));
    *request.method_mut() = Method::from_bytes(outbound.method.as_bytes()).map_err(|_| invalid("method"))?;
    *request.uri_mut() = Uri::try_from(outbound.url).map_err(|_| invalid("URL"))?;
    for (name, value) in outbound.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("name of a header field"))?;
        let value = HeaderValue::from_maybe_shared(Bytes::from(value))
            .map_err(|_| invalid("value of a header field"))?;
        request.headers_mut().append(name, value);
    }
    Ok(request)
}

fn of_body(error: BodyError) -> Error {
    let BodyError::Broken(cause) = error else { return Error::TooLarge };
    match cause.downcast::<upstream::Error>() {
        Ok(cause) => (*cause).into(),
        Err(_) => Error::Failed("the response broke off".into()),
    }
}

impl From<upstream::Error> for Error {
    fn from(error: upstream::Error) -> Self {
        match error {
            upstream::Error::Denied(text) => Error::Denied(text),
            upstream::Error::Invalid(text) => Error::Invalid(text),
            upstream::Error::Timeout(_) => Error::Timeout,
            upstream::Error::TooLarge => Error::TooLarge,
            error => Error::Failed(error.to_string()),
        }
    }
}
