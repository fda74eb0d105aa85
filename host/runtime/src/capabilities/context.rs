//! `ostler:plugin/context`: facts about the exchange being answered.

use std::time::Instant;

use crate::bindings::context::{Exchange, Host};
use crate::guest::Guest;

impl Host for Guest {
    fn get(&mut self) -> wasmtime::Result<Exchange> {
        let exchange = self.exchange.as_ref();
        Ok(Exchange {
            request_id: exchange.map(|exchange| exchange.id.as_str().to_owned()).unwrap_or_default(),
            route: exchange.map(|exchange| exchange.route.to_string()).unwrap_or_default(),
            plugin: self.env.plugin.to_string(),
            release: self.env.release.to_string(),
            client_address: exchange
                .map(|exchange| exchange.peer.address.ip().to_string())
                .unwrap_or_default(),
        })
    }

    fn deadline_left_ms(&mut self) -> wasmtime::Result<u64> {
        let left = self
            .exchange
            .as_ref()
            .map(|exchange| exchange.deadline.saturating_duration_since(Instant::now()));
        Ok(left.map_or(0, |left| left.as_millis() as u64))
    }
}
