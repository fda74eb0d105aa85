//! Several limits asked as one: from all or from none.

use super::*;

fn asks<'a>(found: &'a [Arc<Limit>], cost: u32) -> Vec<Ask<'a>> {
    found.iter().map(|limit| Ask { limit, key: key(limit, "k"), cost }).collect()
}

#[test]
fn what_one_refuses_is_taken_from_none() {
    for algorithm in ALGORITHMS {
        let burst = if algorithm == "gcra" { "\nburst = 10" } else { "" };
        let wide = format!("rate = '10/min'\nalgorithm = '{algorithm}'{burst}");
        let (limits, _) = limits(&[("a", &wide), ("b", "rate = '2/min'"), ("c", "rate = '1/h'")]);
        let all: Vec<_> = ["a", "b", "c"].iter().map(|name| limits.get(name).unwrap()).collect();
        let mut told = [None; 3];
        assert_eq!(limits.take_local(&asks(&all, 1), &mut told), Outcome::Admitted);
        let left =
            |told: &[Option<Standing>]| told.iter().map(|told| told.unwrap().remaining).collect::<Vec<_>>();
        assert_eq!(left(&told), [9, 1, 0], "{algorithm}");
        for _ in 0..20 {
            assert_eq!(limits.take_local(&asks(&all, 1), &mut told), Outcome::Refused(2));
            assert_eq!(left(&told), [9, 1, 0], "{algorithm}: refusals took");
        }
        assert_eq!(limits.take_local(&asks(&all[..2], 1), &mut told), Outcome::Admitted);
        assert_eq!(left(&told)[..2], [8, 0], "{algorithm}");
        // Both refuse now; the one that has to be waited for longer is told.
        assert_eq!(limits.take_local(&asks(&all, 1), &mut told), Outcome::Refused(2));
    }
}

#[test]
fn what_is_given_back_may_be_taken_by_somebody_else_but_only_once() {
    for algorithm in ALGORITHMS {
        let burst = if algorithm.contains("window") { "" } else { "\nburst = 100" };
        let wide = format!("rate = '100/h'\nalgorithm = '{algorithm}'{burst}");
        let (limits, _) = limits(&[("a", &wide), ("b", "rate = '1/h'")]);
        let (a, b) = (limits.get("a").unwrap(), limits.get("b").unwrap());
        assert!(ask(&limits, &b, "k", 1).admitted, "b has nothing left");
        let both = [a.clone(), b];
        let admitted: u32 = std::thread::scope(|scope| {
            let refused = || {
                for _ in 0..2000 {
                    assert_ne!(limits.take_local(&asks(&both, 1), &mut [None; 2]), Outcome::Admitted);
                }
                0
            };
            let taken = || (0..2000).filter(|_| ask(&limits, &a, "k", 1).admitted).count() as u32;
            let threads =
                [scope.spawn(refused), scope.spawn(taken), scope.spawn(refused), scope.spawn(taken)];
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        let rest = (0..200).filter(|_| ask(&limits, &a, "k", 1).admitted).count() as u32;
        assert_eq!(admitted + rest, 100, "{algorithm}");
    }
}

#[tokio::test]
async fn without_redis_a_shared_limit_does_what_it_says() {
    let shared = |when: &str| format!("rate = '2/h'\nshared = true\nwhen_unavailable = '{when}'");
    let (limits, _) = limits(&[
        ("closed", &shared("closed")),
        ("here", "rate = '5/h'"),
        ("local", &shared("local")),
        ("open", &shared("open")),
    ]);
    let get = |names: &[&str]| names.iter().map(|name| limits.get(name).unwrap()).collect::<Vec<_>>();
    let mut told = [None; 2];
    let local = get(&["here", "local"]);
    for outcome in [Outcome::Admitted, Outcome::Admitted, Outcome::Refused(1), Outcome::Refused(1)] {
        assert_eq!(limits.take(&asks(&local, 1), &mut told).await, outcome);
    }
    let closed = get(&["here", "closed"]);
    assert_eq!(limits.take(&asks(&closed, 1), &mut told).await, Outcome::Unavailable(1));
    let open = get(&["here", "open"]);
    for left in [2, 1, 0] {
        assert_eq!(limits.take(&asks(&open, 1), &mut told).await, Outcome::Admitted);
        assert_eq!(told[0].unwrap().remaining, left, "what was refused took nothing");
    }
    assert_eq!(limits.take(&asks(&open, 1), &mut told).await, Outcome::Refused(0));
    let alone: Vec<_> = limits.figures().iter().map(|figures| figures.alone).collect();
    assert_eq!(alone, [1, 0, 4, 3]);
}
