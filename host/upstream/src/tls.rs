//! TLS towards other servers: public authorities, and one file of our own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// `[upstream] ca_file` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}; name a PEM file with at least one CERTIFICATE", file.display())]
pub struct BadCa {
    file: PathBuf,
    cause: String,
}

/// How connections are encrypted: TLS 1.2 or 1.3, HTTP/2 preferred.
///
/// # Errors
/// [`BadCa`].
pub(crate) fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, BadCa> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = ca_file {
        add(&mut roots, file).map_err(|cause| BadCa { file: file.to_owned(), cause })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| BadCa { file: PathBuf::new(), cause: error.to_string() })?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())?;
    let mut found = 0;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        found += 1;
    }
    if found == 0 { Err("no certificate in it".into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        for content in ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&file, content).unwrap();
            let told = config(Some(&file)).unwrap_err().to_string();
            assert!(told.contains("ca.pem"), "{told}");
        }
        assert!(config(Some(&folder.path().join("none.pem"))).is_err());
    }
}
