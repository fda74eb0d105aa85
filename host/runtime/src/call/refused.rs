//! An error code of wasi:http in place of a response. The codes come from RFC 9209 section 2.3, and so do the statuses.

use ostler_core::{Error, Kind};
use wasmtime_wasi_http::Error as Code;

/// What the exchange ends with whose guest answered with `code`.
pub(super) fn refused(code: Code) -> Error {
    let kind = kind(&code);
    let detail = match kind {
        Kind::PluginFailed => "the handler reported an error",
        kind => kind.facts().title,
    };
    Error::new(kind, detail).because(format!("{code:?}"))
}

fn kind(code: &Code) -> Kind {
    use Code::*;
    match code {
        HttpRequestDenied => Kind::PluginDenied,
        HttpRequestLengthRequired | HttpRequestMethodInvalid | HttpRequestUriInvalid => Kind::BadRequest,
        HttpRequestBodySize(_) => Kind::BodyTooLarge,
        HttpRequestUriTooLong => Kind::UriTooLong,
        HttpRequestHeaderSectionSize(_)
        | HttpRequestHeaderSize { .. }
        | HttpRequestTrailerSectionSize(_)
        | HttpRequestTrailerSize { .. } => Kind::HeadersTooLarge,
        DestinationUnavailable | ConnectionLimitReached => Kind::PluginUpstreamUnavailable,
        DnsTimeout
        | ConnectionTimeout
        | ConnectionReadTimeout
        | ConnectionWriteTimeout
        | HttpResponseTimeout => Kind::PluginUpstreamTimeout,
        // By the RFC also what is no failure of the other server, but of the handler's settings.
        DestinationNotFound | ConfigurationError | InternalError(_) => Kind::PluginFailed,
        _ => Kind::PluginUpstreamFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_the_code_and_the_client_its_family() {
        let error = refused(Code::DnsError { rcode: Some("NXDOMAIN".into()), info_code: None });
        assert_eq!(error.kind, Kind::PluginUpstreamFailed);
        assert!(!error.detail.contains("NXDOMAIN") && error.cause.unwrap().to_string().contains("NXDOMAIN"));
    }
}
