//! What a limit counts a request under.
//!
//! **Invariant:** nothing that a client leaves out gives it a counter of its own: where a part of a key is missing, its
//! address stands in for it.

use std::net::IpAddr;

use http::HeaderName;
use http::request::Parts;
use ostler_core::plugin::RouteSpec;
use ostler_core::principal::Method;
use ostler_core::{Exchange, Principal};
use ostler_services::limits::{KeyWriter, Limit, Part};

/// A part of a key, with what is known of it beforehand.
pub(super) enum Kept {
    Address(u8),
    User,
    Tenant,
    ApiKey,
    Header(HeaderName),
    Method,
    /// The route or the plugin.
    Fixed(u8, String),
}

/// Kinds of parts of a key; what plugins ask under is another one, so that the two never meet.
mod kind {
    pub(super) const NOBODY: u8 = 1;
    pub(super) const ADDRESS: u8 = 2;
    pub(super) const USER: u8 = 3;
    pub(super) const TENANT: u8 = 4;
    pub(super) const API_KEY: u8 = 5;
    pub(super) const HEADER: u8 = 6;
    pub(super) const METHOD: u8 = 7;
    pub(super) const ROUTE: u8 = 8;
    pub(super) const PLUGIN: u8 = 9;
    pub(super) const NAME: u8 = 10;
}

impl Kept {
    pub(super) fn new(part: &Part, limit: &Limit, route: &RouteSpec) -> Option<Self> {
        Some(match part {
            Part::Address => Kept::Address(limit.config().ipv6_prefix),
            Part::User => Kept::User,
            Part::Tenant => Kept::Tenant,
            Part::ApiKey => Kept::ApiKey,
            Part::Header(name) => Kept::Header(HeaderName::from_bytes(name.as_bytes()).ok()?),
            Part::Method => Kept::Method,
            Part::Plugin => Kept::Fixed(kind::PLUGIN, route.plugin.clone()),
            Part::Route => {
                let methods =
                    route.methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(",");
                let host = route.host.as_deref().unwrap_or("*");
                Kept::Fixed(kind::ROUTE, format!("{host} {} {methods}", route.path))
            }
        })
    }

    pub(super) fn write(&self, key: &mut KeyWriter, exchange: &Exchange, head: &Parts, prefix: u8) {
        if !self.is_written(key, exchange, head) {
            address(key, kind::NOBODY, exchange.client, prefix);
        }
    }

    /// Writes what the request has of it; whether it has any.
    fn is_written(&self, key: &mut KeyWriter, exchange: &Exchange, head: &Parts) -> bool {
        let known = exchange.principal.as_deref();
        match self {
            Kept::Address(prefix) => address(key, kind::ADDRESS, exchange.client, *prefix),
            Kept::Method => key.part(kind::METHOD, head.method.as_str().as_bytes()),
            Kept::Fixed(kind, text) => key.part(*kind, text.as_bytes()),
            Kept::User => {
                let Some(known) = known else { return false };
                subject(key, kind::USER, known);
            }
            Kept::ApiKey => {
                let Some(known) = known.filter(|known| known.method == Method::ApiKey) else { return false };
                subject(key, kind::API_KEY, known);
            }
            Kept::Tenant => {
                let Some(tenant) = known.and_then(|known| known.tenant.as_deref()) else { return false };
                key.part(kind::TENANT, tenant.as_bytes());
            }
            Kept::Header(name) => {
                // Its name tells the values of two fields apart.
                key.part(kind::NAME, name.as_str().as_bytes());
                let values = head.headers.get_all(name).iter();
                return values.map(|value| key.part(kind::HEADER, value.as_bytes())).count() > 0;
            }
        }
        true
    }
}

/// An IPv4 address whole, of an IPv6 address its first `prefix` bits.
fn address(key: &mut KeyWriter, kind: u8, address: IpAddr, prefix: u8) {
    match address {
        IpAddr::V4(address) => key.part(kind, &address.octets()),
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            key.part(kind, &(address.to_bits() & mask).to_be_bytes());
        }
    }
}

fn subject(key: &mut KeyWriter, kind: u8, known: &Principal) {
    key.part(kind, known.authenticator.as_bytes());
    key.part(kind, known.subject.as_bytes());
}
