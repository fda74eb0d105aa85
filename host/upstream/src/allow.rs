//! What one plugin may reach: origins before the name is looked up, addresses after.

use std::net::{IpAddr, Ipv6Addr};

use http::Uri;
use ipnet::IpNet;
use ostler_core::plugin::Grant;

use crate::Error;
use crate::address::Class;
use crate::origin::{Host, Origin, Pattern};

/// The outbound part of a plugin's grant. Allows nothing by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allow {
    origins: Vec<Pattern>,
    networks: Vec<IpNet>,
}

impl Allow {
    /// Of `grant.http` and `grant.networks`. An entry that is no origin allows nothing (reading the grant has refused it).
    pub fn from_grant(grant: &Grant) -> Self {
        let origins = grant.http.iter().filter_map(|origin| Pattern::of(origin)).collect();
        Allow { origins, networks: grant.networks.clone() }
    }

    /// Whether a request to `uri` may be tried at all.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `uri` is no absolute URL of http or https, [`Error::Denied`] if its origin is not granted.
    pub fn check(&self, uri: &Uri) -> Result<(), Error> {
        self.origin(uri).map(|_| ())
    }

    pub(crate) fn origin(&self, uri: &Uri) -> Result<Origin, Error> {
        let origin = Origin::of(uri).map_err(Error::Invalid)?;
        if self.origins.iter().any(|pattern| pattern.matches(&origin)) {
            return Ok(origin);
        }
        Err(Error::Denied(format!(
            "outbound HTTP to {origin} is not granted; to allow it: grant = {{ http = [\"{origin}\"] }}"
        )))
    }

    /// Whether `address`, where `host` of a granted origin leads, may be connected to.
    ///
    /// # Errors
    /// [`Error::Denied`].
    pub(crate) fn address(&self, host: &Host, address: IpAddr) -> Result<(), Error> {
        // Who grants an origin that is an address grants that address.
        if *host == Host::Literal(address) {
            return Ok(());
        }
        let Some(class) = Class::of(address) else { return Ok(()) };
        let plain = unmapped(address);
        if self.networks.iter().any(|network| network.contains(&address) || network.contains(&plain)) {
            return Ok(());
        }
        Err(Error::Denied(format!(
            "{host} leads to {address}, {class}; to allow it: grant = {{ networks = [\"{plain}\"] }}"
        )))
    }
}

/// `::ffff:10.0.0.1` is `10.0.0.1`.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => Ipv6Addr::to_ipv4_mapped(&v6).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(http: &[&str], networks: &[&str]) -> Allow {
        Allow::from_grant(&Grant {
            http: http.iter().map(ToString::to_string).collect(),
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            ..Grant::default()
        })
    }

    fn leads(allow: &Allow, url: &str, address: &str) -> Result<(), Error> {
        let origin = allow.origin(&url.parse().unwrap())?;
        allow.address(&origin.host, address.parse().unwrap())
    }

    #[test]
    fn nothing_is_allowed_by_default_and_the_repair_is_named() {
        let error = Allow::default().check(&"https://api.example.com/v1".parse().unwrap()).unwrap_err();
        let Error::Denied(text) = error else { panic!("{error:?}") };
        assert!(text.ends_with("grant = { http = [\"https://api.example.com\"] }"), "{text}");
    }

    #[test]
    fn a_granted_name_reaches_public_addresses_only() {
        let allow = allow(&["http://a.test"], &[]);
        assert_eq!(leads(&allow, "http://a.test/", "1.1.1.1"), Ok(()));
        for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fe80::1"] {
            assert!(matches!(leads(&allow, "http://a.test/", address), Err(Error::Denied(_))), "{address}");
        }
        let Err(Error::Denied(text)) = leads(&allow, "http://a.test/", "::ffff:10.0.0.7") else { panic!() };
        assert!(text.contains("a private address") && text.contains("networks = [\"10.0.0.7\"]"), "{text}");
    }

    #[test]
    fn networks_open_what_lies_in_them_and_nothing_else() {
        let allow = allow(&["http://a.test"], &["10.1.0.0/16", "fd00::/8"]);
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"] {
            assert_eq!(leads(&allow, "http://a.test/", address), Ok(()), "{address}");
        }
        // Not the way round by translation: the network granted is not where that packet goes.
        for address in ["10.2.0.1", "64:ff9b::10.1.2.3", "127.0.0.1"] {
            assert!(leads(&allow, "http://a.test/", address).is_err(), "{address}");
        }
    }

    #[test]
    fn a_granted_address_is_itself_allowed_but_not_for_a_name_that_leads_there() {
        let allow = allow(&["http://127.0.0.1:9000", "http://a.test:9000", "http://[::1]:9000"], &[]);
        assert_eq!(leads(&allow, "http://127.0.0.1:9000/", "127.0.0.1"), Ok(()));
        assert_eq!(leads(&allow, "http://[::1]:9000/", "::1"), Ok(()));
        assert!(leads(&allow, "http://a.test:9000/", "127.0.0.1").is_err());
        assert!(leads(&allow, "http://127.0.0.1:9001/", "127.0.0.1").is_err());
    }
}
