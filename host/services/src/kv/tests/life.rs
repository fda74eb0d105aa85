//! Lifetimes: when an entry is gone, and who takes it off the disk.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn an_entry_is_gone_the_moment_it_expires_and_swept_later() {
    let (_home, kv, clock) = fresh();
    kv.set("s", b"k", b"1".to_vec(), Some(10 * MS)).await.unwrap();
    clock.advance(9 * MS);
    assert!(kv.exists("s", b"k").unwrap());
    assert_eq!(kv.sweep().await.unwrap(), 0);
    clock.advance(MS);
    assert_eq!(kv.get("s", b"k").unwrap(), None);
    assert!(!kv.exists("s", b"k").unwrap());
    assert_eq!(kv.get_many("s", &[b"k"]).unwrap(), [None]);
    assert_eq!(list_all(&kv, b"", 10), Vec::<Vec<u8>>::new());
    assert_eq!(kv.scan("s", None, 10).unwrap(), Scan { keys: vec![], cursor: None });
    assert!(!kv.delete("s", b"k").await.unwrap());
    kv.set("s", b"k", b"1".to_vec(), Some(MS)).await.unwrap();
    kv.set("s", b"stays", b"1".to_vec(), None).await.unwrap();
    clock.advance(MS);
    assert_eq!(kv.sweep().await.unwrap(), 1);
    assert_eq!(booked(&kv, "s"), counted(&kv));
    assert_eq!(list_all(&kv, b"", 10), [b"stays"]);
}

#[tokio::test]
async fn set_forgets_a_lifetime_and_atomic_changes_keep_it() {
    let (_home, kv, clock) = fresh();
    for key in [b"set", b"inc", b"cas"] {
        kv.set("s", key, b"1".to_vec(), Some(10 * MS)).await.unwrap();
    }
    kv.set("s", b"set", b"1".to_vec(), None).await.unwrap();
    assert_eq!(kv.increment("s", b"inc", 1).await.unwrap(), 2);
    assert!(kv.compare_and_swap("s", b"cas", Some(b"1".to_vec()), Some(b"2".to_vec())).await.unwrap());
    clock.advance(10 * MS);
    assert_eq!(list_all(&kv, b"", 10), [b"set"]);
    assert_eq!(kv.increment("s", b"inc", 5).await.unwrap(), 5, "what expired counts as absent");
    assert!(kv.compare_and_swap("s", b"cas", None, Some(b"3".to_vec())).await.unwrap());
    clock.advance(Duration::from_secs(1 << 30));
    assert_eq!(list_all(&kv, b"", 10), [b"cas", b"inc", b"set"]);
    assert_eq!(booked(&kv, "s"), counted(&kv));
}

#[tokio::test]
async fn the_longest_life_is_no_overflow_and_the_shortest_is_a_millisecond() {
    let (_home, kv, _) = fresh();
    kv.set("s", b"k", vec![], Some(Duration::MAX)).await.unwrap();
    assert!(kv.exists("s", b"k").unwrap());
    let told = kv.set("s", b"k", vec![], Some(Duration::from_micros(999))).await.unwrap_err();
    assert!(matches!(told, Error::Invalid(_)), "{told}");
}

#[tokio::test(start_paused = true)]
async fn the_sweeper_takes_what_expires_while_the_host_runs() {
    let (_home, kv, clock) = fresh();
    let sweeper = tokio::spawn(kv.clone().sweep_forever());
    for round in 1..=2 {
        kv.set("s", b"k", vec![round], Some(MS)).await.unwrap();
        clock.advance(MS);
        while counted(&kv) > 0 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(booked(&kv, "s"), 0);
    }
    sweeper.abort();
}
