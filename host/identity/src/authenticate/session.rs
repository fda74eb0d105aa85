//! Sessions of this host, begun by an OpenID Connect login.

use std::sync::Arc;

use http::request::Parts;
use ostler_core::plugin::RouteSpec;
use ostler_core::settings::Section;
use ostler_core::{Endpoint, Exchange};

use super::{Needs, Verdict};

/// Settings of `kind = "oidc"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {}

pub(crate) struct Sessions {}

impl Config {
    pub(super) fn read(_section: &mut Section<'_>) -> Self {
        Config {}
    }
}

impl Sessions {
    pub(super) fn new(_name: &str, _config: &Config, _needs: &Needs) -> Self {
        Sessions {}
    }

    /// The routes of login, callback and logout.
    pub(super) fn endpoints(&self) -> Vec<(RouteSpec, Arc<dyn Endpoint>)> {
        Vec::new()
    }

    pub(super) async fn authenticate(
        &self,
        _exchange: &Exchange,
        _head: &Parts,
        _fields: &mut http::HeaderMap,
    ) -> Verdict {
        Verdict::Absent
    }
}
