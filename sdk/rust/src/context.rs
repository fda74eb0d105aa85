//! Facts about the exchange being answered.

use std::time::Duration;

use crate::host;

/// Who asked, by which route, and which release answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// `x-request-id` of the reply.
    pub request_id: String,
    /// Path pattern of the route that matched.
    pub route: String,
    /// Name of this plugin.
    pub plugin: String,
    /// Digest of the component that runs: `sha256:...`.
    pub release: String,
    /// Address of the client, without port.
    pub client_address: String,
}

/// The exchange being answered.
pub fn current() -> Context {
    let exchange = host::context::get();
    Context {
        request_id: exchange.request_id,
        route: exchange.route,
        plugin: exchange.plugin,
        release: exchange.release,
        client_address: exchange.client_address,
    }
}

/// How long until the host ends the call.
pub fn deadline_left() -> Duration {
    Duration::from_millis(host::context::deadline_left_ms())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn the_exchange_is_that_of_the_host() {
        let _host = Host::new().client_address("192.0.2.7").deadline_left(Duration::from_secs(3)).install();
        assert_eq!(current().client_address, "192.0.2.7");
        assert_eq!(deadline_left(), Duration::from_secs(3));
    }
}
