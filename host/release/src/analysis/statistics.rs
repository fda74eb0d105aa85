//! The tests that comparisons rest on. Special functions are those of `statrs`; what is theirs and what is ours is said at each.
//!
//! **Invariant:** each is exact, or errs on the side of "not proved".

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::function::beta::beta_reg;
use statrs::function::factorial::ln_binomial;

/// Beyond it the series of `statrs` no longer converge. More are taken for this many, which loses precision that nobody needs,
/// and errs on the safe side.
const MOST: f64 = 10_000.0;

/// Groups from which on it is known how they differ. Fewer are taken to be of one mind each.
pub(super) const GROUPS: f64 = 10.0;

/// How far requests of one subject resemble each other, and so how much less many of them tell than as many strangers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Design {
    /// Variance of the mean as it is, as a multiple of what it were if all were independent; 1 at least.
    effect: f64,
    /// Degrees of freedom with which the effect is known; 0 if nothing was estimated.
    freedom: f64,
}

/// The chance of at least `hits` of the candidate's `n` requests among all `hits + others` faults, if each request of both
/// were as likely to fail: the one-sided exact test of Fisher (1935) for a table of two rows, a hypergeometric tail.
pub(super) fn fisher(hits: u64, n: u64, others: u64, m: u64) -> f64 {
    let faults = hits + others;
    if hits == 0 || faults == 0 {
        return 1.0;
    }
    let (first, last) = (faults.saturating_sub(m), faults.min(n));
    let whole = ln_binomial(n + m, faults);
    let mass = |k: u64| (ln_binomial(n, k) + ln_binomial(m, faults - k) - whole).exp();
    // From the tail's edge outwards each term is smaller than the one before, so that the sum ends early.
    let expected = faults as f64 * n as f64 / (n + m) as f64;
    let upper = match hits as f64 >= expected {
        true => sum_while_it_matters((hits..=last).map(mass)),
        false => 1.0 - sum_while_it_matters((first..hits).rev().map(mass)),
    };
    upper.clamp(0.0, 1.0)
}

fn sum_while_it_matters(terms: impl Iterator<Item = f64>) -> f64 {
    let mut sum = 0.0;
    for term in terms {
        sum += term;
        if term <= sum * 1e-17 {
            break;
        }
    }
    sum
}

/// What a proportion is at least, given `hits` of `n`, but for a chance of `level` (Clopper and Pearson 1934).
pub(super) fn at_least(hits: f64, n: f64, level: f64) -> f64 {
    let (hits, n) = scaled(hits, n);
    if hits <= 0.0 {
        return 0.0;
    }
    bisect(|p| beta_reg(hits, n - hits + 1.0, p) <= level)
}

/// What a proportion is at most, likewise.
pub(super) fn at_most(hits: f64, n: f64, level: f64) -> f64 {
    let (hits, n) = scaled(hits, n);
    if hits >= n {
        return 1.0;
    }
    bisect(|p| 1.0 - beta_reg(hits + 1.0, n - hits, p) > level)
}

/// The same proportion of no more than [`MOST`] of the rarer kind.
fn scaled(hits: f64, n: f64) -> (f64, f64) {
    let by = (MOST / hits.min(n - hits).max(1.0)).min(1.0);
    (hits * by, n * by)
}

