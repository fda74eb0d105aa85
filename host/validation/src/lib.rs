//! What requests must look like: OpenAPI documents and JSON Schemas, compiled once.
//!
//! **Invariant:** no bytes make a check panic, recurse without bound, or repeat a secret in what it tells.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use ostler_core::gate::{Flaw, ValidationSpec};
use ostler_core::{Error, Parameters};

/// What requests of one route are compared with.
pub struct Validator {}

impl Validator {
    /// Compiles what `spec` names, relative to `base`; none if it names nothing. `pattern` is the route's path.
    ///
    /// # Errors
    /// What is wrong with the document, with its own line in `found`.
    pub fn compile(_spec: &ValidationSpec, _base: &Path, _pattern: &str) -> Result<Option<Self>, Vec<Flaw>> {
        Ok(None)
    }

    /// Most bytes of body that any request may have here, if the document bounds them.
    pub fn body_max(&self) -> Option<u64> {
        None
    }

    /// Compares a request whose body has been received whole; gives its parameters as the document types them.
    ///
    /// # Errors
    /// `Malformed`, `Invalid`, `UnsupportedMediaType`, `BodyTooLarge`, `RouteNotFound` or `MethodNotAllowed`, with every violation.
    pub async fn check(&self, _head: &Parts, _body: &Bytes) -> Result<Option<Arc<Parameters>>, Error> {
        Ok(None)
    }
}
