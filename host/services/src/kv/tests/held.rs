//! Writes that are held back, compared with the same writes to a store of their own.

use super::*;

/// A store with three keys, the same held back, and a twin that is written to for real.
async fn three() -> (tempfile::TempDir, Kv, Kv) {
    let home = tempfile::tempdir().unwrap();
    let kv = Kv::new(Database::open(home.path()).unwrap());
    for store in ["s", "twin"] {
        for key in ["a", "b", "c"] {
            kv.set(store, key.as_bytes(), b"1".to_vec(), None).await.unwrap();
        }
    }
    let held = kv.holding_back(1 << 20);
    (home, kv, held)
}

#[tokio::test]
async fn the_writer_sees_what_it_wrote_and_nobody_else_does() {
    let (_home, kv, held) = three().await;
    held.set("s", b"a", b"mine".to_vec(), None).await.unwrap();
    assert!(held.delete("s", b"b").await.unwrap() && !held.delete("s", b"b").await.unwrap());
    assert_eq!(held.increment("s", b"c", 41).await.unwrap(), 42);
    assert!(held.compare_and_swap("s", b"c", Some(b"42".to_vec()), Some(b"9".to_vec())).await.unwrap());
    assert!(!held.compare_and_swap("s", b"c", Some(b"1".to_vec()), None).await.unwrap());
    assert!(matches!(held.increment("s", b"a", 1).await, Err(Error::NotANumber)));
    let keys = ["a", "b", "c"];
    let seen = held.get_many("s", &keys).unwrap();
    assert_eq!(seen, [Some(b"mine".to_vec()), None, Some(b"9".to_vec())]);
    assert_eq!(
        (held.exists("s", b"b").unwrap(), held.get("s", b"a").unwrap()),
        (false, Some(b"mine".to_vec()))
    );
    assert_eq!(kv.get_many("s", &keys).unwrap(), vec![Some(b"1".to_vec()); 3]);
    assert_eq!(held.afresh().get_many("s", &keys).unwrap(), vec![Some(b"1".to_vec()); 3]);
    assert_eq!(held.clone().get("s", b"b").unwrap(), None, "clones share it");
}

#[tokio::test]
async fn any_sequence_of_writes_looks_as_if_it_had_happened() {
    let (_home, kv, held) = three().await;
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..400 {
        let key = [b'a' + random.u8(0..8)];
        let value = random.u8(0..3).to_string().into_bytes();
        match random.u8(0..6) {
            0 => {
                held.set("s", &key, value.clone(), None).await.unwrap();
                kv.set("twin", &key, value, None).await.unwrap();
            }
            1 => assert_eq!(
                held.delete("s", &key).await.unwrap(),
                kv.delete("twin", &key).await.unwrap(),
                "{round}"
            ),
            2 => assert_eq!(
                held.increment("s", &key, 3).await.unwrap(),
                kv.increment("twin", &key, 3).await.unwrap(),
                "{round}"
            ),
            3 => {
                let (expected, next) = (random.bool().then_some(value), random.bool().then(|| b"5".to_vec()));
                assert_eq!(
                    held.compare_and_swap("s", &key, expected.clone(), next.clone()).await.unwrap(),
                    kv.compare_and_swap("twin", &key, expected, next).await.unwrap(),
                    "{round}"
                );
            }
            4 => {
                let entries = vec![Entry { key: key.to_vec(), value }; 2];
                held.set_many("s", entries.clone()).await.unwrap();
                kv.set_many("twin", entries).await.unwrap();
            }
            _ => {
                held.delete_many("s", vec![key.to_vec(), b"none".to_vec()]).await.unwrap();
                kv.delete_many("twin", vec![key.to_vec(), b"none".to_vec()]).await.unwrap();
            }
        }
        let limit = random.usize(1..5);
        assert_eq!(listed(&held, "s", limit), listed(&kv, "twin", limit), "{round}");
        let (mut one, mut other) = (scanned(&held, "s", limit), scanned(&kv, "twin", limit));
        one.sort();
        other.sort();
        assert_eq!(one, other, "{round}");
        let keys = listed(&held, "s", 100);
        assert_eq!(held.get_many("s", &keys).unwrap(), kv.get_many("twin", &keys).unwrap(), "{round}");
    }
}

#[tokio::test]
async fn what_is_held_is_bounded_and_expires() {
    let home = tempfile::tempdir().unwrap();
    let clock = Clock::manual(1_000);
    let kv = Kv::new(Database::open(home.path()).unwrap()).with_clock(clock.clone());
    kv.set("s", b"a", b"real".to_vec(), None).await.unwrap();
    let held = kv.holding_back(1_000);
    for _ in 0..50 {
        held.set("s", b"a", vec![b'x'; 400], None).await.unwrap();
    }
    let Err(Error::Invalid(text)) = held.set("s", b"b", vec![b'x'; 800], None).await else {
        panic!("bounded")
    };
    assert!(text.contains("at most 1000 bytes"), "{text}");
    let mut deleted = 0;
    while held.delete("s", format!("{deleted}").as_bytes()).await.is_ok() {
        deleted += 1;
    }
    assert!(deleted < 10, "marks of what was deleted count, too");
    let held = kv.holding_back(1_000);
    held.set("s", b"a", b"short".to_vec(), Some(Duration::from_millis(5))).await.unwrap();
    clock.advance(Duration::from_millis(6));
    assert_eq!(held.get("s", b"a").unwrap(), None);
    assert_eq!(listed(&held, "s", 10), Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn limits_and_names_are_checked_as_ever() {
    let (_home, _kv, held) = three().await;
    assert!(matches!(held.set("../x", b"a", b"1".to_vec(), None).await, Err(Error::Invalid(_))));
    assert!(matches!(held.set("s", b"", b"1".to_vec(), None).await, Err(Error::Invalid(_))));
    assert!(matches!(held.list("s", b"", Some("forged"), 10), Err(Error::Invalid(_))));
    assert!(matches!(held.list("s", b"", None, 0), Err(Error::Invalid(_))));
}

fn listed(kv: &Kv, store: &str, limit: usize) -> Vec<Vec<u8>> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = kv.list(store, b"", cursor.as_deref(), limit).unwrap();
        assert!(page.keys.len() <= limit);
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return keys;
        }
    }
}

fn scanned(kv: &Kv, store: &str, limit: usize) -> Vec<Vec<u8>> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = kv.scan(store, cursor, limit).unwrap();
        assert!(page.keys.len() <= limit);
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return keys;
        }
    }
}
