//! `Forwarded` and `X-Forwarded-For`: whatever a client sends, it stays the one that the trusted proxies name.
#![no_main]

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use ostler_policy::client::address;

fuzz_target!(|sent: &[u8]| {
    let Ok(alone) = HeaderValue::from_bytes(sent) else { return };
    let (peer, client) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([192, 0, 2, 7]));
    let Ok(trusted) = "10.0.0.0/8".parse() else { return };
    let trusted = [trusted];
    for (name, added) in [
        ("x-forwarded-for", &b", 192.0.2.7"[..]),
        ("x-forwarded-for", b",192.0.2.7:80, 10.2.2.2"),
        ("forwarded", b", for=192.0.2.7;proto=http"),
        ("forwarded", b", for=\"192.0.2.7:80\" , for=10.2.2.2;by=\"[::1]\""),
    ] {
        // A proxy adds to the field it was sent, or a line of its own.
        let together = HeaderValue::from_bytes(&[sent, added].concat());
        let own = HeaderValue::from_bytes(added[1..].trim_ascii_start());
        let (Ok(together), Ok(own)) = (together, own) else { return };
        for lines in [vec![&together], vec![&alone, &own]] {
            let mut fields = HeaderMap::new();
            lines.into_iter().for_each(|line| _ = fields.append(name, line.clone()));
            assert_eq!(address(peer, &fields, &trusted), client, "{fields:?}");
            assert_eq!(address(client, &fields, &trusted), client, "{fields:?}");
        }
        let mut fields = HeaderMap::new();
        fields.append(name, alone.clone());
        address(peer, &fields, &trusted);
    }
});
