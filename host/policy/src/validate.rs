//! Receives the body and compares the request with its route's document or schema.

use bytes::Bytes;
use http::request::Parts;
use ostler_core::{Body, BodyError, Error, Exchange, Kind};
use ostler_validation::Validator;

/// The body as it was, but whole; parameters go to the exchange.
///
/// # Errors
/// What the validator says, or what became of the body.
pub(crate) async fn check(
    validator: &Validator,
    body_max: u64,
    exchange: &mut Exchange,
    head: &Parts,
    body: Body,
) -> Result<Body, Error> {
    let max = validator.body_max().map_or(body_max, |max| max.min(body_max));
    let body = receive(body, max, exchange).await?;
    exchange.parameters = validator.check(head, &body).await?;
    Ok(Body::full(body))
}

async fn receive(body: Body, max: u64, exchange: &Exchange) -> Result<Bytes, Error> {
    let whole = tokio::time::timeout_at(exchange.deadline.into(), body.whole(max)).await;
    whole
        .map_err(|_| Error::new(Kind::DeadlineExceeded, "the request body did not come within the deadline"))?
        .map_err(|error| match error {
            BodyError::Refused(Kind::BodyTooLarge) => {
                Error::new(Kind::BodyTooLarge, format!("this route takes bodies of at most {max} bytes"))
            }
            BodyError::Refused(kind) => Error::new(kind, "the request body was refused"),
            BodyError::Broken(cause) => {
                Error::new(Kind::BadRequest, "the request body broke off").because(cause)
            }
        })
}
