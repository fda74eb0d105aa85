//! The promises of the stores, each as a test.

mod atomic;
mod held;
mod life;
mod list;
mod values;

use std::time::Duration;

use tempfile::{TempDir, tempdir};

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
