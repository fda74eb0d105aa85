//! Which addresses are public, and what the others are for.
//!
//! Protects the host's own network from plugins: whatever a name resolves to, only public addresses are reached unless
//! granted. From the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and updates). **Invariant:** an IPv6 address that
//! carries an IPv4 address is judged by the latter, and IPv6 space that is not assigned to the public is refused.
//! A network's own NAT64 prefix (not `64:ff9b::/96`) cannot be known here.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// What an address that is not public is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// "This host" or "this network".
    Unspecified,
    /// This host.
    Loopback,
    /// RFC 1918, or unique local IPv6.
    Private,
    /// Between a provider and its customers (RFC 6598).
    Shared,
    /// This link only.
    LinkLocal,
    /// Where clouds hand credentials to their machines.
    Metadata,
    /// Many receivers.
    Multicast,
    /// Examples in documents.
    Documentation,
    /// Tests of network devices.
    Benchmark,
    /// Reserved, unassigned or for protocols only.
    Reserved,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Unspecified => "an unspecified address",
            Class::Loopback => "a loopback address",
            Class::Private => "a private address",
            Class::Shared => "a carrier's shared address",
            Class::LinkLocal => "a link-local address",
            Class::Metadata => "a cloud metadata address",
            Class::Multicast => "a multicast address",
            Class::Documentation => "a documentation address",
            Class::Benchmark => "a benchmark address",
            Class::Reserved => "a reserved address",
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(head: [u16; 4], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(head[0], head[1], head[2], head[3], 0, 0, 0, 0), prefix)
}

/// The first network that holds the address decides.
const V4: [(Ipv4Net, Class); 22] = [
    (v4(169, 254, 169, 254, 32), Class::Metadata), // most clouds
    (v4(169, 254, 170, 2, 32), Class::Metadata),   // containers on AWS
    (v4(169, 254, 170, 23, 32), Class::Metadata),  // pods on AWS
    (v4(100, 100, 100, 200, 32), Class::Metadata), // Alibaba
    (v4(192, 0, 0, 192, 32), Class::Metadata),     // Oracle
    (v4(168, 63, 129, 16, 32), Class::Metadata),   // Azure; in the middle of public space
    (v4(0, 0, 0, 0, 8), Class::Unspecified),
    (v4(10, 0, 0, 0, 8), Class::Private),
    (v4(100, 64, 0, 0, 10), Class::Shared),
    (v4(127, 0, 0, 0, 8), Class::Loopback),
    (v4(169, 254, 0, 0, 16), Class::LinkLocal),
    (v4(172, 16, 0, 0, 12), Class::Private),
    (v4(192, 0, 0, 0, 24), Class::Reserved),
    (v4(192, 0, 2, 0, 24), Class::Documentation),
    (v4(192, 88, 99, 0, 24), Class::Reserved),
    (v4(192, 168, 0, 0, 16), Class::Private),
    (v4(198, 18, 0, 0, 15), Class::Benchmark),
    (v4(198, 51, 100, 0, 24), Class::Documentation),
    (v4(203, 0, 113, 0, 24), Class::Documentation),
    (v4(224, 0, 0, 0, 4), Class::Multicast),
    (v4(240, 0, 0, 0, 4), Class::Reserved),
    (v4(255, 255, 255, 255, 32), Class::Reserved),
];

/// The first network that holds the address decides; what none holds is public if it lies in [`ASSIGNED`].
const V6: [(Ipv6Net, Class); 11] = [
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128), Class::Metadata), // AWS
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128), Class::Metadata),  // Google
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), Class::Loopback),
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), Class::Unspecified),
    (v6([0x2001, 0xdb8, 0, 0], 32), Class::Documentation),
    (v6([0x2001, 0, 0, 0], 23), Class::Reserved), // Teredo, ORCHID, benchmarks, anycast
    (v6([0x3fff, 0, 0, 0], 20), Class::Documentation),
    (v6([0xfc00, 0, 0, 0], 7), Class::Private),
    (v6([0xfe80, 0, 0, 0], 10), Class::LinkLocal),
    (v6([0xfec0, 0, 0, 0], 10), Class::Private), // site-local, deprecated and still in use
    (v6([0xff00, 0, 0, 0], 8), Class::Multicast),
];