/// The greatest number in 0 to 1 for which `below` still holds.
fn bisect(below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        match below(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

/// The most values that ranks are looked for in.
pub(super) const RANKED: u64 = MOST as u64;

/// The rank from the shortest, of `n` (up to [`RANKED`]), which the quantile at `part` exceeds or equals but for a chance of `level`: of `n`
/// values, those below the quantile are binomial, whatever they are distributed like (Thompson 1936). None if `n` is too
/// small for any.
pub(super) fn rank_below(part: f64, n: u64, level: f64) -> Option<u64> {
    // P(fewer than `rank` of n are below the quantile).
    let fewer = |rank: u64| binomial_below(rank, n, part);
    (fewer(1) <= level).then(|| greatest(n, |rank| fewer(rank) <= level))
}

/// The rank which the quantile at `part` is below or at, likewise.
pub(super) fn rank_above(part: f64, n: u64, level: f64) -> Option<u64> {
    let at_least = |rank: u64| 1.0 - binomial_below(rank, n, part);
    (n > 0 && at_least(n) <= level).then(|| 1 + greatest(n - 1, |rank| at_least(rank) > level))
}

/// The greatest number up to `last` for which `holds` is true, which holds up to some number and for none after; 0 if for none.
fn greatest(last: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match holds(middle) {
            true => low = middle,
            false => high = middle - 1,
        }
    }
    low
}

/// The chance of fewer than `k` hits of `n`, each of chance `p`.
fn binomial_below(k: u64, n: u64, p: f64) -> f64 {
    match k {
        0 => 0.0,
        k if k > n => 1.0,
        k => beta_reg((n - k + 1) as f64, k as f64, 1.0 - p),
    }
}

/// The chance that Student's t with `freedom` degrees is at least `t`.
pub(super) fn student_above(t: f64, freedom: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, freedom) {
        Ok(student) if t.is_finite() => student.sf(t),
        _ => 1.0,
    }
}

/// A sum over a count with the variance of that ratio, from totals of groups that are independent of each other (Cochran 1977,
/// 6.3; the first order of a jackknife that leaves one group out at a time).
#[derive(Debug, Clone, Copy)]
pub(super) struct Ratio {
    pub(super) value: f64,
    pub(super) variance: f64,
    /// Groups that have anything.
    pub(super) groups: f64,
    pub(super) count: f64,
}

