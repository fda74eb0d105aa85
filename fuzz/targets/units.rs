//! Sizes and durations: what is read can be written, and reads the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ostler_core::unit::{format_duration, format_size, parse_duration, parse_size};

fuzz_target!(|text: &str| {
    if let Some(bytes) = parse_size(text)
        // Beyond this a number of floating point, which is what is read, has no room for every byte.
        && bytes <= 1 << 53
    {
        assert_eq!(parse_size(&format_size(bytes)), Some(bytes), "{text:?}");
    }
    if let Some(duration) = parse_duration(text)
        && duration.as_secs() < 1 << 30
    {
        let again = parse_duration(&format_duration(duration)).unwrap_or_default();
        assert!(again.abs_diff(duration).as_micros() <= 1, "{text:?}: {duration:?}, {again:?}");
    }
});
