//! What a link may lead to.

use ostler_sdk::Error;

/// Longest URL, in bytes.
const LONGEST: usize = 2048;

/// 422 with the reason unless `url` is an absolute http or https URL that leads away from `own_host`.
pub fn check(url: &str, own_host: &str) -> Result<(), Error> {
    let refuse = |reason: &str| Err(Error::unprocessable(reason).with_code("bad_url"));
    if url.is_empty() {
        return refuse("the URL is missing");
    }
    if url.len() > LONGEST {
        return refuse(&format!("the URL is longer than {LONGEST} bytes"));
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic())
        || url.contains(['"', '<', '>', '\\', '^', '`', '{', '|', '}'])
    {
        return refuse("the URL contains a character that has to be percent-encoded");
    }
    let scheme = url.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    let Some((_, rest)) = scheme.filter(|(scheme, _)| scheme == "http" || scheme == "https") else {
        return refuse("the URL has to begin with http:// or https://");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return refuse("the URL names a user: such links are used to deceive");
    }
    if !is_host(authority) {
        return refuse("the URL names no host");
    }
    if authority.eq_ignore_ascii_case(own_host) {
        return refuse("the URL leads back here");
    }
    Ok(())
}

/// A name or address with an optional port, to the eye; whether it exists shows when somebody follows it.
fn is_host(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host_fits = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let label = |label: &str| {
                let plain =
                    label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
                (1..=63).contains(&label.len()) && plain
            };
            host.strip_suffix('.').unwrap_or(host).split('.').all(label)
        }
    };
    port_fits && host_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_web_addresses_will_do() {
        for url in [
            "https://example.com",
            "HTTP://Example.com:8080/a?b=c#d",
            "https://xn--bcher-kva.example./",
            "http://192.0.2.1/",
            "http://[2001:db8::1]:8080/x",
            "https://example.com/a?next=http://short.test/",
        ] {
            assert!(check(url, "short.test").is_ok(), "{url}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        let long = format!("https://example.com/{}", "a".repeat(2048));
        for url in [
            "",
            "example.com",
            "//example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://example.com/",
            "https://",
            "https:///path",
            "https://a..b/",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://user@example.com/",
            "https://short.test@evil.example/",
            "https://exa mple.com/",
            "https://example.com/\r\nset-cookie:x",
            "https://bücher.example/",
            "http://[::1",
            "http://short.test/abc",
            "http://SHORT.test",
            &long,
        ] {
            assert_eq!(check(url, "short.test").unwrap_err().status(), 422, "{url}");
        }
    }
}
