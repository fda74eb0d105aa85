//! Components before they are compiled: any bytes give an inspection or a reason, and both can be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ostler_core::plugin::Grant;
use ostler_runtime::inspect::inspect;

fuzz_target!(|bytes: &[u8]| match inspect(bytes) {
    Ok(found) => {
        assert_eq!(found.bytes, bytes.len() as u64);
        found.refusals();
        found.warnings(&Grant::default());
        assert!(serde_json::to_string(&found).is_ok());
    }
    Err(reason) => assert!(!reason.to_string().is_empty()),
});
