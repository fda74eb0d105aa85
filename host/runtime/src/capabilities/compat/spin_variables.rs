//! `fermyon:spin/variables@2.0.0` and `spin:variables@3.0.0`: the values of `grant.config`, under Spin's names.

use wasmtime::component::{Accessor, HasSelf};

use crate::bindings::{spin_variables, spin2_variables};
use crate::guest::{Env, Guest};

impl spin2_variables::Host for Guest {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, spin2_variables::Error>> {
        Ok(value(&self.env, &name).map_err(spin2_variables::Error::Undefined))
    }
}

impl spin_variables::Host for Guest {}

impl<T: Send> spin_variables::HostWithStore<T> for HasSelf<Guest> {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, spin_variables::Error>> {
        let env = accessor.with(|mut access| access.get().env.clone());
        Ok(value(&env, &name).map_err(spin_variables::Error::Undefined))
    }
}

/// The value; without one, the text names what would have to be granted.
fn value(env: &Env, name: &str) -> Result<String, String> {
    env.spec.grant.config.get(name).cloned().ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        format!(
            "{shown:?} has no value: add it to grant = {{ config = {{ {shown} = \"...\" }} }} of plugin {}",
            env.plugin
        )
    })
}
