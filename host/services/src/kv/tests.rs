//! The promises of the stores, each as a test.

use std::time::Duration;

use tempfile::{TempDir, tempdir};
use tokio::task::JoinSet;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn fresh() -> (TempDir, Kv, Clock) {
    let home = tempdir().unwrap();
    let clock = Clock::manual(1_000_000);
    let kv = Kv::new(Database::open(home.path()).unwrap()).with_clock(clock.clone());
    (home, kv, clock)
}

fn entry(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Entry {
    Entry { key: key.as_ref().to_vec(), value: value.as_ref().to_vec() }
}

/// What the account says a store takes.
fn booked(kv: &Kv, store: &str) -> i64 {
    let account = kv.database.read(|connection| account::Account::find(connection, store)).unwrap();
    account.unwrap().bytes()
}

/// What it takes, counted.
fn counted(kv: &Kv) -> i64 {
    let sql = "SELECT coalesce(sum(length(key) + length(value) + 64), 0) FROM kv_entry";
    kv.database.read(|c| Ok::<_, Error>(c.query_row(sql, [], |row| row.get(0))?)).unwrap()
}

/// All keys with a prefix, by pages of `limit`.
fn list_all(kv: &Kv, prefix: &[u8], limit: usize) -> Vec<Vec<u8>> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = kv.list("s", prefix, cursor.as_deref(), limit).unwrap();
        assert!(page.keys.len() <= limit);
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return keys;
        }
    }
}

#[tokio::test]
async fn values_are_set_read_replaced_and_deleted() {
    let (_home, kv, _) = fresh();
    assert_eq!(kv.get("s", b"k").unwrap(), None);
    assert!(!kv.delete("s", b"k").await.unwrap());
    kv.set("s", b"k", b"one".to_vec(), None).await.unwrap();
    kv.set("s", b"k", b"two".to_vec(), None).await.unwrap();
    kv.set("t", b"k", vec![], None).await.unwrap();
    assert_eq!(kv.get("s", b"k").unwrap(), Some(b"two".to_vec()));
    assert_eq!(kv.get("t", b"k").unwrap(), Some(vec![]));
    assert!(kv.exists("s", b"k").unwrap() && !kv.exists("s", b"K").unwrap());
    assert!(kv.delete("s", b"k").await.unwrap());
    assert_eq!(kv.get("s", b"k").unwrap(), None);
    assert!(kv.exists("t", b"k").unwrap(), "stores are apart");
}

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

#[tokio::test]
async fn names_keys_values_and_batches_outside_their_limits_are_refused() {
    let (_home, kv, _) = fresh();
    let (long_key, long_value) = (vec![1; KEY_MAX + 1], vec![1; VALUE_MAX + 1]);
    let many = vec![vec![1]; BATCH_MAX + 1];
    let heavy: Vec<_> = (0..17u8).map(|key| entry([key], vec![0; VALUE_MAX])).collect();
    let refusals = [
        kv.get("", b"k").err(),
        kv.get("No", b"k").err(),
        kv.get("a'; DROP TABLE kv_entry; --", b"k").err(),
        kv.get("s", b"").err(),
        kv.get("s", &long_key).err(),
        kv.exists("s\0", b"k").err(),
        kv.get_many("s", &many).err(),
        kv.list("s", &long_key, None, 1).err(),
        kv.list("s", b"", None, 0).err(),
        kv.list("s", b"", Some("no cursor of ours"), 1).err(),
        kv.scan("s", Some(u64::MAX), 1).err(),
        kv.set("s", b"", vec![], None).await.err(),
        kv.set("s", b"k", long_value.clone(), None).await.err(),
        kv.set("s/../t", b"k", vec![], None).await.err(),
        kv.delete("s", &long_key).await.err(),
        kv.increment("s", b"", 1).await.err(),
        kv.compare_and_swap("s", b"k", None, Some(long_value)).await.err(),
        kv.set_many("s", many.iter().map(|key| entry(key, "")).collect()).await.err(),
        kv.set_many("s", heavy).await.err(),
        kv.set_many("s", vec![entry("good", ""), entry("", "")]).await.err(),
        kv.delete_many("s", many.clone()).await.err(),
    ];
    for (index, told) in refusals.into_iter().enumerate() {
        assert!(matches!(told, Some(Error::Invalid(_))), "{index}: {told:?}");
    }
    assert_eq!(kv.list("s", b"", None, 10).unwrap(), Page { keys: vec![], cursor: None });
    kv.set("s", &[7; KEY_MAX], vec![7; VALUE_MAX], None).await.unwrap();
    assert_eq!(kv.get("s", &[7; KEY_MAX]).unwrap().unwrap().len(), VALUE_MAX);
}

