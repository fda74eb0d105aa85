//! Whose request it is when it came through a proxy: `Forwarded` (RFC 7239) and `X-Forwarded-For`, from trusted peers only.
//!
//! Each proxy adds, on the right, the address of whom it speaks for. So the walk goes from the right, for as long as the one
//! that says so is trusted; and it reads from the right, so that nothing a client put on the left changes what follows.
//! Where both fields are there a step counts if they agree on it: a proxy writes one of them and passes the other on as it
//! came, and nobody can tell which.
//!
//! **Invariant:** the outcome is the peer's address, or one that a trusted proxy named.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Proxies in a row that are believed.
const HOPS_MAX: usize = 32;

/// The address of the client behind `peer`.
pub fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let trusts = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let (mut client, x_forwarded_for) = (peer.to_canonical(), X_FORWARDED_FOR);
    if trusted.is_empty() || !trusts(client) {
        return client;
    }
    let mut forwarded = headers.contains_key(FORWARDED).then(|| elements(headers, &FORWARDED));
    let mut listed = headers.contains_key(&x_forwarded_for).then(|| elements(headers, &x_forwarded_for));
    for _ in 0..HOPS_MAX {
        let says = forwarded.as_mut().map(|elements| elements.next().and_then(for_of));
        let lists = listed.as_mut().map(|elements| elements.next().and_then(node));
        let hop = match (says, lists) {
            (Some(says), Some(lists)) => says.filter(|says| lists == Some(*says)),
            (says, lists) => says.or(lists).flatten(),
        };
        let Some(hop) = hop else { return client };
        client = hop;
        if !trusts(client) {
            break;
        }
    }
    client
}

/// The elements of a list field, the last one first.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).iter().rev().flat_map(|value| FromRight(Some(value.as_bytes())))
}

/// Cuts a list at its commas, from the right. A comma in quotes is none; quotes, too, are paired from the right.
struct FromRight<'a>(Option<&'a [u8]>);

impl<'a> Iterator for FromRight<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0.take()?;
        let mut quoted = false;
        for at in (0..text.len()).rev() {
            match text[at] {
                b'"' if !escaped(text, at) => quoted = !quoted,
                b',' if !quoted => {
                    self.0 = Some(&text[..at]);
                    return Some(text[at + 1..].trim_ascii());
                }
                _ => {}
            }
        }
        Some(text.trim_ascii())
    }
}

