//! Source folders of plugins become components: `ostler build`, `ostler new`, `ostler dev` and the tests' guests.
//!
//! The way: `language` tells what a folder holds, the language's file compiles it to a core module, `component` turns
//! that into a validated component, `build` puts it where it belongs. Invariant: nothing here reads the environment;
//! folders come as parameters.

pub mod build;
mod c;
mod component;
mod go;
pub mod guests;
mod js;
pub mod language;
mod process;
mod python;
mod rust;
pub mod setup;
pub mod template;
pub mod toolchain;
mod tools;
mod venv;

pub use build::{BuildError, Built, Options, build};
pub use language::Language;
pub use setup::{SetupError, setup};
pub use template::{NewError, Sdk, new};
pub use toolchain::{Missing, Target, Toolchain};
