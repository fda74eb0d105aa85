//! Lists by prefix and scans of whole stores.

use tokio::task::JoinSet;

use super::*;

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

#[tokio::test]
async fn every_read_walks_an_index_and_sorts_nothing() {
    let (_home, kv, _) = fresh();
    for (sql, index) in [
        (crate::kv::list::BY_ID, "kv_entry_by_id"),
        (crate::kv::list::BY_KEY[0], "kv_entry_by_key"),
        (crate::kv::list::BY_KEY[1], "kv_entry_by_key"),
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
