//! Statements that stay true however often, and whenever, somebody looks.
//!
//! The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory
//! and asymptotic confidence sequences" (Annals of Statistics 52, 2024), with a Gaussian mixture: an estimate with variance `v` after `t`
//! observations is within `sqrt(v (tr + 1)/(tr) log((tr + 1)/a^2))` of the truth at all times together, but for a chance of
//! `a`. The p-value is what `a` it takes to exclude zero: that of the mixture sequential probability ratio test of Johari,
//! Koomen, Pekelis and Walsh, "Always valid inference" (Operations Research 70, 2022).

/// Chance that any of the intervals of a report ever misses.
pub(super) const LEVEL: f64 = 0.05;

/// Exchanges at which the intervals are as narrow as they can be made; at others they hold as well, a little wider.
const TUNED: f64 = 10_000.0;

/// An estimated difference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    pub(super) difference: f64,
    pub(super) variance: f64,
    /// Degrees of freedom with which the variance is known.
    pub(super) freedom: f64,
    /// Exchanges that it was made of.
    pub(super) exchanges: f64,
}

impl Estimate {
    /// Half of the interval around the difference.
    pub(super) fn half_width(&self, level: f64) -> f64 {
        let clock = self.clock();
        let z = ((clock + 1.0) / clock * ((clock + 1.0) / level.powi(2)).ln()).sqrt();
        z * self.widened(z) * self.variance.sqrt()
    }

    /// Chance of ever seeing a difference like this one if there were none.
    pub(super) fn p(&self) -> f64 {
        let seen = self.difference.abs() / self.variance.sqrt();
        // The z whose widened value was seen: it grows with z, and z is no greater than it.
        let (mut low, mut high) = (0.0, seen);
        for _ in 0..60 {
            let z = f64::midpoint(low, high);
            if z * self.widened(z) < seen { low = z } else { high = z }
        }
        let clock = self.clock();
        ((clock + 1.0).sqrt() * (-low * low * clock / (2.0 * (clock + 1.0))).exp()).min(1.0)
    }

    /// The variance is estimated too: what makes a normal quantile one of Student's t, to first order (Fisher and Cornish 1960).
    fn widened(&self, z: f64) -> f64 {
        1.0 + (z * z + 1.0) / (4.0 * self.freedom)
    }

    /// Exchanges, as a part of those that the intervals are tuned to (the mixture whose interval is narrowest there, nearly).
    fn clock(&self) -> f64 {
        let twice = -2.0 * LEVEL.ln();
        self.exchanges * (twice + (twice + 1.0).ln()) / TUNED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_excludes_zero_when_p_says_so() {
        for exchanges in [100.0, 10_000.0, 1e7] {
            let mut estimate = Estimate { difference: 0.0, variance: 2.0, freedom: 60.0, exchanges };
            for level in [0.05, 0.01, 0.001] {
                estimate.difference = -estimate.half_width(level);
                assert!(
                    (estimate.p() / level - 1.0).abs() < 1e-6,
                    "{exchanges}: {} is not {level}",
                    estimate.p()
                );
            }
            estimate.difference = 0.0;
            assert_eq!(estimate.p(), 1.0);
        }
    }

    #[test]
    fn looking_at_any_time_costs_less_than_twice_the_width_of_looking_once() {
        let estimate = Estimate { difference: 0.0, variance: 1.0, freedom: 126.0, exchanges: TUNED };
        let half = estimate.half_width(LEVEL);
        assert!(half > 1.96 && half < 2.0 * 1.96, "{half}");
    }
}
