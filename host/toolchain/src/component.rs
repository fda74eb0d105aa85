//! A core module becomes a component, and a component is looked at before anyone relies on it.

use std::path::Path;

use wasi_preview1_component_adapter_provider as adapter;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Handlers that Ostler calls, without the version behind `@`.
const HANDLERS: [&str; 3] = ["ostler:plugin/http-handler", "wasi:http/incoming-handler", "wasi:http/handler"];

/// Why bytes make no component that Ostler runs.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The module's interface and its code do not fit together.
    #[error("the module cannot be made a component: {0}")]
    Encode(String),
    /// The bytes are no valid component.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// Nothing in it answers requests.
    #[error(
        "the component exports no handler. It exports {exports}; Ostler calls ostler:plugin/http-handler \
         (in Rust: #[ostler_sdk::handler]), wasi:http/incoming-handler or wasi:http/handler"
    )]
    NoHandler {
        /// What it does export.
        exports: String,
    },
}

/// Turns a core module into a component; what is one already stays as it is.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>, ComponentError> {
    if Parser::is_component(module) {
        return Ok(module.to_vec());
    }
    // The adapter gives modules of WASI's first preview (C, and std's own libc) the interfaces of 0.2.
    let encoded = ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| {
            encoder.adapter(
                adapter::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                adapter::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )
        })
        .and_then(|encoder| encoder.validate(false).encode());
    encoded.map_err(|error| ComponentError::Encode(format!("{error:#}")))
}

/// Marks a core module as one that follows the typed world of the contract in the folder `wit`.
pub(crate) fn embed_typed(module: &mut Vec<u8>, wit: &Path) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let attempt = resolve.push_dir(wit).and_then(|(package, _)| {
        let world = resolve.select_world(&[package], Some("typed"))?;
        embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
    });
    attempt.map_err(|error| format!("{error:#}"))
}

/// Validates a component and names the handler it exports, such as `ostler:plugin/http-handler@0.1.0`.
pub(crate) fn check(component: &[u8]) -> Result<String, ComponentError> {
    let mut validator = Validator::new_with_features(WasmFeatures::default() | WasmFeatures::CM_ASYNC);
    validator.validate_all(component).map_err(|error| ComponentError::Invalid(error.to_string()))?;
    let exports = exports(component)?;
    let handler =
        exports.iter().find(|export| HANDLERS.contains(&export.split('@').next().unwrap_or_default()));
    handler.cloned().ok_or_else(|| ComponentError::NoHandler {
        exports: match exports.is_empty() {
            true => "nothing".into(),
            false => exports.join(", "),
        },
    })
}

/// Names of what the outermost component exports.
fn exports(component: &[u8]) -> Result<Vec<String>, ComponentError> {
    let mut names = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| ComponentError::Invalid(error.to_string()))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentExportSection(section) if depth == 0 => {
                names.extend(section.into_iter().flatten().map(|export| export.name.name.to_owned()));
            }
            _ => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_component_stays_as_it_is() {
        let component = wat::parse_str("(component)").unwrap();
        assert_eq!(encode(&component).unwrap(), component);
    }

    #[test]
    fn a_component_without_a_handler_is_told_what_it_exports() {
        let component = wat::parse_str("(component (instance) (export \"a:b/c\" (instance 0)))").unwrap();
        let error = check(&component).unwrap_err().to_string();
        assert!(error.contains("exports a:b/c;") && error.contains("ostler_sdk::handler"), "{error}");
        let error = check(&wat::parse_str("(component)").unwrap()).unwrap_err().to_string();
        assert!(error.contains("exports nothing"), "{error}");
    }

    #[test]
    fn a_handler_is_known_whatever_its_version() {
        for name in [
            "ostler:plugin/http-handler@0.1.0",
            "wasi:http/incoming-handler@0.2.12",
            "wasi:http/handler@0.3.2",
        ] {
            let text = format!("(component (instance) (export \"{name}\" (instance 0)))");
            assert_eq!(check(&wat::parse_str(text).unwrap()).unwrap(), name);
        }
    }

    #[test]
    fn bytes_that_are_no_component_are_refused() {
        for bytes in
            [b"".as_slice(), b"hello", b"\0asm\x0d\0\x01\0\xff", &wat::parse_str("(module)").unwrap()]
        {
            assert!(matches!(
                check(bytes),
                Err(ComponentError::Invalid(_) | ComponentError::NoHandler { .. })
            ));
        }
    }
}
