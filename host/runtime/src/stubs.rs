//! Temporary.
#[derive(Clone)]
pub struct Kv;
#[derive(Clone)]
pub struct Client;
