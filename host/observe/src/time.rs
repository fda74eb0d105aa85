//! The time of a line, written without a calendar library.

use std::time::{SystemTime, UNIX_EPOCH};

/// Appends `now` as RFC 3339 in UTC with milliseconds. Times before 1970 are written as 1970.
pub(crate) fn timestamp(out: &mut Vec<u8>, now: SystemTime) {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (day, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(day);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let parts = [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, second / 3600),
        (14..16, second / 60 % 60),
        (17..19, second % 60),
        (20..23, u64::from(since.subsec_millis())),
    ];
    for (place, mut value) in parts {
        for digit in text[place].iter_mut().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }
    out.extend_from_slice(&text);
}

/// Year, month and day of the Gregorian calendar, `day` days after 1970-01-01.
fn civil(day: u64) -> (u64, u64, u64) {
    // Counted from 1 March of year 0, so that the leap day is the last day of its year; 400 years have 146,097 days.
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn time(seconds: u64, millis: u64) -> String {
        let mut out = Vec::new();
        timestamp(&mut out, UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(time(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(951_782_399, 999), "2000-02-28T23:59:59.999Z");
        assert_eq!(time(951_782_400, 7), "2000-02-29T00:00:00.007Z");
        assert_eq!(time(1_709_251_199, 0), "2024-02-29T23:59:59.000Z");
        assert_eq!(time(1_735_689_600, 0), "2025-01-01T00:00:00.000Z");
        assert_eq!(time(4_107_542_400, 0), "2100-03-01T00:00:00.000Z");
    }
}
