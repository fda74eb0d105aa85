//! The address of an admin API, and the way there: plain or TLS.

use std::path::Path;
use std::sync::Arc;

use http::Uri;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::cli::Failure;

/// An address taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct Target {
    secure: bool,
    /// Name or IP address, without brackets.
    pub(super) host: String,
    /// Given, or the scheme's.
    pub(super) port: u16,
    /// For the `Host` field.
    pub(super) authority: String,
    /// Path before `/v1`, where a proxy stands before the host.
    pub(super) prefix: String,
}

/// A connection.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Target {
    /// Takes `http://host:port` or `https://host:port` apart.
    pub(super) fn parse(url: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::new(
                format!("{url:?} is no address of an admin API"),
                "write --admin http://HOST:PORT or https://HOST:PORT",
            )
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong());
        }
        if authority.port_u16().is_none() && authority.as_str() != authority.host() {
            return Err(wrong());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Target { secure, host, port, authority: authority.as_str().to_owned(), prefix })
    }

    /// Encrypts `tcp` if the address says https.
    pub(super) async fn secure(&self, tcp: TcpStream, ca: Option<&Path>) -> Result<Stream, Failure> {
        if !self.secure {
            return Ok(Stream::Plain(tcp));
        }
        let name = ServerName::try_from(self.host.clone()).map_err(|_| {
            Failure::new(format!("{:?} is no name of a server", self.host), "correct --admin")
        })?;
        let connector = TlsConnector::from(Arc::new(trust(ca)?));
        let tls = connector.connect(name, tcp).await.map_err(|error| {
            let repair = "for a certificate of your own, name its authority with --ca FILE; without TLS, write http://";
            Failure::new(format!("no trusted connection to {}: {error}", self.authority), repair)
        })?;
        Ok(Stream::Tls(Box::new(tls)))
    }
}

fn trust(ca: Option<&Path>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = ca {
        let wrong = |error: String| {
            Failure::new(format!("{}: {error}", file.display()), "name a PEM file with certificates")
        };
        let certificates = CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let versions = versions.map_err(|error| Failure::new(error.to_string(), ""))?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let target = Target::parse("https://[::1]:9443/ops/").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.prefix.as_str()), ("::1", 9443, "/ops"));
        assert_eq!(Target::parse("http://a.test").unwrap().port, 80);
    }

    #[test]
    fn what_is_no_address_is_told_with_the_shape_of_one() {
        for url in [
            "",
            "127.0.0.1:9080",
            "ftp://a",
            "http://",
            "http://user@a",
            "http://a/?q",
            "http://a b",
            "http://a:99999",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }
}
