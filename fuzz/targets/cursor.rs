//! Cursors, prefixes and keys of a store: any text gives an answer or is called invalid; the database never fails for it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ostler_services::kv::Error;
use ostler_services::{Database, Kv};

static STORES: LazyLock<(Kv, tempfile::TempDir)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let kv = Kv::new(Database::open(folder.path()).expect("a database"));
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    for key in ["a", "a/b", "a/c", "é", "\u{10ffff}", "%", "_"] {
        runtime.block_on(kv.set("s", key.as_bytes(), b"1".to_vec(), None)).expect("it is stored");
    }
    (kv, folder)
});

fuzz_target!(|said: (&str, &[u8], &str, u16)| {
    let (store, prefix, cursor, limit) = said;
    let kv = &STORES.0;
    for store in [store, "s"] {
        fine(kv.get(store, prefix));
        fine(kv.exists(store, prefix));
        let cursor = (!cursor.is_empty()).then_some(cursor);
        if let Some(page) = fine(kv.list(store, prefix, cursor, limit.into())) {
            assert!(page.keys.iter().all(|key| key.starts_with(prefix)));
            assert!(page.keys.is_sorted());
            if let Some(next) = page.cursor {
                assert!(kv.list(store, prefix, Some(&next), limit.into()).is_ok());
            }
        }
    }
});

fn fine<T>(answer: Result<T, Error>) -> Option<T> {
    match answer {
        Ok(value) => Some(value),
        Err(Error::Invalid(_)) => None,
        Err(other) => panic!("{other}"),
    }
}