/// Whether the character at `at` follows a backslash that is not escaped itself.
fn escaped(text: &[u8], at: usize) -> bool {
    text[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The node that an element of `Forwarded` is `for`, if that is an address (RFC 7239 section 4).
fn for_of(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    let mut rest = element;
    while !rest.is_empty() {
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&rest[..equals], &rest[equals + 1..]);
        let (value, after) = parameter(value)?;
        if name.trim_ascii().eq_ignore_ascii_case(b"for") {
            // Two of them could be read in two ways.
            if found.is_some() {
                return None;
            }
            found = Some(value);
        }
        rest = after;
    }
    node(found?)
}

/// A parameter's value, and what follows its semicolon.
fn parameter(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(inside) = text.strip_prefix(b"\"") {
        let end = (0..inside.len()).find(|at| inside[*at] == b'"' && !escaped(inside, *at))?;
        let after = inside[end + 1..].trim_ascii_start();
        let after = if after.is_empty() { after } else { after.strip_prefix(b";")? };
        // No address has a backslash in it, so nothing needs to be taken out.
        return Some((&inside[..end], after));
    }
    let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
    Some((text[..end].trim_ascii(), text.get(end + 1..).unwrap_or_default()))
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
/// `unknown`, `_hidden` and everything else is none.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let plain = text.parse::<IpAddr>().ok().or_else(bracketed);
    let address =
        plain.or_else(|| without_zone(text)?.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

/// A zone means something on the machine that wrote it only.
fn without_zone(text: &str) -> Option<&str> {
    (!text.contains('%')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "10.0.0.1";

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
        };
        let mut headers = HeaderMap::new();
        fields.iter().map(field).for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    }

    fn client(fields: &[(&str, &str)]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8:ffff::/48".parse().unwrap()];
        address(PEER.parse().unwrap(), &headers(fields), &trusted).to_string()
    }

    #[test]
    fn a_trusted_peer_is_believed_and_a_stranger_is_not() {
        let fields = headers(&[("x-forwarded-for", "192.0.2.7")]);
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let from = |peer: &str| address(peer.parse().unwrap(), &fields, &trusted).to_string();
        assert_eq!(from("10.0.0.1"), "192.0.2.7");
        assert_eq!(from("::ffff:10.0.0.1"), "192.0.2.7");
        assert_eq!(from("198.51.100.1"), "198.51.100.1");
        assert_eq!(address("10.0.0.1".parse().unwrap(), &fields, &[]).to_string(), "10.0.0.1");
    }

    #[test]
    fn the_walk_ends_at_the_first_that_is_not_trusted() {
        for (value, found) in [
            ("192.0.2.7", "192.0.2.7"),
            ("1.1.1.1, 192.0.2.7", "192.0.2.7"),
            ("1.1.1.1, 192.0.2.7, 10.2.2.2", "192.0.2.7"),
            ("10.9.9.9, 10.2.2.2", "10.9.9.9"),
            ("192.0.2.7:4711", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]:80", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            (" 192.0.2.7 ,10.2.2.2 ", "192.0.2.7"),
        ] {
            assert_eq!(client(&[("x-forwarded-for", value)]), found, "{value}");
        }
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(client(&lines), "192.0.2.7");
        assert_eq!(client(&[]), PEER);
    }

    #[test]
    fn forwarded_is_read_in_all_its_forms() {
        for (value, found) in [
            ("for=192.0.2.7", "192.0.2.7"),
            ("For=\"[2001:db8::7]:4711\"", "2001:db8::7"),
            ("for=\"[2001:db8::7]\"; proto=https ;by=10.0.0.1", "2001:db8::7"),
            ("proto=http;for=192.0.2.7;host=\"a,b;for=1.1.1.1\"", "192.0.2.7"),
            ("for=1.1.1.1, for=192.0.2.7, for=\"10.2.2.2:80\"", "192.0.2.7"),
            ("for=1.1.1.1,for=192.0.2.7;by=\"\\\",\"", "192.0.2.7"),
        ] {
            assert_eq!(client(&[("forwarded", value)]), found, "{value}");
        }
    }

    #[test]
    fn what_is_no_address_ends_the_walk_at_the_last_trusted_hop() {
        for value in [
            "unknown",
            "_hidden",
            "",
            ",",
            "192.0.2.7.1",
            "999.1.1.1",
            "1.1.1.1, x",
            "fe80::1%eth0",
            "[::1",
            "a:b",
        ] {
            assert_eq!(client(&[("x-forwarded-for", value)]), PEER, "{value:?}");
        }
        for value in [
            "for=unknown",
            "for=_x",
            "for",
            "by=10.0.0.2",
            "for=1.1.1.1;for=192.0.2.7",
            "for=\"1.1.1.1",
            "for=\"1.1.1.1\"x",
            "for=[::1]:80:80",
        ] {
            assert_eq!(client(&[("forwarded", value)]), PEER, "{value:?}");
        }
        assert_eq!(client(&[("x-forwarded-for", "1.1.1.1, unknown, 10.2.2.2")]), "10.2.2.2");
        assert_eq!(client(&[("forwarded", "for=1.1.1.1, for=_x, for=10.2.2.2")]), "10.2.2.2");
    }

    #[test]
    fn nothing_on_the_left_changes_what_a_trusted_proxy_wrote_on_the_right() {
        for left in
            ["\"", "\\", "for=\"", "for=\"x\\", "for=\"1.1.1.1, for=", ",\",", "[", "for=1.1.1.1;x=\"a"]
        {
            assert_eq!(client(&[("x-forwarded-for", &format!("{left}, 192.0.2.7"))]), "192.0.2.7", "{left}");
            for right in ["for=192.0.2.7", "for=\"192.0.2.7:80\"", "for=192.0.2.7;proto=http"] {
                assert_eq!(client(&[("forwarded", &format!("{left}, {right}"))]), "192.0.2.7", "{left}");
            }
        }
    }

    /// The same as the fuzz target `clients`, with a fixed seed.
    #[test]
    fn no_bytes_on_the_left_change_what_a_trusted_proxy_wrote_on_the_right() {
        let mut random = fastrand::Rng::with_seed(5);
        let alphabet = b"\",;=\\ []:.for0129_\t";
        for _ in 0..20_000 {
            let left: Vec<u8> =
                (0..random.usize(..40)).map(|_| alphabet[random.usize(..alphabet.len())]).collect();
            let left = String::from_utf8(left).unwrap();
            for (name, right) in [
                ("x-forwarded-for", "192.0.2.7:80, 10.2.2.2"),
                ("forwarded", "for=\"192.0.2.7:80\" , for=10.2.2.2;by=\"[::1]\""),
            ] {
                assert_eq!(client(&[(name, &format!("{left},{right}"))]), "192.0.2.7", "{left:?}");
                assert_eq!(client(&[(name, &left), (name, right)]), "192.0.2.7", "{left:?}");
            }
        }
    }

    #[test]
    fn where_both_fields_are_there_only_what_they_agree_on_counts() {
        let both = |listed, forwarded| client(&[("x-forwarded-for", listed), ("forwarded", forwarded)]);
        assert_eq!(both("192.0.2.7", "for=192.0.2.7"), "192.0.2.7");
        assert_eq!(both("192.0.2.7, 10.2.2.2", "for=192.0.2.7, for=10.2.2.2"), "192.0.2.7");
        assert_eq!(both("192.0.2.7", "for=1.1.1.1"), PEER);
        assert_eq!(both("192.0.2.7, 10.2.2.2", "for=1.1.1.1, for=10.2.2.2"), "10.2.2.2");
        assert_eq!(both("192.0.2.7", ""), PEER);
        assert_eq!(both("192.0.2.7, 10.2.2.2", "for=10.2.2.2"), "10.2.2.2");
    }

    #[test]
    fn a_thousand_trusted_hops_are_not_walked() {
        let value = vec!["10.1.1.1"; 1000].join(", ");
        assert_eq!(client(&[("x-forwarded-for", &format!("192.0.2.7, {value}"))]), "10.1.1.1");
    }

    /// Whatever stands there, the outcome is the peer or an address that stands there, too.
    #[test]
    fn mutated_fields_never_give_an_address_that_nobody_named() {
        let seeds =
            ["for=192.0.2.7, for=\"[2001:db8::7]:80\";by=10.0.0.1", "192.0.2.7, 10.2.2.2, 1.1.1.1:80"];
        let mut random = fastrand::Rng::with_seed(7);
        let alphabet = b"\",;=\\ []:.for0129_";
        for round in 0..20_000 {
            let mut bytes = seeds[round % 2].as_bytes().to_vec();
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..bytes.len());
                bytes[at] = alphabet[random.usize(..alphabet.len())];
            }
            let value = String::from_utf8(bytes).unwrap();
            for name in ["forwarded", "x-forwarded-for"] {
                let found = client(&[(name, &value)]);
                let named = found == PEER || value.contains(&found);
                // Digits may have come to stand before or after zeros that an address does not show.
                assert!(named || found.parse::<Ipv6Addr>().is_ok(), "{name}: {value} gave {found}");
            }
        }
    }
}
