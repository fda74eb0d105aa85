//! Temporary.
#[derive(Clone)]
pub struct Client;
