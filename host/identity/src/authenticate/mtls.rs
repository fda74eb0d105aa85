//! TLS client certificates: the listener has verified them against `[server] tls.client_ca`; here they become a principal.
//!
//! **Invariant:** only the certificate of the connection itself counts, never a field in which somebody forwards one.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use ostler_core::principal::{Assurance, Method};
use ostler_core::settings::Section;
use ostler_core::{Exchange, Principal};
use ostler_services::Clock;
use serde_json::json;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::remembered::{Proved, Remembered};
use super::{Reason, Verdict};

/// Longest name that becomes a subject, in bytes.
const SUBJECT_MAX: usize = 512;

/// Settings of `kind = "mtls"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `subject`: which name of the certificate is the subject. Default: `san-uri`.
    subject: Naming,
    /// `subjects`: who is let in; a name, or its beginning with `*` after it. Default: whoever the authority vouches for.
    subjects: Vec<String>,
    /// `roles`: roles of all of them. Default: none.
    roles: Vec<String>,
    /// `tenant`: tenant of all of them. Default: none.
    tenant: Option<String>,
}

/// A kind of name in a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    SanUri,
    SanDns,
    SanEmail,
    CommonName,
}

pub(crate) struct Mtls {
    name: Arc<str>,
    config: Config,
    roles: Vec<Arc<str>>,
    tenant: Option<Arc<str>>,
    clock: Clock,
    /// A certificate is read once; and never again once it has expired, however long its connection lives.
    remembered: Remembered,
}

impl Config {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let namings = [
            ("san-uri", Naming::SanUri),
            ("san-dns", Naming::SanDns),
            ("san-email", Naming::SanEmail),
            ("cn", Naming::CommonName),
        ];
        let texts = |section: &mut Section<'_>, key| {
            section.strings(key).into_iter().map(|text| text.value).collect::<Vec<_>>()
        };
        Config {
            subject: section.choice("subject", &namings).unwrap_or(Naming::SanUri),
            subjects: texts(section, "subjects"),
            roles: texts(section, "roles"),
            tenant: section.string("tenant").map(|tenant| tenant.value),
        }
    }

    fn lets_in(&self, name: &str) -> bool {
        let matches = |wanted: &String| match wanted.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == wanted,
        };
        self.subjects.is_empty() || self.subjects.iter().any(matches)
    }
}

impl Mtls {
    pub(super) fn new(name: &str, config: &Config) -> Self {
        Self::at(name, config, Clock::default())
    }

    fn at(name: &str, config: &Config, clock: Clock) -> Self {
        let roles = config.roles.iter().map(|role| role.as_str().into()).collect();
        let tenant = config.tenant.as_deref().map(Into::into);
        Mtls {
            name: name.into(),
            config: config.clone(),
            roles,
            tenant,
            clock,
            remembered: Remembered::default(),
        }
    }

    pub(super) fn remembered(&self, exchange: &Exchange) -> Option<Arc<Principal>> {
        self.remembered.get(exchange.peer.certificate.as_ref()?, self.clock.now_ms(), 0)
    }

    pub(super) fn authenticate(&self, exchange: &Exchange) -> Verdict {
        let Some(der) = &exchange.peer.certificate else { return Verdict::Absent };
        match self.read(der) {
            Ok(proved) => {
                let principal = proved.principal.clone();
                self.remembered.put(der, proved);
                Verdict::Known(principal)
            }
            Err(reason) => Verdict::Refused(reason.refuse()),
        }
    }

    fn read(&self, der: &[u8]) -> Result<Proved, Reason> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| Reason::Malformed)?;
        let now_ms = self.clock.now_ms();
        let validity = certificate.validity();
        let until_ms = validity.not_after.timestamp().saturating_mul(1000);
        if until_ms <= now_ms {
            return Err(Reason::Expired);
        }
        if validity.not_before.timestamp().saturating_mul(1000) > now_ms {
            return Err(Reason::NotYet);
        }
        let names = self.config.subject.of(&certificate).into_iter().filter(|name| self.config.lets_in(name));
        let names: Vec<_> = names.collect();
        // Of several names each might be meant; a certificate that lets choose proves nothing.
        let [subject] = names.as_slice() else { return Err(Reason::Certificate) };
        if subject.is_empty() || subject.len() > SUBJECT_MAX || subject.chars().any(char::is_control) {
            return Err(Reason::Certificate);
        }
        let principal = Principal {
            subject: subject.as_str().into(),
            tenant: self.tenant.clone(),
            roles: self.roles.clone(),
            scopes: Vec::new(),
            authenticator: self.name.clone(),
            method: Method::Mtls,
            authenticated_at: UNIX_EPOCH + Duration::from_millis(now_ms.unsigned_abs()),
            assurance: Assurance::default(),
            claims: Arc::new(json!({
                "issuer": certificate.issuer().to_string(),
                "serial": certificate.raw_serial_as_string(),
            })),
        };
        Ok(Proved { principal: Arc::new(principal), until_ms, generation: 0, claims: der.len() })
    }
}

