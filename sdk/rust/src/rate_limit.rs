//! Rate limits of the plugin's definition (`grant = { limits = ["exports"] }`), for what costs inside a handler.
//!
//! ```
//! # use std::time::Duration;
//! # use ostler_sdk::testing::Host;
//! # let _host = Host::new().limit("exports", 5, Duration::from_secs(60)).install();
//! use ostler_sdk::rate_limit;
//! rate_limit::require("exports", "ada", 1)?;
//! # Ok::<(), ostler_sdk::Error>(())
//! ```

use std::fmt;
use std::time::Duration;

use crate::bindings::ostler::plugin::rate_limit as wit;
use crate::host;

/// Why a limit gave no decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not granted; the text names the missing grant.
    Denied(String),
    /// A key (1 to 512 bytes) or cost (1 to 1,000,000) is outside its limits.
    Invalid(String),
    /// The shared store is gone, and the limit fails closed.
    Unavailable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Denied(text) | Error::Invalid(text) | Error::Unavailable(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Denied(text) => Error::Denied(text),
            wit::Error::Invalid(text) => Error::Invalid(text),
            wit::Error::Unavailable(text) => Error::Unavailable(text),
        }
    }
}

/// An answer of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the cost was taken.
    pub admitted: bool,
    /// What is left after this call.
    pub remaining: u64,
    /// How long until the cost would be admitted; zero if it was.
    pub retry_after: Duration,
}

/// Takes `cost` from what `key` has left of `limit`, all or nothing.
pub fn check(limit: &str, key: &str, cost: u32) -> Result<Decision, Error> {
    let decision = host::rate_limit::check(limit, key, cost)?;
    Ok(Decision {
        admitted: decision.admitted,
        remaining: decision.remaining,
        retry_after: Duration::from_millis(decision.retry_after_ms),
    })
}

/// [`check`], with a problem in place of a refusal: 429 of code `rate_limited` with `retry-after`, or 503 of code
/// `limit_unavailable`. Returns what is left.
pub fn require(limit: &str, key: &str, cost: u32) -> Result<u64, crate::Error> {
    let decision = match check(limit, key, cost) {
        Err(Error::Unavailable(_)) => {
            let detail = "the limit on this cannot be checked at the moment";
            return Err(crate::Error::unavailable(detail).with_code("limit_unavailable"));
        }
        other => other?,
    };
    if decision.admitted {
        return Ok(decision.remaining);
    }
    let seconds = decision.retry_after.as_millis().div_ceil(1000).max(1).to_string();
    let detail = format!("too many of these; try again in {seconds} s");
    Err(crate::Error::new(429, detail).with_code("rate_limited").with_header("retry-after", seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn each_key_has_its_own_count_until_its_time_is_over() {
        let host = Host::new().limit("exports", 3, Duration::from_secs(60)).install();
        assert_eq!(check("exports", "ada", 2).unwrap().remaining, 1);
        let refused = check("exports", "ada", 2).unwrap();
        assert_eq!((refused.admitted, refused.remaining), (false, 1));
        assert!(check("exports", "ben", 3).unwrap().admitted);
        host.advance(Duration::from_secs(60));
        assert!(check("exports", "ada", 3).unwrap().admitted);
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let host = Host::new().limit("exports", 1, Duration::from_secs(60)).install();
        assert_eq!(require("exports", "ada", 1).unwrap(), 0);
        host.advance(Duration::from_millis(500));
        let response = require("exports", "ada", 1).unwrap_err().into_response().unwrap();
        assert_eq!((response.status(), response.header("retry-after")), (429, Some("60")));
        let problem: serde_json::Value = response.read_json().unwrap();
        assert_eq!(problem["code"], "rate_limited");
    }

    #[test]
    fn what_is_not_granted_or_out_of_bounds_is_refused() {
        let _host = Host::new().limit("exports", 1, Duration::from_secs(60)).install();
        assert!(matches!(check("other", "a", 1), Err(Error::Denied(text)) if text.contains("other")));
        assert!(matches!(check("exports", "", 1), Err(Error::Invalid(_))));
        assert!(matches!(check("exports", "a", 0), Err(Error::Invalid(_))));
        assert_eq!(require("other", "a", 1).unwrap_err().status(), 500);
    }
}
