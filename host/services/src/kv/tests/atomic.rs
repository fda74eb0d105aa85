//! Changes that depend on what is there, among many tasks.

use tokio::task::JoinSet;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_is_lost_among_many_tasks() {
    let (_home, kv, _) = fresh();
    let mut set = JoinSet::new();
    for _ in 0..20 {
        let kv = kv.clone();
        set.spawn(async move {
            for _ in 0..25 {
                kv.increment("s", b"n", 2).await.unwrap();
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done.unwrap();
    }
    assert_eq!(kv.get("s", b"n").unwrap(), Some(b"1000".to_vec()));
    assert_eq!(booked(&kv, "s"), counted(&kv));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_swap_that_succeeds_counts_among_many_tasks() {
    let (_home, kv, _) = fresh();
    let mut set = JoinSet::new();
    for _ in 0..8 {
        let kv = kv.clone();
        set.spawn(async move {
            let mut left = 10;
            while left > 0 {
                let old = kv.get("s", b"n").unwrap();
                let new = [old.as_deref().unwrap_or_default(), b"x"].concat();
                left -= i32::from(kv.compare_and_swap("s", b"n", old, Some(new)).await.unwrap());
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done.unwrap();
    }
    assert_eq!(kv.get("s", b"n").unwrap().unwrap().len(), 80);
}

#[tokio::test]
async fn a_swap_compares_whole_values_and_tells_absent_from_empty() {
    let (_home, kv, _) = fresh();
    let swap = |expected: Option<&str>, value: Option<&str>| {
        let own = |text: &str| text.as_bytes().to_vec();
        let (expected, value, kv) = (expected.map(own), value.map(own), kv.clone());
        async move { kv.compare_and_swap("s", b"k", expected, value).await.unwrap() }
    };
    assert!(!swap(Some(""), Some("x")).await);
    assert!(swap(None, None).await);
    assert!(swap(None, Some("")).await);
    assert!(!swap(None, Some("x")).await);
    assert!(swap(Some(""), Some("a")).await);
    assert!(!swap(Some("A"), None).await);
    assert!(!swap(Some("ab"), None).await);
    assert!(swap(Some("a"), None).await);
    assert_eq!(kv.get("s", b"k").unwrap(), None);
    assert_eq!(booked(&kv, "s"), 0);
}

#[tokio::test]
async fn only_decimal_integers_are_incremented_and_sums_must_fit() {
    let (_home, kv, _) = fresh();
    for value in ["", " 1", "1.0", "0x1", "one", "9223372036854775808", "\u{661}", "1\0"] {
        kv.set("s", b"k", value.into(), None).await.unwrap();
        assert!(matches!(kv.increment("s", b"k", 1).await, Err(Error::NotANumber)), "{value:?}");
        assert_eq!(kv.get("s", b"k").unwrap().unwrap(), value.as_bytes(), "it is left as it was");
    }
    kv.set("s", b"k", b"\xff".to_vec(), None).await.unwrap();
    assert!(matches!(kv.increment("s", b"k", 1).await, Err(Error::NotANumber)));
    kv.set("s", b"k", i64::MAX.to_string().into(), None).await.unwrap();
    assert!(matches!(kv.increment("s", b"k", 1).await, Err(Error::NotANumber)));
    assert_eq!(kv.increment("s", b"k", i64::MIN).await.unwrap(), -1);
    assert_eq!(kv.increment("s", b"new", -7).await.unwrap(), -7);
}
