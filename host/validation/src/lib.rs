//! What requests must look like: OpenAPI documents and JSON Schemas, compiled once.
//!
//! **Invariant:** no bytes make a check panic, recurse without bound, or repeat a secret in what it tells.

mod json;
mod schema;
mod source;
mod violation;