#[tokio::test]
async fn prefixes_are_bytes_and_nothing_in_them_is_special() {
    let (_home, kv, _) = fresh();
    let keys: [&[u8]; 19] = [
        b"\x00",
        b"\x00\x00",
        b"%",
        b"%25",
        b"A",
        b"_",
        b"_a",
        b"a",
        b"a\x00",
        b"a\x00b",
        b"a%",
        b"ab",
        b"a\xff",
        b"a&",
        b"b",
        b"`",
        "é".as_bytes(),
        b"\xff",
        b"\xff\xff",
    ];
    for key in keys.iter().rev() {
        kv.set("s", key, key.to_vec(), None).await.unwrap();
    }
    let mut sorted = keys.map(<[u8]>::to_vec).to_vec();
    sorted.sort();
    for prefix in keys.iter().copied().chain([&b""[..], b"zz", b"a\xff\xff", "€".as_bytes()]) {
        let expected: Vec<_> = sorted.iter().filter(|key| key.starts_with(prefix)).cloned().collect();
        for limit in [1, 2, 5, 1000, usize::MAX] {
            assert_eq!(list_all(&kv, prefix, limit), expected, "{prefix:?} by {limit}");
        }
    }
    assert_eq!(kv.get("s", b"a\x00b").unwrap(), Some(b"a\x00b".to_vec()));
}

#[tokio::test]
async fn a_list_goes_on_although_what_it_listed_was_deleted() {
    let (_home, kv, _) = fresh();
    let keys: Vec<_> = (0..25u8).map(|index| vec![b'k', index]).collect();
    kv.set_many("s", keys.iter().map(|key| entry(key, "")).collect()).await.unwrap();
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = kv.list("s", b"k", cursor.as_deref(), 10).unwrap();
        kv.delete_many("s", page.keys.clone()).await.unwrap();
        listed.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, keys);
}

#[tokio::test]
async fn a_scan_meets_every_key_once_although_keys_come_change_and_go() {
    let (_home, kv, _) = fresh();
    let set = |key: u8| {
        let kv = kv.clone();
        async move { kv.set("s", &[key], vec![key], None).await.unwrap() }
    };
    for key in [3, 1, 2] {
        set(key).await;
    }
    let first = kv.scan("s", None, 2).unwrap();
    assert_eq!(first.keys, [[3], [1]]);
    kv.delete_many("s", first.keys).await.unwrap();
    set(2).await;
    set(0).await;
    let second = kv.scan("s", first.cursor, 1).unwrap();
    assert_eq!(second.keys, [[2]]);
    let last = kv.scan("s", second.cursor, 5).unwrap();
    assert_eq!(last, Scan { keys: vec![vec![0]], cursor: None });
    assert_eq!(kv.scan("s", Some(i64::MAX as u64), 5).unwrap(), Scan { keys: vec![], cursor: None });
    assert_eq!(kv.scan("nobody", None, 5).unwrap(), Scan { keys: vec![], cursor: None });
}

