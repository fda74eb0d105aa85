//! The kinds of handlers: the interface that a component exports, and Ostler calls.

use serde::Serialize;

use super::provide;

/// One of the three ways in, declared in the order of preference (as the runtime links them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Handler {
    /// `ostler:plugin/http-handler@0.1`: typed and buffered, the fast lane.
    #[serde(rename = "ostler:plugin/http-handler@0.1")]
    Typed,
    /// `wasi:http/handler@0.3`.
    #[serde(rename = "wasi:http/handler@0.3")]
    WasiHttp03,
    /// `wasi:http/incoming-handler@0.2`.
    #[serde(rename = "wasi:http/incoming-handler@0.2")]
    WasiHttp02,
}

impl Handler {
    /// The interface and its version track.
    pub const fn as_str(self) -> &'static str {
        match self {
            Handler::Typed => "ostler:plugin/http-handler@0.1",
            Handler::WasiHttp02 => "wasi:http/incoming-handler@0.2",
            Handler::WasiHttp03 => "wasi:http/handler@0.3",
        }
    }

    /// Its name where a release is told and recorded.
    pub const fn short(self) -> &'static str {
        match self {
            Handler::Typed => "typed",
            Handler::WasiHttp02 => "wasi:http@0.2",
            Handler::WasiHttp03 => "wasi:http@0.3",
        }
    }

    /// The one of this short name.
    pub fn of_short(name: &str) -> Option<Self> {
        [Handler::Typed, Handler::WasiHttp03, Handler::WasiHttp02]
            .into_iter()
            .find(|known| known.short() == name)
    }

    /// The one that is called by this export.
    pub(super) fn of_export(name: &str) -> Option<Self> {
        let (interface, version) = provide::split(name);
        let handler = match interface {
            "ostler:plugin/http-handler" => Handler::Typed,
            "wasi:http/incoming-handler" => Handler::WasiHttp02,
            "wasi:http/handler" => Handler::WasiHttp03,
            _ => return None,
        };
        let track = handler.as_str().rsplit_once('@').map_or("", |(_, track)| track);
        provide::on_track(version, track).then_some(handler)
    }
}
