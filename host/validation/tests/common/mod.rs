//! What the tests of this crate share: a document in a folder, and requests of it.
#![allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]

use std::path::PathBuf;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request};
use ostler_core::gate::{Flaw, ResponseCheck, ValidationSpec};
use ostler_core::settings::Located;
use ostler_core::{Error, Kind};
use ostler_validation::{Documents, Validator};
use serde_json::Value;

/// What a request was refused with.
#[derive(Debug)]
pub struct Refused {
    pub kind: Kind,
    pub members: serde_json::Map<String, Value>,
    pub fields: HeaderMap,
}

impl Refused {
    fn of(error: Error) -> Self {
        let more = error.more.map(|more| *more).unwrap_or_default();
        Refused { kind: error.kind, members: more.members, fields: more.fields }
    }

    /// `place at problem` of each violation.
    pub fn violations(&self) -> Vec<String> {
        let list = self.members.get("violations").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
        list.iter()
            .map(|one| format!("{} {} {}", text(one, "in"), text(one, "at"), text(one, "problem")))
            .collect()
    }
}

pub fn compile(text: &str) -> Result<Validator, Vec<Flaw>> {
    compile_as(text, None)
}

pub fn compile_as(text: &str, responses: Option<ResponseCheck>) -> Result<Validator, Vec<Flaw>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("api.yaml"), text).unwrap();
    let openapi = Some(Located { value: PathBuf::from("api.yaml"), line: 7 });
    let spec = ValidationSpec { openapi, schema: None, check_responses: responses };
    Validator::compile(&spec, folder.path(), &Documents::default()).map(Option::unwrap)
}

pub fn compile_schema(text: &str) -> Result<Validator, Vec<Flaw>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.json"), text).unwrap();
    let schema = Some(Located { value: PathBuf::from("x.json"), line: 7 });
    let spec = ValidationSpec { openapi: None, schema, check_responses: None };
    Validator::compile(&spec, folder.path(), &Documents::default()).map(Option::unwrap)
}

/// A request's head: `METHOD target`, then fields.
pub fn head(line: &str, fields: &[(&str, &str)]) -> Parts {
    let (method, target) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// The parameters of a request that passed, as an object.
pub fn ask(
    validator: &Validator,
    line: &str,
    fields: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Value, Refused> {
    let (head, body) = (head(line, fields), body.into());
    let admitted = validator.admit(&head, body.is_empty()).map_err(Refused::of)?;
    let parameters = futures::executor::block_on(admitted.check(&head, &body)).map_err(Refused::of)?;
    let named =
        parameters.iter().flat_map(|all| all.iter()).map(|(name, value)| (name.to_string(), value.clone()));
    Ok(Value::Object(named.collect()))
}

pub const JSON: (&str, &str) = ("content-type", "application/json");