/// All that IANA has opened for the public so far.
const ASSIGNED: Ipv6Net = v6([0x2000, 0, 0, 0], 3);

impl Class {
    /// What `address` is for; `None` if it is public.
    pub fn of(address: IpAddr) -> Option<Class> {
        match address {
            IpAddr::V4(address) => find(&V4, |net| net.contains(&address)),
            IpAddr::V6(address) => {
                if let Some(class) = find(&V6, |net| net.contains(&address)) {
                    return Some(class);
                }
                match embedded(address) {
                    Some(inner) => Class::of(inner.into()),
                    None => (!ASSIGNED.contains(&address)).then_some(Class::Reserved),
                }
            }
        }
    }
}

fn find<Net>(table: &[(Net, Class)], holds: impl Fn(&Net) -> bool) -> Option<Class> {
    table.iter().find(|(net, _)| holds(net)).map(|(_, class)| *class)
}

/// The IPv4 address a packet to `address` ends at.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let last = || Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15]);
    match address.segments() {
        // v4-mapped (RFC 4291), v4-compatible (deprecated), NAT64 (RFC 6052)
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(last()),
        // 6to4 (RFC 3056)
        [0x2002, ..] => Some(Ipv4Addr::new(octets[2], octets[3], octets[4], octets[5])),
        // ISATAP (RFC 5214), within any prefix open to the public
        [.., 0 | 0x200, 0x5efe, _, _] if ASSIGNED.contains(&address) => Some(last()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_address_is_known_at_both_of_its_ends() {
        use Class::*;
        let table: &[(Class, &[&str])] = &[
            (Unspecified, &["0.0.0.0", "0.255.255.255", "::", "::ffff:0.0.0.0", "64:ff9b::"]),
            (
                Loopback,
                &["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "::127.0.0.1"],
            ),
            (Loopback, &["64:ff9b::7f00:1", "2002:7f00:1::", "2002:7f00:1::5", "2a00::5efe:127.0.0.1"]),
            (Private, &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0"]),
            (
                Private,
                &["192.168.255.255", "fc00::", "fdff:ffff::1", "fec0::1", "feff::1", "::ffff:10.1.2.3"],
            ),
            (Private, &["64:ff9b::10.0.0.1", "2002:c0a8:101::1", "::ffff:192.168.0.1"]),
            (Shared, &["100.64.0.0", "100.127.255.255", "::ffff:100.64.0.1"]),
            (LinkLocal, &["169.254.0.0", "169.254.255.255", "fe80::1", "febf::1", "2002:a9fe:1::"]),
            (
                Metadata,
                &["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16"],
            ),
            (Metadata, &["fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"]),
            (Metadata, &["2002:a9fe:a9fe::", "2600::200:5efe:a9fe:a9fe"]),
            (Multicast, &["224.0.0.0", "239.255.255.255", "ff02::1", "ff0e::1", "::ffff:224.0.0.1"]),
            (Documentation, &["192.0.2.1", "198.51.100.255", "203.0.113.0", "2001:db8::1", "3fff:fff::1"]),
            (Benchmark, &["198.18.0.0", "198.19.255.255"]),
            (
                Reserved,
                &["192.0.0.1", "192.88.99.1", "240.0.0.0", "255.255.255.255", "2001::1", "2001:1ff::1"],
            ),
            (Reserved, &["100::1", "4000::1", "5f00::1", "64:ff9b:1::1", "::ffff:0:7f00:1", "e000::1"]),
        ];
        for (class, addresses) in table {
            for address in *addresses {
                assert_eq!(Class::of(address.parse().unwrap()), Some(*class), "{address}");
            }
        }
    }

    #[test]
    fn public_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert_eq!(Class::of(address.parse().unwrap()), None, "{address}");
        }
    }
}
