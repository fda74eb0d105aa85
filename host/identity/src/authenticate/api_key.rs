//! API keys of this host.

use http::HeaderValue;
use http::request::Parts;
use ostler_core::Exchange;
use ostler_core::settings::Section;

use super::{Needs, Verdict};

/// Settings of `kind = "api-key"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {}

pub(crate) struct ApiKeys {}

impl Config {
    pub(super) fn read(_section: &mut Section<'_>) -> Self {
        Config {}
    }
}

impl ApiKeys {
    pub(super) fn new(_name: &str, _config: &Config, _needs: &Needs) -> Self {
        ApiKeys {}
    }

    pub(super) async fn authenticate(&self, _exchange: &Exchange, _head: &Parts) -> Verdict {
        Verdict::Absent
    }

    pub(super) fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static("Bearer")
    }
}
