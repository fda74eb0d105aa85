//! Sigstore bundles, verified without asking anybody: against the authorities and logs in a file that the operator trusts.
//!
//! **Invariant:** a bundle counts only for the very bytes it signs, by the configured identity, as proved by the configured issuer.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::Bundle;
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
