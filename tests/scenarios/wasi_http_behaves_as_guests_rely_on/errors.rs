//! What a guest may say, and what the host makes of what it may not.

use harness::Host;

use super::GUESTS;

/// The error codes of wasi:http in the order of its WIT, with the answer that follows: RFC 9209 section 2.3 for those that
/// tell of other servers.
const CODES: [(&str, u16, &str); 39] = [
    ("DNS-timeout", 504, "plugin_upstream_timeout"),
    ("DNS-error", 502, "plugin_upstream_failed"),
    ("destination-not-found", 500, "plugin_failed"),
    ("destination-unavailable", 503, "plugin_upstream_unavailable"),
    ("destination-IP-prohibited", 502, "plugin_upstream_failed"),
    ("destination-IP-unroutable", 502, "plugin_upstream_failed"),
    ("connection-refused", 502, "plugin_upstream_failed"),
    ("connection-terminated", 502, "plugin_upstream_failed"),
    ("connection-timeout", 504, "plugin_upstream_timeout"),
    ("connection-read-timeout", 504, "plugin_upstream_timeout"),
    ("connection-write-timeout", 504, "plugin_upstream_timeout"),
    ("connection-limit-reached", 503, "plugin_upstream_unavailable"),
    ("TLS-protocol-error", 502, "plugin_upstream_failed"),
    ("TLS-certificate-error", 502, "plugin_upstream_failed"),
    ("TLS-alert-received", 502, "plugin_upstream_failed"),
    ("HTTP-request-denied", 403, "plugin_denied"),
    ("HTTP-request-length-required", 400, "bad_request"),
    ("HTTP-request-body-size", 413, "body_too_large"),
    ("HTTP-request-method-invalid", 400, "bad_request"),
    ("HTTP-request-URI-invalid", 400, "bad_request"),
    ("HTTP-request-URI-too-long", 414, "uri_too_long"),
    ("HTTP-request-header-section-size", 431, "headers_too_large"),
    ("HTTP-request-header-size", 431, "headers_too_large"),
    ("HTTP-request-trailer-section-size", 431, "headers_too_large"),
    ("HTTP-request-trailer-size", 431, "headers_too_large"),
    ("HTTP-response-incomplete", 502, "plugin_upstream_failed"),
    ("HTTP-response-header-section-size", 502, "plugin_upstream_failed"),
    ("HTTP-response-header-size", 502, "plugin_upstream_failed"),
    ("HTTP-response-body-size", 502, "plugin_upstream_failed"),
    ("HTTP-response-trailer-section-size", 502, "plugin_upstream_failed"),
    ("HTTP-response-trailer-size", 502, "plugin_upstream_failed"),
    ("HTTP-response-transfer-coding", 502, "plugin_upstream_failed"),
    ("HTTP-response-content-coding", 502, "plugin_upstream_failed"),
    ("HTTP-response-timeout", 504, "plugin_upstream_timeout"),
    ("HTTP-upgrade-failed", 502, "plugin_upstream_failed"),
    ("HTTP-protocol-error", 502, "plugin_upstream_failed"),
    ("loop-detected", 502, "plugin_upstream_failed"),
    ("configuration-error", 500, "plugin_failed"),
    ("internal-error", 500, "plugin_failed"),
];

#[tokio::test]
async fn every_error_code_in_place_of_a_response_has_its_status() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        for (place, (name, status, code)) in CODES.into_iter().enumerate() {
            let reply = host.client.get(&format!("/fail?code={place}")).await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{guest} {name}");
        }
        // It is an answer, not the end of an instance.
        assert_eq!(
            host.metric("ostler_plugin_traps_total", &["kind=\"plugin_trapped\""]).await,
            0.0,
            "{guest}"
        );
    }
}

#[tokio::test]
async fn a_final_status_passes_and_no_other() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        for status in [200_u16, 201, 204, 206, 301, 304, 400, 404, 418, 451, 500, 503, 599] {
            let reply = host.client.get(&format!("/status?code={status}")).await;
            assert_eq!((reply.status.as_u16(), reply.whole), (status, true), "{guest}");
        }
        for status in [0, 42, 99, 100, 101, 102, 103, 199, 1000, 65535] {
            let reply = host.client.get(&format!("/status?code={status}")).await;
            assert_eq!(reply.status, 500, "{guest} {status}: {}", reply.text());
        }
        assert_eq!(host.client.get("/").await.text(), "good", "{guest}");
    }
}

#[tokio::test]
async fn fields_that_are_not_the_guests_to_set_are_refused() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        let text = host.client.get("/forbidden").await.text();
        for name in [
            "connection",
            "keep-alive",
            "proxy-authenticate",
            "proxy-authorization",
            "proxy-connection",
            "transfer-encoding",
            "upgrade",
            "host",
            "http2-settings",
        ] {
            assert!(text.contains(&format!("{name}=forbidden\n")), "{guest}: {text}");
        }
        for line in ["bad name=invalid\n", "x-bad-value=invalid\n", "request=immutable\n"] {
            assert!(text.contains(line), "{guest}: {text}");
        }
    }
}
