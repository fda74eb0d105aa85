//! `ostler:plugin/experiment`: what experiments are decided by.

use crate::bindings::experiment::Host;
use crate::guest::Guest;

impl Host for Guest {
    fn track(&mut self, metric: String, value: f64) -> wasmtime::Result<bool> {
        Ok(self.env.figures.track(&metric, value))
    }
}
