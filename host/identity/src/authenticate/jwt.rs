//! JSON Web Tokens (RFC 7519, RFC 8725).

use http::request::Parts;
use ostler_core::Exchange;
use ostler_core::settings::Section;

use super::{Needs, Verdict};

/// Settings of `kind = "jwt"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {}

pub(crate) struct Jwt {}

impl Config {
    pub(super) fn read(_section: &mut Section<'_>, _base: &std::path::Path) -> Self {
        Config {}
    }
}

impl Jwt {
    pub(super) fn new(_name: &str, _config: &Config, _needs: &Needs) -> Self {
        Jwt {}
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
