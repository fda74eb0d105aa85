//! What experiments are decided by: numbers that a handler reports, counted for the release that runs and for the variants of the
//! flags it has asked for.
//!
//! ```
//! # use ostler_sdk::testing::Host;
//! # let host = Host::new().install();
//! use ostler_sdk::experiment;
//! experiment::track("checkout.completed", 1.0);
//! # assert_eq!(host.tracked("checkout.completed"), [1.0]);
//! ```

use crate::host;

/// Counts `value` of `metric` (1 to 64 of `a-z 0-9 - _ .`). False if the name, or a value that is not finite, is refused.
pub fn track(metric: &str, value: f64) -> bool {
    host::experiment::track(metric, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn what_is_tracked_is_kept_in_order() {
        let host = Host::new().install();
        assert!(track("cart.value", 12.5) && track("cart.value", -1.0));
        assert_eq!(host.tracked("cart.value"), [12.5, -1.0]);
        assert!(host.tracked("other").is_empty());
    }

    #[test]
    fn names_and_values_out_of_bounds_are_refused() {
        let host = Host::new().install();
        for name in ["", "Cart", "a b", &"m".repeat(65)] {
            assert!(!track(name, 1.0), "{name:?}");
        }
        assert!(!track("m", f64::NAN) && !track("m", f64::INFINITY));
        assert!(host.tracked("m").is_empty());
    }
}
