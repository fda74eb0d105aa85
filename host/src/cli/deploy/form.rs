//! What goes with a component: named files, or those that lie beside it; and the form they travel in.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use ostler_release::admission::Attachment;
use serde_json::json;

use crate::cli::Failure;

/// Files that go with a component.
#[derive(Debug, Args)]
pub(super) struct Attachments {
    /// Its signature, in minisign's format
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// A Sigstore bundle for it
    #[arg(long, value_name = "FILE")]
    sigstore: Option<PathBuf>,
    /// The list of what it is made of: CycloneDX in JSON
    #[arg(long, value_name = "FILE")]
    sbom: Option<PathBuf>,
    /// Requests to try it with before it serves
    #[arg(long, value_name = "FILE")]
    requests: Option<PathBuf>,
}

impl Attachments {
    /// The named files, and those that lie beside `component`, of which `show` is told.
    pub(super) fn gather(
        &self,
        component: &Path,
        show: impl Fn(&str),
    ) -> Result<Vec<(Attachment, Vec<u8>)>, Failure> {
        let mut files = Vec::new();
        for kind in Attachment::ALL {
            let (named, beside) = (self.named(kind), beside(component, kind));
            let file = match named {
                Some(file) => file.clone(),
                None if beside.is_file() => {
                    show(&format!("with {} ({})", beside.display(), kind.as_str()));
                    beside
                }
                None => continue,
            };
            files.push((kind, read(&file, kind.limit())?));
        }
        Ok(files)
    }

    fn named(&self, kind: Attachment) -> Option<&PathBuf> {
        match kind {
            Attachment::Signature => self.signature.as_ref(),
            Attachment::Sigstore => self.sigstore.as_ref(),
            Attachment::Sbom => self.sbom.as_ref(),
            Attachment::Requests => self.requests.as_ref(),
        }
    }
}

/// Where the tools that make them put them: minisign and cosign beside the file, cargo-cyclonedx by its stem.
fn beside(component: &Path, kind: Attachment) -> PathBuf {
    let added = |end: &str| {
        let mut name = component.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    match kind {
        Attachment::Signature => added(".minisig"),
        Attachment::Sigstore => added(".sigstore.json"),
        Attachment::Sbom => component.with_extension("cdx.json"),
        Attachment::Requests => component.with_extension("requests.toml"),
    }
}

fn read(file: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let repair =
        "name the file as it is, or leave it out: what lies beside the component goes along by itself";
    let told = |error: String| Failure::new(format!("{}: {error}", file.display()), repair);
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| told(error.to_string()))?;
    if bytes.len() > limit {
        return Err(told(format!("more than {limit} bytes, which no host takes")));
    }
    Ok(bytes)
}

/// Media type and body of an upload: the component alone, or a form (RFC 7578) if there is more to say.
pub(super) fn encode(
    component: Vec<u8>,
    files: Vec<(Attachment, Vec<u8>)>,
    approve: &[String],
) -> (String, Vec<u8>) {
    if files.is_empty() && approve.is_empty() {
        return ("application/wasm".into(), component);
    }
    let mut parts = vec![("component", component)];
    parts.extend(files.into_iter().map(|(kind, bytes)| (kind.as_str(), bytes)));
    if !approve.is_empty() {
        parts.push(("options", json!({ "approve": approve }).to_string().into_bytes()));
    }
    // Of 128 random bits, so that no part holds it.
    let boundary = format!("ostler-{:032x}", fastrand::u128(..));
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\r\n"
        );
        body.extend(head.into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_alone_is_no_form() {
        let (kind, body) = encode(b"wasm".to_vec(), Vec::new(), &[]);
        assert_eq!((kind.as_str(), body.as_slice()), ("application/wasm", &b"wasm"[..]));
        let (kind, body) = encode(b"wasm".to_vec(), vec![(Attachment::Sbom, b"{}".to_vec())], &["kv".into()]);
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8(body).unwrap();
        assert_eq!(text.matches(&format!("--{boundary}\r\n")).count(), 3);
        assert!(
            text.ends_with(&format!("--{boundary}--\r\n")) && text.contains("{\"approve\":[\"kv\"]}"),
            "{text}"
        );
    }

    #[test]
    fn what_lies_beside_goes_along_and_is_told() {
        let home = tempfile::tempdir().unwrap();
        let component = home.path().join("a.wasm");
        for (name, text) in [("a.wasm.minisig", "s"), ("a.cdx.json", "{}"), ("other.json", "o")] {
            std::fs::write(home.path().join(name), text).unwrap();
        }
        let sbom = Some(home.path().join("other.json"));
        let attachments = Attachments { signature: None, sigstore: None, sbom, requests: None };
        let told = std::cell::RefCell::new(Vec::new());
        let files = attachments.gather(&component, |line| told.borrow_mut().push(line.to_owned())).unwrap();
        assert_eq!(files, [(Attachment::Signature, b"s".to_vec()), (Attachment::Sbom, b"o".to_vec())]);
        assert!(told.borrow().len() == 1 && told.borrow()[0].ends_with("a.wasm.minisig (signature)"));
        std::fs::write(home.path().join("a.wasm.minisig"), vec![b'x'; 9 << 10]).unwrap();
        assert!(attachments.gather(&component, |_| {}).unwrap_err().error.contains("more than 8192 bytes"));
    }
}
