//! What requests must look like: OpenAPI documents and JSON Schemas, compiled once.
//!
//! **Invariant:** no bytes make a check panic, recurse without bound, or repeat a secret in what it tells.

mod body;
mod compile;
mod document;
mod documents;
mod fields;
mod file;
mod form;
mod json;
mod media;
mod multipart;
mod operation;
mod parameter;
mod response;
mod schema;
mod shape;
mod source;
mod style;
mod translate;
mod validator;
mod violation;

pub use documents::Documents;
pub use validator::{Admitted, Answers, Validator};
