//! URLs of outbound requests: whatever a plugin writes, only what was granted is let through.
#![no_main]

use http::Uri;
use libfuzzer_sys::fuzz_target;
use ostler_core::plugin::Grant;
use ostler_upstream::Allow;

fuzz_target!(|url: &str| {
    let Ok(uri) = url.parse::<Uri>() else { return };
    let http = vec!["https://*.example.com".to_owned(), "http://a.test:9000".to_owned()];
    let allow = Allow::from_grant(&Grant { http, ..Grant::default() });
    if allow.check(&uri).is_ok() {
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let host = host.trim_end_matches('.');
        let port = uri.port_u16();
        let wild = host.ends_with(".example.com")
            && uri.scheme_str() == Some("https")
            && matches!(port, None | Some(443));
        let exact = host == "a.test" && uri.scheme_str() == Some("http") && port == Some(9000);
        assert!(wild || exact, "{url:?}");
        assert!(!uri.authority().is_some_and(|authority| authority.as_str().contains('@')), "{url:?}");
    }
});
