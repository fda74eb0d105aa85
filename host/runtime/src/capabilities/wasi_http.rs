//! tmp
use crate::stubs::Client;
use std::time::Instant;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};
pub(crate) struct Outbound {
    client: Client,
    pub(crate) deadline: Instant,
}
impl Outbound {
    pub(crate) fn new(client: Client, deadline: Instant) -> Self {
        Outbound { client, deadline }
    }
}
type Ended = Box<dyn Future<Output = Result<(), Error>> + Send>;
impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _fut: Ended,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Ended)>> + Send> {
        let _ = &self.client;
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}
