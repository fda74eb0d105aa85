//! Sigstore bundles, verified without asking anybody: against the authorities and logs in a file that the operator trusts.
//!
//! **Invariant:** a bundle counts only for the very bytes it signs, by the configured identity, as proved by the configured issuer.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::{Bundle, SignatureContent};
use sigstore_verify::{VerificationPolicy, verify};

use super::{Sigstore, Verdict};

/// Largest `trusted_root.json`, in bytes.
const ROOT_MAX: u64 = 1 << 20;

/// Whether a file can be trusted in.
pub(super) fn check_root(path: &Path) -> Result<(), String> {
    root(path).map(|_| ())
}

/// Whether `bundle` is a signature of `component` that `trust` accepts.
pub fn judge(trust: &Sigstore, bundle: &[u8], component: &[u8]) -> Verdict {
    found(trust, bundle, component).map_err(|reason| vec![reason])
}

fn found(trust: &Sigstore, bundle: &[u8], component: &[u8]) -> Result<String, String> {
    let root = root(&trust.trusted_root)?;
    let told = |error: String| format!("the Sigstore bundle is not accepted: {error}");
    let text = std::str::from_utf8(bundle).map_err(|error| told(error.to_string()))?;
    let bundle = Bundle::from_json(text).map_err(|error| told(error.to_string()))?;
    // An attestation says something of the component, and what it says need not be that it may run.
    let SignatureContent::MessageSignature(_) = bundle.content else {
        return Err(told("it is an attestation, and no signature; make one with `cosign sign-blob`".into()));
    };
    let policy = VerificationPolicy::new(trust.identity.as_str(), trust.issuer.as_str());
    verify(component, &bundle, &policy, &root).map_err(|error| told(error.to_string()))?;
    Ok(format!("signed by {} (Sigstore, proved by {})", trust.identity, trust.issuer))
}

