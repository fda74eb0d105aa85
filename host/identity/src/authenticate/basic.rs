//! Name and password (RFC 7617), for small installs.

use http::request::Parts;
use ostler_core::Exchange;
use ostler_core::settings::Section;

use super::Verdict;

/// Settings of `kind = "basic"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {}

pub(crate) struct Basic {}

impl Config {
    pub(super) fn read(_section: &mut Section<'_>, _base: &std::path::Path) -> Self {
        Config {}
    }
}

impl Basic {
    pub(super) fn new(_name: &str, _config: &Config) -> Self {
        Basic {}
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
