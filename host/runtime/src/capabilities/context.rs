//! `ostler:plugin/context`: facts about the exchange being answered.

use std::time::{Instant, UNIX_EPOCH};

use crate::bindings::context::{Exchange, Host, Principal};
use crate::guest::Guest;

impl Host for Guest {
    fn get(&mut self) -> wasmtime::Result<Exchange> {
        let exchange = self.exchange.as_ref();
        Ok(Exchange {
            request_id: exchange.map(|exchange| exchange.id.as_str().to_owned()).unwrap_or_default(),
            route: exchange.map(|exchange| exchange.route.to_string()).unwrap_or_default(),
            plugin: self.env.plugin.to_string(),
            release: self.env.release.to_string(),
            client_address: exchange.map(|exchange| exchange.client.to_string()).unwrap_or_default(),
        })
    }

    fn deadline_left_ms(&mut self) -> wasmtime::Result<u64> {
        let left = self
            .exchange
            .as_ref()
            .map(|exchange| exchange.deadline.saturating_duration_since(Instant::now()));
        Ok(left.map_or(0, |left| left.as_millis() as u64))
    }

    fn get_principal(&mut self) -> wasmtime::Result<Option<Principal>> {
        let texts = |list: &[std::sync::Arc<str>]| list.iter().map(ToString::to_string).collect();
        let principal = self.exchange.as_ref().and_then(|exchange| exchange.principal.as_deref());
        Ok(principal.map(|principal| Principal {
            subject: principal.subject.to_string(),
            tenant: principal.tenant.as_deref().map(str::to_owned),
            roles: texts(&principal.roles),
            scopes: texts(&principal.scopes),
            method: principal.method.as_str().to_owned(),
            authenticated_at_ms: principal
                .authenticated_at
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_millis() as u64),
            claims: principal.claims.to_string(),
        }))
    }

    fn get_parameters(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        let parameters = self.exchange.as_ref().and_then(|exchange| exchange.parameters.as_deref());
        let json =
            |(name, value): &(std::sync::Arc<str>, serde_json::Value)| (name.to_string(), value.to_string());
        Ok(parameters.map(|all| all.iter().map(json).collect()).unwrap_or_default())
    }
}
