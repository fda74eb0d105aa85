//! Days and moments as people write them: `2027-01-31`, or `2027-01-31T12:00:00Z` (RFC 3339, in UTC).

/// Seconds since 1970 of the moment in `text`; a day alone means its first moment.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(day, '-', [4, 2, 2])?;
    let [hour, minute, second] = match time {
        Some(time) => numbers(time.strip_suffix('Z')?, ':', [2, 2, 2])?,
        None => [0; 3],
    };
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=length(year, month)).contains(&day);
    let of_day = hour < 24 && minute < 60 && second < 60;
    (in_range && of_day).then(|| days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// The day of `seconds` since 1970, as `2027-01-31`.
pub(super) fn day(seconds: i64) -> String {
    // Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that a leap day is the last one.
    let day = seconds.div_euclid(86_400) + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + next)
}

/// Days from 1970-01-01, by the same algorithms.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let sane = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = part.parse().ok().filter(|_| sane)?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_read() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2025-01-01T00:00:01Z", 1_735_689_601),
            ("2100-03-01", 4_107_542_400),
        ] {
            assert_eq!(parse(text), Some(seconds), "{text}");
            assert_eq!(day(seconds), text[..10], "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2025",
            "2025-1-1",
            "2025-02-29",
            "2025-13-01",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:00:00",
            "+025-01-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
