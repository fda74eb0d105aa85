//! Outbound `wasi:http`, 0.2 and 0.3: over the plugin's own client, to granted origins only.

use std::time::Instant;

use http::{Request, Response};
use http_body_util::BodyExt;
use ostler_core::{Body, BodyError};
use ostler_upstream as upstream;
use ostler_upstream::{Client, Timeouts};
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

/// One exchange's way out.
pub(crate) struct Outbound {
    client: Client,
    /// Nothing takes longer than the exchange itself.
    pub(crate) deadline: Instant,
}

type Ended = Box<dyn Future<Output = Result<()>> + Send>;
type Sent = Result<(Response<WasiBody>, Ended)>;

impl Outbound {
    pub(crate) fn new(client: Client, deadline: Instant) -> Self {
        Outbound { client, deadline }
    }
}

impl WasiHttpHooks for Outbound {
    /// Small bodies fit whole, so that their guests are done without waiting for the client.
    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        4
    }

    /// Bounds what waits in those buffers.
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        64 << 10
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_ended: Ended,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (client, deadline) = (self.client.clone(), self.deadline);
        let options = options.unwrap_or_default();
        let timeouts = Timeouts {
            connect: options.connect_timeout,
            first_byte: options.first_byte_timeout,
            between_bytes: options.between_bytes_timeout,
        };
        let request =
            request.map(|body| Body::stream(body.map_err(|error| BodyError::Broken(Box::new(error)))));
        Box::new(async move {
            let response = client.send(request, deadline, timeouts).await.map_err(into_wasi)?;
            let response = response.map(|body| body.map_err(of_body).boxed_unsync());
            Ok((response, Box::new(async { Ok(()) }) as Ended))
        })
    }
}

fn of_body(error: BodyError) -> Error {
    let BodyError::Broken(cause) = error else { return Error::HttpResponseBodySize(None) };
    match cause.downcast::<upstream::Error>().map(|error| *error) {
        Ok(upstream::Error::Terminated(_)) => Error::HttpResponseIncomplete,
        Ok(error) => into_wasi(error),
        Err(_) => Error::HttpResponseIncomplete,
    }
}

fn into_wasi(error: upstream::Error) -> Error {
    use upstream::Phase;
    match error {
        // `http-request-denied` has no room for the name of the missing grant.
        upstream::Error::Denied(text) => Error::InternalError(Some(text)),
        upstream::Error::Invalid(text) | upstream::Error::HeldBack(text) => Error::InternalError(Some(text)),
        upstream::Error::Timeout(Phase::Connect) => Error::ConnectionTimeout,
        upstream::Error::Timeout(Phase::FirstByte | Phase::Total) => Error::HttpResponseTimeout,
        upstream::Error::Timeout(Phase::BetweenBytes) => Error::ConnectionReadTimeout,
        upstream::Error::Dns(text) => Error::DnsError { rcode: Some(text), info_code: None },
        upstream::Error::Connect(_) => Error::ConnectionRefused,
        upstream::Error::Tls(_) => Error::TlsProtocolError,
        upstream::Error::Certificate(_) => Error::TlsCertificateError,
        upstream::Error::Terminated(_) => Error::ConnectionTerminated,
        upstream::Error::Protocol(_) => Error::HttpProtocolError,
        upstream::Error::TooLarge => Error::HttpResponseHeaderSectionSize(None),
    }
}
