//! Requests against a document: whatever the bytes, the check ends, and what it tells repeats nothing of a body.
//!
//! The first line of the input chooses: a letter for the body's media type, then the target of the request. The rest is the body.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use bytes::Bytes;
use http::Request;
use libfuzzer_sys::fuzz_target;
use ostler_core::gate::ValidationSpec;
use ostler_core::settings::Located;
use ostler_validation::{Documents, Validator};

const DOCUMENT: &str = r##"
openapi: 3.1.0
paths:
  "/m/{c}": {post: {parameters: [{name: c, in: path, style: matrix, explode: true, schema: {type: array, items: {type: integer}}}]}}
  "/l/{c}": {post: {parameters: [{name: c, in: path, style: label, schema: {type: object}}]}}
  /q:
    post:
      parameters:
      - {name: a, in: query, schema: {type: [integer, "null", boolean]}}
      - {name: b, in: query, explode: false, schema: {type: array, items: {type: number}}}
      - {name: c, in: query, style: deepObject, schema: {type: object, properties: {x: {type: array, items: {type: integer}}}}}
      - {name: d, in: query, style: pipeDelimited, explode: false, schema: {type: array}}
      - {name: e, in: query, content: {application/json: {schema: {type: object}}}}
      requestBody: {$ref: "#/components/requestBodies/Any"}
components:
  requestBodies:
    Any:
      content:
        application/json: {schema: {$ref: "#/components/schemas/Tree"}}
        text/plain: {schema: {type: string, pattern: "^(a+)+$"}}
        application/x-www-form-urlencoded: {schema: {$ref: "#/components/schemas/Tree"}}
        multipart/form-data: {schema: {$ref: "#/components/schemas/Tree"}}
        image/png: {}
  schemas:
    Tree:
      type: object
      properties:
        name: {type: string, maxLength: 9}
        file: {type: string, format: binary, maxLength: 99}
        children: {type: array, items: {$ref: "#/components/schemas/Tree"}}
"##;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.yaml"), DOCUMENT).unwrap();
    let openapi = Some(Located { value: PathBuf::from("x.yaml"), line: 1 });
    let spec = ValidationSpec { openapi, ..ValidationSpec::default() };
    match Validator::compile(&spec, folder.path(), &Documents::default()) {
        Ok(Some(validator)) => validator,
        other => panic!("{:?}", other.err()),
    }
});

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, body) = (String::from_utf8_lossy(&data[..end]), data.get(end + 1..).unwrap_or_default());
    let mut chars = line.chars();
    let media = match chars.next() {
        Some('j') => "application/json",
        Some('t') => "text/plain",
        Some('f') => "application/x-www-form-urlencoded",
        Some('m') => "multipart/form-data; boundary=B",
        _ => "image/png",
    };
    let Ok(request) =
        Request::builder().method("POST").uri(chars.as_str()).header("content-type", media).body(())
    else {
        return;
    };
    let head = request.into_parts().0;
    let Ok(admitted) = VALIDATOR.admit(&head, body.is_empty()) else { return };
    let _ = futures::executor::block_on(admitted.check(&head, &Bytes::copy_from_slice(body)));
});