#[tokio::test]
async fn a_heap_of_expired_entries_makes_pages_short_and_not_slow() {
    let (_home, kv, clock) = fresh();
    // As a guest would: thousands of short lives, all gone before the sweep.
    let mut set = JoinSet::new();
    for index in 0..5_000u32 {
        let kv = kv.clone();
        set.spawn(async move { kv.set("s", &index.to_be_bytes(), vec![], Some(MS)).await });
    }
    while let Some(done) = set.join_next().await {
        done.unwrap().unwrap();
    }
    kv.set("s", b"\xff", vec![], None).await.unwrap();
    clock.advance(MS);
    let page = kv.list("s", b"", None, 10).unwrap();
    assert!(page.keys.is_empty() && page.cursor.is_some(), "{page:?}");
    assert_eq!(list_all(&kv, b"", 10), [b"\xff"]);
    let scan = kv.scan("s", None, 10).unwrap();
    assert_eq!(kv.scan("s", scan.cursor, 10).unwrap().keys, [b"\xff"]);
    while kv.sweep().await.unwrap() > 0 {}
    assert_eq!(booked(&kv, "s"), counted(&kv));
    assert_eq!(kv.list("s", b"", None, 10).unwrap(), Page { keys: vec![b"\xff".to_vec()], cursor: None });
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

#[tokio::test]
async fn a_full_store_refuses_growth_and_takes_what_shrinks() {
    let (_home, kv, _) = fresh();
    let kv = kv.with_quota(3 * (64 + 1) + 30);
    for key in [b"a", b"b", b"c"] {
        kv.set("s", key, vec![0; 10], None).await.unwrap();
    }
    let told = kv.set("s", b"d", vec![], None).await.unwrap_err();
    assert!(matches!(told, Error::QuotaExceeded { .. }), "{told}");
    assert!(told.to_string().contains("delete entries"), "{told}");
    assert!(kv.set("s", b"a", vec![0; 11], None).await.is_err());
    assert!(kv.set_many("s", vec![entry("a", ""), entry("e", ""), entry("f", "")]).await.is_err());
    assert_eq!(kv.get("s", b"a").unwrap().unwrap().len(), 10, "a batch happens whole or not at all");
    kv.set("other", b"k", vec![0; 100], None).await.unwrap();
    kv.set("s", b"a", vec![0; 10], None).await.unwrap();
    let smaller = kv.clone().with_quota(100);
    smaller.set("s", b"b", vec![0; 9], None).await.unwrap();
    kv.set("s", b"a", vec![0; 11], None).await.unwrap();
    assert_eq!(booked(&kv, "s") + booked(&kv, "other"), counted(&kv));
}

#[tokio::test]
async fn batches_keep_order_and_take_the_last_of_equals() {
    let (_home, kv, _) = fresh();
    let entries = vec![entry("a", "1"), entry("b", "2"), entry("a", "3")];
    kv.set_many("s", entries).await.unwrap();
    let values = kv.get_many("s", &["b", "x", "a", "b"]).unwrap();
    let texts: Vec<_> = values.iter().map(|value| value.as_deref()).collect();
    assert_eq!(texts, [Some(&b"2"[..]), None, Some(b"3"), Some(b"2")]);
    assert_eq!(kv.get_many::<&str>("s", &[]).unwrap().len(), 0);
    kv.delete_many("s", vec![b"a".to_vec(), b"a".to_vec(), b"x".to_vec()]).await.unwrap();
    assert_eq!(list_all(&kv, b"", 10), [b"b"]);
    assert_eq!(booked(&kv, "s"), counted(&kv));
}

#[tokio::test]
async fn more_than_a_batch_may_carry_is_refused_on_the_way_out_too() {
    let (_home, kv, _) = fresh();
    kv.set("s", b"k", vec![0; VALUE_MAX], None).await.unwrap();
    assert!(matches!(kv.get_many("s", &[b"k"; 17]), Err(Error::Invalid(_))));
    assert_eq!(kv.get_many("s", &[b"k"; 16]).unwrap().len(), 16);
    assert!(kv.get("s", b"k").unwrap().is_some(), "the reader is whole again");
}

#[tokio::test]
async fn every_read_walks_an_index_and_sorts_nothing() {
    let (_home, kv, _) = fresh();
    for (sql, index) in [
        (list::BY_ID, "kv_entry_by_id"),
        (list::BY_KEY[0], "kv_entry_by_key"),
        (list::BY_KEY[1], "kv_entry_by_key"),
    ] {
        let plan: Vec<String> = kv
            .database
            .read(|connection| {
                let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let count = statement.parameter_count();
                let rows = statement
                    .query_map(rusqlite::params_from_iter(vec![1; count]), |row| row.get(3))?
                    .collect::<Result<_, _>>()?;
                Ok::<_, Error>(rows)
            })
            .unwrap();
        let plan = plan.join("; ");
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}
