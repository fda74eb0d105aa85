//! What both streaming handlers share: the head arrives first, the guest goes on until its body ends.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use ostler_core::{Body, BodyError, Error, Exchange, Kind};
use tokio::sync::oneshot;
use wasmtime_wasi_http::Error as WasiError;

use super::answer;
use crate::plugin::Plugin;

/// Body of a guest.
pub(super) type GuestBody = UnsyncBoxBody<Bytes, WasiError>;

/// Where a guest's head is sent.
pub(super) type HeadSender = oneshot::Sender<Result<Response<GuestBody>, Error>>;

/// Drives the guest until its head is there; from then on it runs by itself, to its end or its deadline.
pub(super) async fn answer(
    plugin: &Plugin,
    exchange: &Exchange,
    drive: impl Future<Output = Result<(), Error>> + Send + 'static,
    mut head: oneshot::Receiver<Result<Response<GuestBody>, Error>>,
) -> Result<Response<Body>, Error> {
    let mut drive = Box::pin(drive);
    let head = tokio::select! {
        biased;
        ended = &mut drive => {
            let head = head.try_recv();
            match (ended, head) {
                (Ok(()), Ok(head)) => head?,
                (Err(error), Ok(head)) => {
                    report(plugin, exchange, &error);
                    head?
                }
                (ended, Err(_)) => return Err(ended.err().unwrap_or_else(unanswered)),
            }
        }
        head = &mut head => match head {
            Ok(head) => {
                let (name, exchange) = (plugin.name().clone(), exchange.clone());
                tokio::spawn(async move {
                    if let Err(error) = drive.await {
                        log(&name, &exchange, &error);
                    }
                });
                head?
            }
            Err(_) => return Err(drive.await.err().unwrap_or_else(unanswered)),
        }
    };
    let (mut parts, body) = head.into_parts();
    answer::head(&mut parts.headers)?;
    Ok(Response::from_parts(parts, Body::stream(Limited { body, left: plugin.spec().response_body })))
}

/// A request whose body ends with an error beyond the plugin's limit.
pub(super) fn limited(request: Request<Body>, limit: u64) -> Result<Request<GuestBody>, Error> {
    if request.body().size_hint().lower() > limit {
        return Err(Error::new(Kind::BodyTooLarge, "the request body is larger than this handler accepts"));
    }
    Ok(request.map(|body| Limited { body: body.map_err(into_wasi), left: limit }.boxed_unsync()))
}

fn into_wasi(error: BodyError) -> WasiError {
    match error {
        BodyError::Refused(Kind::BodyTooLarge) => WasiError::HttpRequestBodySize(None),
        BodyError::Refused(Kind::RequestTimeout) => WasiError::ConnectionReadTimeout,
        _ => WasiError::ConnectionTerminated,
    }
}

fn unanswered() -> Error {
    Error::new(Kind::PluginFailed, "the handler ended without answering")
}

fn report(plugin: &Plugin, exchange: &Exchange, error: &Error) {
    log(plugin.name(), exchange, error);
}

fn log(plugin: &str, exchange: &Exchange, error: &Error) {
    let cause = error.cause.as_ref().map(tracing::field::display);
    let code = error.kind.facts().code;
    tracing::warn!(
        plugin,
        request_id = exchange.id.as_str(),
        code,
        cause,
        "the handler failed after its head was sent"
    );
}

/// A body of at most `left` more bytes.
struct Limited<B> {
    body: B,
    left: u64,
}

/// Errors a limited body can end with.
trait TooLarge {
    fn too_large() -> Self;
}

impl TooLarge for WasiError {
    fn too_large() -> Self {
        WasiError::HttpRequestBodySize(None)
    }
}

impl<B: HttpBody<Data = Bytes, Error: TooLarge> + Unpin> Limited<B> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let length = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        match self.left.checked_sub(length as u64) {
            Some(left) => {
                self.left = left;
                Poll::Ready(frame)
            }
            None => Poll::Ready(Some(Err(B::Error::too_large()))),
        }
    }
}

impl HttpBody for Limited<GuestBody> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.poll(cx).map_err(|error| match error {
            WasiError::HttpRequestBodySize(None) => BodyError::Refused(Kind::ResponseTooLarge),
            error => BodyError::Broken(Box::new(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<F> HttpBody for Limited<http_body_util::combinators::MapErr<Body, F>>
where
    F: FnMut(BodyError) -> WasiError + Unpin,
{
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        self.poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
