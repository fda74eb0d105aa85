//! When a step is looked at, and what chance of a mistake each look may take.
//!
//! A check that is made again and again on counts that only grow would sooner or later fail for nothing. So a step has one
//! significance to spend, and its k-th look spends the part 1/(k (k + 1)) of it: all parts together are 1, however many looks
//! there are. **Invariant:** the chance that any check of a step fails, of a release that is as good, is at most its significance.

/// The looks at one step so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looks {
    count: u64,
    /// What both releases had answered at the last one.
    seen: [u64; 2],
}

impl Looks {
    /// The part of the step's significance that a look at these counts may spend. None if neither count has grown by a tenth
    /// since the last one: it would spend and not see more.
    pub fn next(&mut self, requests: [u64; 2]) -> Option<f64> {
        let grown = |(now, seen): (u64, u64)| now >= seen + (seen / 10).max(1);
        if !requests.into_iter().zip(self.seen).any(grown) {
            return None;
        }
        self.seen = requests;
        // What has answered nothing is not compared.
        if !requests.contains(&0) {
            self.count += 1;
        }
        let count = self.count.max(1) as f64;
        Some(1.0 / (count * (count + 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_looks_together_spend_no_more_than_there_is() {
        let (mut looks, mut requests, mut spent) = (Looks::default(), 1, 0.0);
        let mut before = f64::INFINITY;
        for _ in 0..200 {
            let part = looks.next([u64::MAX / 4, requests]).unwrap();
            assert!(part < before, "{part} after {before}");
            (before, spent, requests) = (part, spent + part, requests + (requests / 10).max(1));
        }
        assert!(spent > 0.99 && spent < 1.0, "{spent}");
    }

    #[test]
    fn what_has_not_grown_by_a_tenth_is_not_looked_at_again() {
        let mut looks = Looks::default();
        assert_eq!(looks.next([0, 0]), None, "nothing to see");
        assert_eq!(looks.next([1_000, 0]), Some(0.5), "one alone is not compared, and spends nothing");
        assert_eq!(looks.next([1_000, 100]), Some(0.5));
        assert_eq!(looks.next([1_099, 109]), None);
        assert!(looks.next([1_099, 110]).is_some());
        assert!(looks.next([1_300, 111]).is_some(), "either of the two");
    }
}