/// The ratio of sums to counts, given (count, sum) of each group. None without counts.
pub(super) fn ratio(groups: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Ratio> {
    let full = groups.filter(|(count, _)| *count > 0.0);
    let (mut filled, mut count, mut sum) = (0.0, 0.0, 0.0);
    for (n, s) in full.clone() {
        (filled, count, sum) = (filled + 1.0, count + n, sum + s);
    }
    let value = (count > 0.0).then(|| sum / count)?;
    let squares: f64 = full.map(|(n, s)| (s - value * n).powi(2)).sum();
    let variance =
        if filled > 1.0 { squares * filled / (filled - 1.0) / (count * count) } else { f64::INFINITY };
    Some(Ratio { value, variance, groups: filled, count })
}

impl Design {
    /// Of groups of (count, sum), where one request alone varies by `one`.
    pub(super) fn of(groups: impl Iterator<Item = (f64, f64)> + Clone, one: f64) -> Self {
        let independent = Design { effect: 1.0, freedom: 0.0 };
        let Some(ratio) = ratio(groups.clone()) else { return independent };
        if ratio.groups < GROUPS {
            // The mean size of the group that a request is in.
            let size = groups.map(|(n, _)| n * n).sum::<f64>() / ratio.count;
            return Design { effect: size, ..independent };
        }
        if one <= 0.0 {
            return independent;
        }
        Design { effect: (ratio.variance * ratio.count / one).max(1.0), freedom: ratio.groups - 1.0 }
    }

    /// By what counts are to be divided so that they may be taken for independent ones in a test of this level (Rao and Scott
    /// 1992): what the groups show; as that is an estimate, widened as Student's t is wider than the normal distribution.
    pub(super) fn divisor(&self, level: f64) -> f64 {
        self.effect * widened(level, self.freedom)
    }
}

/// Square of the quantile of Student's t as a multiple of the normal one's. Without degrees of freedom nothing was estimated.
fn widened(level: f64, freedom: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, freedom) {
        Ok(student) => (student.inverse_cdf(level) / Normal::standard().inverse_cdf(level)).powi(2).max(1.0),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64) {
        assert!((found / wanted - 1.0).abs() < 1e-4, "{found} is not {wanted}");
    }

    #[test]
    fn the_lady_tasting_tea_and_other_known_tables() {
        near(fisher(3, 4, 1, 4), 17.0 / 70.0);
        near(fisher(4, 4, 0, 4), 1.0 / 70.0);
        // All of 2 faults in the 100 of 10,000: 100/10000 * 99/9999.
        near(fisher(2, 100, 0, 9_900), 0.01 * 99.0 / 9_999.0);
        near(fisher(1, 50, 40, 1_000), 1.0 - fisher_below(1, 50, 40, 1_000));
        assert_eq!(fisher(0, 10, 5, 10), 1.0);
        assert!(fisher(1_000_000, 100_000_000, 1_000_000, 100_000_000) > 0.49);
    }

    /// The same by brute force.
    fn fisher_below(hits: u64, n: u64, others: u64, m: u64) -> f64 {
        let faults = hits + others;
        let mass = |k| (ln_binomial(n, k) + ln_binomial(m, faults - k) - ln_binomial(n + m, faults)).exp();
        (0..hits).map(mass).sum()
    }

    #[test]
    fn bounds_of_a_proportion_are_those_of_the_tables() {
        // The rule of three, exactly: 1 - 0.05^(1/n).
        near(at_most(0.0, 100.0, 0.05), 1.0 - 0.05_f64.powf(0.01));
        // 5 of 20 with 95 %, both sides: 0.0866 to 0.4910.
        near(at_least(5.0, 20.0, 0.025), 0.086_571);
        near(at_most(5.0, 20.0, 0.025), 0.491_046);
        assert_eq!((at_least(0.0, 9.0, 0.1), at_most(9.0, 9.0, 0.1)), (0.0, 1.0));
    }

    #[test]
    fn ranks_around_a_quantile_are_those_of_the_binomial() {
        // Of 10 values, the median lies between the 2nd and the 9th but for 2 * 11/1024.
        assert_eq!(rank_below(0.5, 10, 0.011), Some(2));
        assert_eq!(rank_above(0.5, 10, 0.011), Some(9));
        // The 99th percentile is below the greatest of 459 with 99 %: 0.99^459 = 0.0099.
        assert_eq!(rank_above(0.99, 459, 0.01), Some(459));
        assert_eq!(rank_above(0.99, 458, 0.01), None);
        assert_eq!((rank_below(0.5, 0, 0.01), rank_above(0.5, 0, 0.01)), (None, None));
        assert_eq!(rank_below(0.5, 3, 0.01), None);
    }

    #[test]
    fn groups_that_are_of_one_mind_count_as_one_each() {
        let minds = (0..100).map(|n| (50.0, if n % 2 == 0 { 50.0 } else { 0.0 }));
        let design = Design::of(minds, 0.25);
        near(design.effect, 50.0 * 100.0 / 99.0);
        let mixed = Design::of((0..100).map(|_| (50.0, 25.0)), 0.25);
        near(mixed.divisor(0.001), widened(0.001, 99.0));
        // Fewer show less of how they differ.
        let some = Design::of((0..12).map(|_| (50.0, 25.0)), 0.25);
        near(some.divisor(0.001), widened(0.001, 11.0));
        assert!(some.divisor(0.001) > 1.5 * mixed.divisor(0.001));
    }

    #[test]
    fn few_groups_count_as_one_each_whatever_they_show() {
        let of = |sum: f64, one| Design::of((0..3).map(move |_| (500.0, sum)), one).divisor(0.001);
        // Also where all of their requests fail: still they are three.
        assert_eq!((of(250.0, 0.25), of(500.0, 0.0)), (500.0, 500.0));
        assert_eq!(Design::of([(500.0, 9.0)].into_iter(), 0.25).divisor(0.001), 500.0);
    }

    #[test]
    fn what_few_degrees_of_freedom_cost_is_that_of_the_tables() {
        // Student's t at 0.999: 4.297 with 9 degrees, 3.090 with any number.
        near(widened(0.001, 9.0), (4.296_806_f64 / 3.090_232).powi(2));
        assert_eq!(widened(0.001, 0.0), 1.0);
        assert!(widened(1e-12, 127.0) < 1.5);
    }

    #[test]
    fn a_tail_too_small_for_a_number_ends() {
        let begun = std::time::Instant::now();
        assert_eq!(fisher(1_000_000, 1_000_000_000, 0, 1_000_000_000_000), 0.0);
        assert!(begun.elapsed() < std::time::Duration::from_secs(1));
    }
}
