//! Digests as operators write them: what is read writes itself as it was meant.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ostler_core::Digest;

fuzz_target!(|text: &str| {
    let Ok(digest) = text.parse::<Digest>() else { return };
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    assert!(digest.hex().eq_ignore_ascii_case(hex), "{text:?}");
    assert_eq!(digest.to_string().parse::<Digest>().ok(), Some(digest));
});