impl Naming {
    /// The names of this kind.
    fn of(self, certificate: &X509Certificate<'_>) -> Vec<String> {
        if let Naming::CommonName = self {
            let names = certificate.subject().iter_common_name();
            return names.filter_map(|name| name.as_str().ok()).map(str::to_owned).collect();
        }
        let Ok(Some(alternative)) = certificate.subject_alternative_name() else { return Vec::new() };
        let wanted = |name: &GeneralName<'_>| match (self, name) {
            (Naming::SanUri, GeneralName::URI(text))
            | (Naming::SanDns, GeneralName::DNSName(text))
            | (Naming::SanEmail, GeneralName::RFC822Name(text)) => Some((*text).to_owned()),
            _ => None,
        };
        alternative.value.general_names.iter().filter_map(wanted).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Instant;

    use ostler_core::settings::{Node, Problems};
    use ostler_core::{Peer, RequestId, Scheme};
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

    use super::*;

    fn certificate(sans: &[SanType], cn: &str) -> Arc<[u8]> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = sans.to_vec();
        params.distinguished_name.push(DnType::CommonName, cn);
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 2, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec().into()
    }

    fn exchange(certificate: Option<Arc<[u8]>>) -> Exchange {
        let address = (IpAddr::V4(Ipv4Addr::LOCALHOST), 1).into();
        let peer = Peer { address, scheme: Scheme::Https, certificate };
        Exchange::new(RequestId::generate(1), peer, "/".into(), Instant::now(), Instant::now())
    }

    fn mtls(keys: &str) -> (Mtls, Clock) {
        let problems = Problems::new("t");
        let node = Node::from_toml(keys, &problems);
        let mut section = node.section("auth.t", &problems);
        let config = Config::read(&mut section);
        section.finish();
        assert!(problems.into_vec().is_empty());
        // 2026-01-15
        let clock = Clock::manual(1_768_435_200_000);
        (Mtls::at("t", &config, clock.clone()), clock)
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    fn subject(mtls: &Mtls, certificate: &Arc<[u8]>) -> Result<String, Reason> {
        match mtls.authenticate(&exchange(Some(certificate.clone()))) {
            Verdict::Known(principal) => Ok(principal.subject.to_string()),
            Verdict::Refused(error) | Verdict::Foreign(error) => Err(Reason::of(&error)),
            Verdict::Absent => panic!("it is there"),
        }
    }

    #[test]
    fn the_name_that_is_configured_is_the_subject() {
        let sans = [uri("spiffe://a/b"), SanType::DnsName("a.test".try_into().unwrap())];
        let certificate = certificate(&sans, "anna");
        for (keys, expected) in [
            ("", Ok("spiffe://a/b".to_owned())),
            ("subject = 'san-dns'\nroles = ['r']\ntenant = 'x'", Ok("a.test".to_owned())),
            ("subject = 'cn'", Ok("anna".to_owned())),
            ("subject = 'san-email'", Err(Reason::Certificate)),
            ("subjects = ['spiffe://a/*']", Ok("spiffe://a/b".to_owned())),
            ("subjects = ['spiffe://a/b']", Ok("spiffe://a/b".to_owned())),
            ("subjects = ['spiffe://a/', 'spiffe://b/*']", Err(Reason::Certificate)),
        ] {
            assert_eq!(subject(&mtls(keys).0, &certificate), expected, "{keys}");
        }
    }

    #[test]
    fn a_certificate_with_several_names_proves_none_of_them() {
        let two = certificate(&[uri("spiffe://a/b"), uri("spiffe://a/c")], "x");
        assert_eq!(subject(&mtls("").0, &two), Err(Reason::Certificate));
        assert_eq!(subject(&mtls("subjects = ['spiffe://a/c']").0, &two), Ok("spiffe://a/c".into()));
        let odd = certificate(&[uri("spiffe://a/\u{1}")], "x");
        assert_eq!(subject(&mtls("").0, &odd), Err(Reason::Certificate));
    }

    #[test]
    fn a_certificate_that_expires_on_an_open_connection_ends_there() {
        let (mtls, clock) = mtls("");
        let certificate = certificate(&[uri("spiffe://a/b")], "x");
        let exchange = exchange(Some(certificate.clone()));
        assert!(mtls.remembered(&exchange).is_none());
        assert!(subject(&mtls, &certificate).is_ok());
        assert_eq!(mtls.remembered(&exchange).unwrap().method, Method::Mtls);
        clock.advance(Duration::from_secs(17 * 24 * 3600));
        assert!(mtls.remembered(&exchange).is_none());
        assert_eq!(subject(&mtls, &certificate), Err(Reason::Expired));
    }

    #[test]
    fn without_a_certificate_there_is_nobody_and_rubbish_is_refused() {
        let (mtls, _) = mtls("");
        assert!(matches!(mtls.authenticate(&exchange(None)), Verdict::Absent));
        assert_eq!(subject(&mtls, &b"rubbish"[..].into()), Err(Reason::Malformed));
    }
}
