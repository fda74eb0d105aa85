//! A release as it is uploaded: a component alone, or a form (`multipart/form-data`) of it and what belongs to it.
//!
//! **Invariant:** every part is bounded while it is read, each comes once, and none is there that nobody knows.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyDataStream;
use multer::{Constraints, Multipart, SizeLimit};
use ostler_core::Body;
use ostler_core::settings::Section;
use ostler_core::unit::format_size;
use ostler_release::admission::Attachment;
use ostler_runtime::inspect::COMPONENT_BYTES_MAX;

use super::answer::Problem;
use super::body::{keys, receive};
use crate::control::Upload;

/// Part with the component, and the one with what else is said.
const COMPONENT: &str = "component";
const OPTIONS: &str = "options";

/// Most bytes of `options`.
const OPTIONS_MAX: usize = 64 << 10;

/// Room for the heads of all parts.
const HEADS_MAX: usize = 64 << 10;

/// Reads a request's body.
pub(super) async fn read(request: Request<Body>) -> Result<Upload, Problem> {
    match boundary(request.headers())? {
        Some(boundary) => form(request.into_body(), boundary).await,
        None => Ok(Upload::of(receive(request.into_body(), COMPONENT_BYTES_MAX as u64).await?)),
    }
}

/// What parts the parts, if it is a form.
fn boundary(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let form = kind.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
    match (form, multer::parse_boundary(kind)) {
        (false, _) => Ok(None),
        (true, Ok(boundary)) => Ok(Some(boundary)),
        (true, Err(_)) => Err(malformed("its content type is not multipart/form-data with a boundary")),
    }
}

async fn form(body: Body, boundary: String) -> Result<Upload, Problem> {
    let mut parts = Multipart::with_constraints(BodyDataStream::new(body), boundary, constraints());
    let (mut component, mut options, mut files) = (None, None, Vec::<(Attachment, Bytes)>::new());
    while let Some(field) = parts.next_field().await.map_err(problem)? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(problem)?;
        let kind = Attachment::ALL.into_iter().find(|kind| kind.as_str() == name);
        let again = match (name.as_str(), kind) {
            (COMPONENT, _) => component.replace(bytes).is_some(),
            (OPTIONS, _) => options.replace(bytes).is_some(),
            (_, Some(kind)) => {
                let again = files.iter().any(|(known, _)| *known == kind);
                files.push((kind, bytes));
                again
            }
            _ => return Err(malformed("a part has no name")),
        };
        if again {
            return Err(malformed(&format!("the part {name} is there twice")));
        }
    }
    let component = component.ok_or_else(|| malformed("the part component is missing"))?;
    let mut upload = Upload { files, ..Upload::of(component) };
    if let Some(options) = options {
        read_options(&options, &mut upload)?;
    }
    Ok(upload)
}

/// Takes over what `options` say.
fn read_options(text: &[u8], upload: &mut Upload) -> Result<(), Problem> {
    let json = serde_json::from_slice(text)
        .map_err(|error| malformed(&format!("the part options is not valid JSON: {error}")))?;
    upload.approve = keys(&json, approvals)?;
    Ok(())
}

fn approvals(section: &mut Section<'_>) -> Vec<String> {
    section.strings("approve").into_iter().map(|name| name.value).collect()
}

fn constraints() -> Constraints {
    let files: usize = Attachment::ALL.iter().map(|kind| kind.limit()).sum();
    let whole = (COMPONENT_BYTES_MAX + files + OPTIONS_MAX + HEADS_MAX) as u64;
    let mut limit = SizeLimit::new()
        .whole_stream(whole)
        .per_field(OPTIONS_MAX as u64)
        .for_field(COMPONENT, COMPONENT_BYTES_MAX as u64);
    for kind in Attachment::ALL {
        limit = limit.for_field(kind.as_str(), kind.limit() as u64);
    }
    let known = Attachment::ALL.iter().map(|kind| kind.as_str()).chain([COMPONENT, OPTIONS]).collect();
    Constraints::new().size_limit(limit).allowed_fields(known)
}

fn problem(error: multer::Error) -> Problem {
    let too_large = |what: String, limit: u64| {
        let detail = format!("{what} is larger than the {} that are taken", format_size(limit));
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    };
    match error {
        multer::Error::FieldSizeExceeded { limit, field_name } => {
            too_large(format!("the part {}", field_name.unwrap_or_default()), limit)
        }
        multer::Error::StreamSizeExceeded { limit } => too_large("the form".into(), limit),
        multer::Error::UnknownField { .. } => {
            let known = "component, signature, sigstore, sbom, requests, options";
            malformed(&format!("a part has a name that nobody knows; there are {known}"))
        }
        error => malformed(&format!("the form cannot be read: {error}")),
    }
}

fn malformed(what: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_request", format!("{what}; nothing was changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_form(text: &str) -> Result<Upload, String> {
        let body = text.replace('\n', "\r\n");
        let request = Request::put("/").header(header::CONTENT_TYPE, "multipart/form-data; boundary=B");
        let request = request.body(Body::full(body)).unwrap();
        read(request).await.map_err(|problem| format!("{problem:?}"))
    }

    fn part(name: &str, text: &str) -> String {
        format!("--B\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x\"\n\n{text}\n")
    }

    #[tokio::test]
    async fn a_form_is_taken_apart() {
        let parts = [part("options", "{\"approve\": [\"kv\"]}"), part("component", "c"), part("sbom", "{}")];
        let upload = read_form(&format!("{}--B--\n", parts.concat())).await.unwrap();
        assert_eq!(
            (upload.component.as_ref(), upload.approve.as_slice()),
            (&b"c"[..], &["kv".to_owned()][..])
        );
        assert_eq!(upload.files, [(Attachment::Sbom, Bytes::from_static(b"{}"))]);
    }

    #[tokio::test]
    async fn hostile_forms_are_refused() {
        let long = "x".repeat(9 << 10);
        for (parts, reason) in [
            (String::new(), "component is missing"),
            (part("component", "a") + &part("component", "b"), "twice"),
            (part("component", "a") + &part("sbom", "1") + &part("sbom", "2"), "twice"),
            (part("component", "a") + &part("other", "b"), "nobody knows"),
            (
                part("component", "a") + &part("signature", &long),
                "the part signature is larger than the 8KiB",
            ),
            (part("component", "a") + &part("options", "{"), "not valid JSON"),
            (part("component", "a") + &part("options", "{\"aprove\": []}"), "unknown key"),
            (part("component", "a") + &part("options", "{\"approve\": 1}"), "a list of strings"),
        ] {
            let told = read_form(&format!("{parts}--B--\n")).await.err().unwrap();
            assert!(told.contains(reason), "{reason}: {told}");
        }
        let cut = read_form(&part("component", "a")).await.err().unwrap();
        assert!(cut.contains("cannot be read"), "{cut}");
        let request = Request::put("/").header(header::CONTENT_TYPE, "multipart/form-data").body(Body::Empty);
        assert!(read(request.unwrap()).await.is_err());
    }
}
