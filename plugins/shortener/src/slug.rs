//! Names of links: chosen by people, or made from a number.

use ostler_sdk::Error;

/// Longest name people may choose, in characters.
const LONGEST: usize = 40;
/// Names that are pages already.
const RESERVED: [&str; 2] = ["links", "favicon.ico"];
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Names of six digits.
const SPACE: u64 = 36_u64.pow(6);
/// Has no factor in common with `SPACE`, so that every number has a name of its own, and neighbours look nothing alike.
const STRIDE: u64 = 1_073_741_827;

/// 422 with the rule if `slug` is no name for a link.
pub fn check(slug: &str) -> Result<(), Error> {
    let fits = (1..=LONGEST).contains(&slug.len());
    let plain = slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !fits || !plain {
        let rule = format!("a name has 1 to {LONGEST} letters (a to z), digits, - or _");
        return Err(Error::unprocessable(rule).with_code("bad_slug"));
    }
    if RESERVED.contains(&slug) {
        return Err(Error::unprocessable(format!("{slug:?} is a page of this site")).with_code("bad_slug"));
    }
    Ok(())
}

/// The name of a number, six characters.
pub fn from_number(number: u64) -> String {
    let mut rest = (number % SPACE).wrapping_mul(STRIDE) % SPACE;
    let mut name = [0; 6];
    for digit in name.iter_mut().rev() {
        *digit = DIGITS[(rest % 36) as usize];
        rest /= 36;
    }
    name.iter().map(|byte| *byte as char).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert!(["a", "my-link_2", &"x".repeat(40)].iter().all(|slug| check(slug).is_ok()));
        for slug in ["", "a b", "a/b", "é", "a.b", "..", "links", &"x".repeat(41)] {
            assert_eq!(check(slug).unwrap_err().status(), 422, "{slug}");
        }
    }

    #[test]
    fn numbers_have_names_of_their_own() {
        let names: HashSet<String> = (0..100_000).map(from_number).collect();
        assert_eq!(names.len(), 100_000);
        assert!(names.iter().all(|name| name.len() == 6 && check(name).is_ok()));
    }
}
