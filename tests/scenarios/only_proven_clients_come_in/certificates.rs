//! Client certificates, from the handshake to the access line.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::Setup;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

struct Authority(Issuer<'static, KeyPair>, String);

type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority(Issuer::new(params, key), pem)
    }

    fn client(&self, uri: &str, change: impl Fn(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }
}

fn prepared(setup: &Setup, authority: &Authority) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let write = |name: &str, text: &str| std::fs::write(setup.folder().join(name), text).unwrap();
    write("cert.pem", &made.cert.pem());
    write("key.pem", &made.signing_key.serialize_pem());
    write("ca.pem", &authority.1);
    made.cert.der().clone()
}

fn start(authority: &Authority, client_auth: &str) -> (Host, CertificateDer<'static>) {
    let setup = Setup::new();
    let trusted = prepared(&setup, authority);
    let keys = format!(
        "listen = [\"https://127.0.0.1:0\"]\n\
         tls = {{ cert = \"cert.pem\", key = \"key.pem\", client_ca = \"ca.pem\", client_auth = \"{client_auth}\" }}"
    );
    let tables = "[auth.machines]\nkind = \"mtls\"\nsubjects = [\"spiffe://acme/*\"]\nroles = [\"machine\"]\ntenant = \"acme\"";
    (host(setup.server(&keys), "[\"machines\"]", tables), trusted)
}

/// The reply to one request with these fields, or why there is none.
async fn exchange(
    host: &Host,
    trusted: &CertificateDer<'static>,
    identity: Option<&Identity>,
    fields: &str,
) -> std::io::Result<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.unwrap().with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            builder.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap()
        }
    };
    let tcp = TcpStream::connect(host.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    let request = format!("GET /echo HTTP/1.1\r\nhost: localhost\r\n{fields}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply)
}

#[tokio::test]
async fn a_certificate_of_the_authority_proves_who_asks() {
    let authority = Authority::new();
    let (host, trusted) = start(&authority, "optional");
    let billing = authority.client("spiffe://acme/billing", |_| {});
    let reply = exchange(&host, &trusted, Some(&billing), "").await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let line = host.line(|line| line["auth"] == "machines").await;
    assert_eq!((&line["subject"], &line["tenant"]), (&"spiffe://acme/billing".into(), &"acme".into()));

    let (certificate, _) = &billing;
    let hex: String = certificate.iter().map(|byte| format!("{byte:02x}")).collect();
    for fields in [
        String::new(),
        "x-forwarded-client-cert: URI=spiffe://acme/billing\r\n".into(),
        format!("client-cert: :{hex}:\r\nssl-client-verify: SUCCESS\r\nx-ssl-client-s-dn: CN=billing\r\n"),
    ] {
        let reply = exchange(&host, &trusted, None, &fields).await.unwrap();
        assert!(reply.starts_with("HTTP/1.1 401"), "{fields}: {reply}");
        assert!(reply.contains("www-authenticate: Certificate realm=\"machines\"\r\n"), "{reply}");
    }
    let other = authority.client("spiffe://other/billing", |_| {});
    let reply = exchange(&host, &trusted, Some(&other), "").await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");
    assert_eq!(host.metric("ostler_auth_failures_total", &["reason=\"certificate\""]).await, 1.0);
}

#[tokio::test]
async fn a_certificate_that_proves_nothing_gets_no_connection() {
    let authority = Authority::new();
    let (host, trusted) = start(&authority, "optional");
    let stranger = Authority::new().client("spiffe://acme/billing", |_| {});
    let past = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    };
    let server = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
    };
    for (name, identity) in [
        ("another authority", stranger),
        ("expired", authority.client("spiffe://acme/billing", past)),
        ("for servers only", authority.client("spiffe://acme/billing", server)),
    ] {
        assert!(exchange(&host, &trusted, Some(&identity), "").await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_listener_that_requires_certificates_serves_nobody_without_and_takes_a_new_authority() {
    let (authority, next) = (Authority::new(), Authority::new());
    let (host, trusted) = start(&authority, "required");
    assert!(exchange(&host, &trusted, None, "").await.is_err());
    let (old, new) = (authority.client("spiffe://acme/a", |_| {}), next.client("spiffe://acme/b", |_| {}));
    assert!(exchange(&host, &trusted, Some(&old), "").await.unwrap().starts_with("HTTP/1.1 200"));
    assert!(exchange(&host, &trusted, Some(&new), "").await.is_err());
    replace(&host.folder, "ca.pem", &next.1);
    let since = Instant::now();
    while exchange(&host, &trusted, Some(&new), "").await.is_err() {
        assert!(since.elapsed() < Duration::from_secs(60), "the new authority is not taken over");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(exchange(&host, &trusted, Some(&old), "").await.is_err());
}

fn replace(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join("next.pem"), text).unwrap();
    std::fs::rename(folder.join("next.pem"), folder.join(name)).unwrap();
}
