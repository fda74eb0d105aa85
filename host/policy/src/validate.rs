//! Receives the body and compares the request with its route's document or schema; and the response, if that is asked for.

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use ostler_core::{Body, BodyError, Error, Exchange, Kind};
use ostler_validation::{Answers, Validator};

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
    let admitted = validator.admit(head, matches!(body, Body::Empty))?;
    let max = admitted.body_max().map_or(body_max, |max| max.min(body_max));
    let body = receive(body, max, exchange).await?;
    exchange.parameters = admitted.check(head, &body).await?;
    Ok(Body::full(body))
}

/// The response, if it is what its document says or need not be. One that streams is compared by its head.
///
/// # Errors
/// `ResponseInvalid`, if such responses are to be refused.
pub(crate) fn check_response(answers: &Answers, response: Response<Body>) -> Result<Response<Body>, Error> {
    let (head, body) = response.into_parts();
    let whole: Option<&[u8]> = match &body {
        Body::Empty => Some(&[]),
        Body::Full(bytes) => Some(bytes),
        Body::Stream(_) => None,
    };
    answers.check(&head, whole)?;
    Ok(Response::from_parts(head, body))
}

async fn receive(body: Body, max: u64, exchange: &Exchange) -> Result<Bytes, Error> {
    let body = match body {
        Body::Empty => return Ok(Bytes::new()),
        body => body,
    };
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
