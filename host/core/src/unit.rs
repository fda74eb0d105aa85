//! Sizes and durations as people write them: `64MiB`, `1.5GB`, `250ms`, `2s`, `5m`.

use std::time::Duration;

const SIZES: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

const DURATIONS: [(&str, f64); 6] =
    [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)];

/// Bytes in a text such as `64MiB`; `None` if it is no size or exceeds what `u64` holds.
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor = SIZES.iter().find(|(name, _)| *name == unit)?.1;
    let bytes = number * factor as f64;
    (bytes.fract() == 0.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
}

/// Duration in a text such as `250ms`; `None` if it is none.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let factor = DURATIONS.iter().find(|(name, _)| *name == unit)?.1;
    Duration::try_from_secs_f64(number * factor).ok()
}

/// Writes bytes in the largest unit that divides them.
pub fn format_size(bytes: u64) -> String {
    let whole = SIZES[..4].iter().rev().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    match whole {
        Some((unit, factor)) => format!("{}{unit}", bytes / factor),
        None => format!("{bytes}B"),
    }
}

/// Writes a duration in the largest unit that leaves no fraction.
pub fn format_duration(duration: Duration) -> String {
    let micros = duration.as_micros();
    if micros == 0 {
        return "0s".to_owned();
    }
    let units =
        [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)];
    match units.iter().find(|(_, factor)| micros >= *factor && micros.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", micros / factor),
        None => format!("{micros}us"),
    }
}

fn split(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_and_write() {
        assert_eq!(parse_size("64MiB"), Some(64 << 20));
        assert_eq!(parse_size("1.5kB"), Some(1500));
        assert_eq!(parse_size("10 B"), Some(10));
        for text in ["", "64", "MiB", "-1MiB", "1e9B", "0.3B", "99999999999TiB", "1..2MiB", "64mib"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
        assert_eq!(format_size(64 << 20), "64MiB");
        assert_eq!(format_size(1500), "1500B");
    }

    #[test]
    fn durations_read_and_write() {
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("1.5h"), Some(Duration::from_secs(5400)));
        for text in ["", "2", "s", "-1s", "2 weeks", "99999999999999999999d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        assert_eq!(format_duration(Duration::from_secs(120)), "2m");
        assert_eq!(format_duration(Duration::from_millis(1500)), "1500ms");
        assert_eq!(format_duration(Duration::ZERO), "0s");
    }
}
