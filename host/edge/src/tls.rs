//! The certificate of the https listeners: TLS 1.2 and 1.3 on rustls, HTTP/2 and HTTP/1.1 by ALPN.
//!
//! Invariant: a handshake uses the certificate that was current when it began; [`Certificate::reload`] never touches a
//! connection, and files that cannot be used leave the old certificate serving.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::Tls;
use crate::config::{ClientAuth, Clients};

/// Why a certificate cannot be used. Each message tells the repair.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds something else.
    #[error("{}: {cause}; repair: put a PEM file with {wanted} there", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// What went wrong.
        #[source]
        cause: rustls_pki_types::pem::Error,
    },
    /// Certificate and key do not work together.
    #[error("{}: {cause}; repair: use the private key in {} that belongs to this certificate", cert.display(), key.display())]
    Pair {
        /// File of the certificate.
        cert: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// What went wrong.
        #[source]
        cause: rustls::Error,
    },
    /// The authorities of client certificates cannot be used.
    #[error("{}: {cause}; repair: put a PEM file with the certificates of the authorities there", file.display())]
    Authorities {
        /// Which file.
        file: PathBuf,
        /// What went wrong.
        cause: String,
    },
}

/// The current certificate, and where to read the next one.
pub struct Certificate {
    files: Tls,
    current: ArcSwap<ServerConfig>,
}

impl Certificate {
    /// Reads the files.
    pub fn load(files: Tls) -> Result<Self, TlsError> {
        let current = ArcSwap::from(read(&files)?);
        Ok(Certificate { files, current })
    }

    /// Reads the files again; handshakes from now on use what they hold. On an error the old certificate stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(read(&self.files)?);
        Ok(())
    }

    /// The files to watch for changes.
    pub fn files(&self) -> &Tls {
        &self.files
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }
}

fn read(files: &Tls) -> Result<Arc<ServerConfig>, TlsError> {
    let failed = |file: &Path, wanted| {
        let file = file.to_owned();
        move |cause| TlsError::File { file, wanted, cause }
    };
    let chain =
        CertificateDer::pem_file_iter(&files.cert)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .and_then(|chain| {
                if chain.is_empty() { Err(rustls_pki_types::pem::Error::NoItemsFound) } else { Ok(chain) }
            })
            .map_err(failed(&files.cert, "the certificate chain"))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(failed(&files.key, "the private key"))?;
    let pair = |cause| TlsError::Pair { cert: files.cert.clone(), key: files.key.clone(), cause };
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?;
    let builder = match &files.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(verifier(clients)?),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Verifies client certificates: the chain to one of the authorities, time, purpose, and that the client has the key.
fn verifier(clients: &Clients) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let file = || clients.ca.clone();
    let unusable = |cause: String| TlsError::Authorities { file: file(), cause };
    let read = CertificateDer::pem_file_iter(&clients.ca).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let wanted = "the certificates of the authorities";
    let authorities = read.map_err(|cause| TlsError::File { file: file(), wanted, cause })?;
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(|error| unusable(error.to_string()))?;
    }
    let provider = Arc::new(ring::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match clients.auth {
        ClientAuth::Required => builder,
        ClientAuth::Optional => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|error| unusable(error.to_string()))
}
