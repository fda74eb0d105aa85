//! Tokens that their issuer is asked about (RFC 7662).

use http::request::Parts;
use ostler_core::Exchange;
use ostler_core::settings::Section;

use super::{Needs, Verdict};

/// Settings of `kind = "introspection"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {}

pub(crate) struct Introspection {}

impl Config {
    pub(super) fn read(_section: &mut Section<'_>) -> Self {
        Config {}
    }
}

impl Introspection {
    pub(super) fn new(_name: &str, _config: &Config, _needs: &Needs) -> Self {
        Introspection {}
    }

    pub(super) async fn authenticate(&self, _exchange: &Exchange, _head: &Parts) -> Verdict {
        Verdict::Absent
    }

    pub(super) fn remembered(&self, _head: &Parts) -> Option<std::sync::Arc<ostler_core::Principal>> {
        None
    }

    pub(super) fn present(&self, _head: &Parts) -> bool {
        false
    }

    pub(super) fn forget(&self, _headers: &mut http::HeaderMap) {}
}