fn root(path: &Path) -> Result<TrustedRoot, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(ROOT_MAX + 1).read_to_string(&mut text));
    read.map_err(|error| told(&error))?;
    if text.len() as u64 > ROOT_MAX {
        return Err(told(&format_args!("more than {ROOT_MAX} bytes")));
    }
    TrustedRoot::from_json(&text).map_err(|error| told(&error))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT;

    use super::*;

    /// A bundle that cosign made and the bytes it signs.
    fn signed_by_cosign() -> Option<(Vec<u8>, Vec<u8>)> {
        test_data(["cosign-v3-blob.sigstore.json", "cosign-v3-blob.txt"])
    }

    /// A bundle and the bytes it is about: the crate's own test data, in the sources that Cargo keeps of it.
    fn test_data([bundle, artifact]: [&str; 2]) -> Option<(Vec<u8>, Vec<u8>)> {
        #[allow(clippy::disallowed_methods, reason = "where Cargo keeps sources is in the environment")]
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
            #[allow(clippy::disallowed_methods, reason = "as above")]
            std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"))
        })?;
        let registries = fs::read_dir(home.join("registry/src")).ok()?;
        let folders =
            registries.flatten().flat_map(|registry| fs::read_dir(registry.path())).flatten().flatten();
        let mut crates =
            folders.filter(|entry| entry.file_name().to_string_lossy().starts_with("sigstore-verify-"));
        crates.find_map(|entry| {
            let data = entry.path().join("test_data/bundles");
            let read = |name: &str| fs::read(data.join(name)).ok();
            Some((read(bundle)?, read(artifact)?))
        })
    }

    /// Whoever signed `bundle`, trusted by a root in `folder`.
    fn trusting(folder: &Path, bundle: &[u8], artifact: &[u8]) -> Sigstore {
        let trusted_root = folder.join("trusted_root.json");
        fs::write(&trusted_root, SIGSTORE_PRODUCTION_TRUSTED_ROOT).unwrap();
        let bundle = Bundle::from_json(std::str::from_utf8(bundle).unwrap()).unwrap();
        let signed =
            verify(artifact, &bundle, &VerificationPolicy::any_identity(), &root(&trusted_root).unwrap())
                .unwrap();
        let (identity, issuer) =
            (signed.identity().unwrap().as_str().to_owned(), signed.issuer().unwrap().to_owned());
        Sigstore { trusted_root, identity, issuer }
    }

    #[test]
    fn a_bundle_of_cosigns_is_verified_offline_and_only_for_its_bytes_signer_and_issuer() {
        let Some((bundle, artifact)) = signed_by_cosign() else {
            panic!("the sources of sigstore-verify are not where Cargo keeps them; run `cargo fetch`");
        };
        let home = tempfile::tempdir().unwrap();
        let trust = trusting(home.path(), &bundle, &artifact);
        assert!(judge(&trust, &bundle, &artifact).unwrap().starts_with("signed by "));
        let told = judge(&trust, &bundle, b"another component").unwrap_err();
        assert!(told[0].starts_with("the Sigstore bundle is not accepted"), "{told:?}");
        for other in [
            Sigstore { identity: "https://github.com/evil".into(), ..trust.clone() },
            Sigstore { identity: trust.identity[1..].into(), ..trust.clone() },
            Sigstore { issuer: "https://accounts.example.com".into(), ..trust.clone() },
            Sigstore { trusted_root: home.path().join("none"), ..trust.clone() },
        ] {
            judge(&other, &bundle, &artifact).unwrap_err();
        }
        let mut other: serde_json::Value = serde_json::from_slice(&bundle).unwrap();
        other["verificationMaterial"]["tlogEntries"] = serde_json::json!([]);
        let told = judge(&trust, other.to_string().as_bytes(), &artifact).unwrap_err();
        assert!(told[0].contains("not accepted"), "without its log entry: {told:?}");
    }

    #[test]
    fn an_attestation_about_a_component_is_no_signature_of_it() {
        let names = ["conda-attestation.sigstore.json", "signed-package-2.1.0-hb0f4dca_0.conda"];
        let Some((bundle, artifact)) = test_data(names) else { panic!("run `cargo fetch`") };
        let home = tempfile::tempdir().unwrap();
        // The crate itself is content with it.
        let trust = trusting(home.path(), &bundle, &artifact);
        let told = judge(&trust, &bundle, &artifact).unwrap_err();
        assert!(told[0].contains("it is an attestation, and no signature"), "{told:?}");
    }

    #[test]
    fn other_authorities_than_the_configured_ones_vouch_for_nothing() {
        let Some((bundle, artifact)) = signed_by_cosign() else { panic!("run `cargo fetch`") };
        let home = tempfile::tempdir().unwrap();
        let trust = trusting(home.path(), &bundle, &artifact);
        let mut root: serde_json::Value = serde_json::from_str(SIGSTORE_PRODUCTION_TRUSTED_ROOT).unwrap();
        root["certificateAuthorities"] = serde_json::json!([]);
        fs::write(&trust.trusted_root, root.to_string()).unwrap();
        judge(&trust, &bundle, &artifact).unwrap_err();
    }

    #[test]
    fn hostile_bundles_and_roots_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let trusted_root = home.path().join("root.json");
        fs::write(&trusted_root, SIGSTORE_PRODUCTION_TRUSTED_ROOT).unwrap();
        check_root(&trusted_root).unwrap();
        let trust = Sigstore { trusted_root: trusted_root.clone(), identity: "a".into(), issuer: "b".into() };
        let deep = "[".repeat(1 << 20);
        for bundle in [&b""[..], b"{}", b"null", &[0xff], deep.as_bytes()] {
            judge(&trust, bundle, b"x").unwrap_err();
        }
        fs::write(&trusted_root, " ".repeat(2 << 20)).unwrap();
        assert!(check_root(&trusted_root).unwrap_err().contains("more than"));
    }
}
