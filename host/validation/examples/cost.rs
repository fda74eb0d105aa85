//! What a check costs: `cargo run --release -p ostler-validation --example cost`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use bytes::Bytes;
use http::Request;
use ostler_core::gate::ValidationSpec;
use ostler_core::settings::Located;
use ostler_validation::{Documents, Validator};

const DOCUMENT: &str = r##"
openapi: 3.1.0
paths:
  /orders/{id}:
    put:
      parameters:
      - {name: id, in: path, required: true, schema: {type: integer, minimum: 1}}
      - {name: dry, in: query, schema: {type: boolean}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [customer, lines]
              additionalProperties: false
              properties:
                customer: {type: string, format: uuid}
                note: {type: string, maxLength: 500}
                lines:
                  type: array
                  minItems: 1
                  maxItems: 100
                  items:
                    type: object
                    required: [sku, quantity, price]
                    additionalProperties: false
                    properties:
                      sku: {type: string, pattern: "^[A-Z]{2}-[0-9]{4}$"}
                      quantity: {type: integer, minimum: 1, maximum: 1000}
                      price: {type: number, minimum: 0}
"##;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.yaml"), DOCUMENT).unwrap();
    let openapi = Some(Located { value: PathBuf::from("x.yaml"), line: 1 });
    let spec = ValidationSpec { openapi, ..ValidationSpec::default() };
    let Ok(Some(validator)) = Validator::compile(&spec, folder.path(), &Documents::default()) else { return };
    let line = |index: usize| format!(r#"{{"sku":"AB-{index:04}","quantity":{index},"price":{index}.25}}"#);
    let lines: Vec<_> = (1..=19).map(line).collect();
    let body = format!(
        r#"{{"customer":"6f9619ff-8b86-d011-b42d-00cf4fc964ff","note":"{}","lines":[{}]}}"#,
        "n".repeat(100),
        lines.join(",")
    );
    let body = Bytes::from(body);
    let request =
        Request::put("/orders/7?dry=true").header("content-type", "application/json").body(()).unwrap();
    let head = request.into_parts().0;
    let rounds = 100_000;
    let once = || {
        let admitted = validator.admit(&head, false).unwrap();
        futures::executor::block_on(admitted.check(&head, &body)).unwrap()
    };
    (0..1000).for_each(|_| drop(black_box(once())));
    let started = Instant::now();
    (0..rounds).for_each(|_| drop(black_box(once())));
    println!("{} bytes: {} ns per request", body.len(), started.elapsed().as_nanos() / rounds);
    let started = Instant::now();
    for _ in 0..rounds {
        drop(black_box(serde_json::from_slice::<serde_json::Value>(&body).unwrap()));
    }
    println!("serde_json alone: {} ns", started.elapsed().as_nanos() / rounds);
}
