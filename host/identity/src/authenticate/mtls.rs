//! TLS client certificates.

use ostler_core::Exchange;
use ostler_core::settings::Section;

use super::Verdict;

/// Settings of `kind = "mtls"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {}

pub(crate) struct Mtls {}

impl Config {
    pub(super) fn read(_section: &mut Section<'_>) -> Self {
        Config {}
    }
}

impl Mtls {
    pub(super) fn new(_name: &str, _config: &Config) -> Self {
        Mtls {}
    }

    pub(super) fn authenticate(&self, _exchange: &Exchange) -> Verdict {
        Verdict::Absent
    }
}
