//! The promises of the database, each as a test.

use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;

use tempfile::{TempDir, tempdir};

use super::*;

type Outcome<T = ()> = Result<T, DatabaseError>;

fn fresh() -> (TempDir, Database) {
    let home = tempdir().unwrap();
    let database = Database::open(&home.path().join("state")).unwrap();
    (home, database)
}

async fn add(database: &Database, name: &'static str) -> Outcome<usize> {
    database.write(move |tx| insert(tx, name)).await
}

fn insert(tx: &Transaction<'_>, name: &str) -> Outcome<usize> {
    Ok(tx.execute("INSERT INTO kv_store (name, bytes) VALUES (?1, 0)", [name])?)
}

fn names(database: &Database) -> Vec<String> {
    let read = |connection: &Connection| -> Outcome<Vec<String>> {
        let mut statement = connection.prepare_cached("SELECT name FROM kv_store ORDER BY name")?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    };
    database.read(read).unwrap()
}

#[tokio::test]
async fn once_settled_the_file_alone_holds_everything() {
    let (home, database) = fresh();
    add(&database, "a").await.unwrap();
    database.settle().unwrap();
    let copy = home.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(database.path(), copy.join(FILE)).unwrap();
    assert_eq!(names(&Database::open(&copy).unwrap()), ["a"]);
    add(&database, "b").await.unwrap();
    assert_eq!(names(&database), ["a", "b"]);
}

/// Holds the writer inside a job until the sender is dropped, so that what follows must queue.
fn hold(database: &Database) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Outcome>) {
    let (release, held) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    let database = database.clone();
    let task = tokio::spawn(async move {
        let job = move |_: &Transaction<'_>| -> Outcome {
            entered.send(()).unwrap();
            let _ = held.recv();
            Ok(())
        };
        database.write(job).await
    });
    inside.recv().unwrap();
    (release, task)
}

#[tokio::test]
async fn a_write_is_seen_by_every_later_read_and_by_the_next_host() {
    let (home, database) = fresh();
    add(&database, "a").await.unwrap();
    assert_eq!(names(&database), ["a"]);
    drop(database);
    let state = home.path().join("state");
    assert!(!state.join("ostler.db-wal").exists(), "a clean close leaves no WAL behind");
    assert_eq!(names(&Database::open(&state).unwrap()), ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_wait_together_share_one_commit() {
    let (_home, database) = fresh();
    let (release, held) = hold(&database);
    let mut set = tokio::task::JoinSet::new();
    for index in 0..100 {
        let database = database.clone();
        set.spawn(async move { database.write(move |tx| insert(tx, &format!("s{index}"))).await });
    }
    // All hundred are in the queue when it has lost that many places.
    while database.shared.queue.as_ref().unwrap().capacity() > QUEUE - 100 {
        tokio::task::yield_now().await;
    }
    drop(release);
    held.await.unwrap().unwrap();
    while let Some(done) = set.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(names(&database).len(), 100);
    let stats = database.stats();
    assert_eq!(stats.jobs, 101);
    assert!(stats.commits < 50, "each batch takes what waits: {stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_or_panicking_job_undoes_only_itself() {
    let (_home, database) = fresh();
    let (release, held) = hold(&database);
    let good = tokio::spawn({
        let database = database.clone();
        async move { add(&database, "good").await }
    });
    let failing = tokio::spawn({
        let database = database.clone();
        async move {
            let job = |tx: &Transaction<'_>| -> Outcome {
                insert(tx, "bad")?;
                Err(DatabaseError::Busy)
            };
            database.write(job).await
        }
    });
    let panicking = tokio::spawn({
        let database = database.clone();
        async move {
            let job = |tx: &Transaction<'_>| -> Outcome {
                insert(tx, "worse")?;
                panic!("on purpose")
            };
            database.write(job).await
        }
    });
    while database.shared.queue.as_ref().unwrap().capacity() > QUEUE - 3 {
        tokio::task::yield_now().await;
    }
    drop(release);
    held.await.unwrap().unwrap();
    good.await.unwrap().unwrap();
    assert!(matches!(failing.await.unwrap(), Err(DatabaseError::Busy)));
    assert!(matches!(panicking.await.unwrap(), Err(DatabaseError::Panicked)));
    assert_eq!(names(&database), ["good"]);
}

#[tokio::test]
async fn a_full_disk_refuses_the_write_and_the_host_goes_on() {
    let (_home, database) = fresh();
    let limit = |pages: u32| {
        let job = move |tx: &Transaction<'_>| -> Outcome<u32> {
            Ok(tx.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get(0))?)
        };
        database.write(job)
    };
    let fill = || {
        let job = |tx: &Transaction<'_>| -> Outcome<usize> {
            insert(tx, "big")?;
            let sql = "INSERT INTO kv_entry (store, key, value) VALUES (1, x'01', zeroblob(1000000))";
            Ok(tx.execute(sql, [])?)
        };
        database.write(job)
    };
    limit(1).await.unwrap();
    let told = fill().await.unwrap_err();
    assert!(matches!(told, DatabaseError::Full(_)), "{told}");
    assert!(told.to_string().contains("free some"), "{told}");
    assert_eq!(names(&database), Vec::<String>::new());
    limit(1 << 20).await.unwrap();
    fill().await.unwrap();
    assert_eq!(names(&database), ["big"]);
}

#[tokio::test]
async fn readers_are_bounded_cannot_write_and_survive_a_panic() {
    let (_home, database) = fresh();
    let write =
        |connection: &Connection| -> Outcome<usize> { Ok(connection.execute("DELETE FROM kv_store", [])?) };
    assert!(database.read(write).is_err());
    for _ in 0..20 {
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            database.read(|_| -> Outcome { panic!("on purpose") })
        }));
        assert!(broken.is_err());
        // A read that forgets its transaction must not pin an old moment for the next one.
        let forget =
            |connection: &Connection| -> Outcome { Ok(connection.execute_batch("BEGIN; SELECT 1")?) };
        database.read(forget).unwrap();
    }
    add(&database, "a").await.unwrap();
    assert_eq!(names(&database), ["a"]);
}

#[test]
fn files_and_folder_are_private_and_belong_to_one_host() {
    let (home, database) = fresh();
    let state = home.path().join("state");
    let mode = |name: &str| state.join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(state.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    for name in ["ostler.db", "ostler.db-wal", "ostler.db-shm", "lock"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    let told = Database::open(&state).unwrap_err();
    assert!(matches!(told, DatabaseError::InUse { .. }), "{told}");
    drop(database);
    Database::open(&state).unwrap();
}

#[test]
fn a_damaged_file_is_named_with_its_repair() {
    let home = tempdir().unwrap();
    let path = home.path().join(FILE);
    std::fs::write(&path, "this is no database at all, ".repeat(500)).unwrap();
    let told = Database::open(home.path()).unwrap_err().to_string();
    assert!(told.starts_with(&path.display().to_string()), "{told}");
    assert!(told.contains("restore a backup"), "{told}");
}

#[tokio::test]
async fn damage_in_the_middle_is_found_by_the_read_that_meets_it() {
    let (home, database) = fresh();
    for name in ["a", "b"] {
        add(&database, name).await.unwrap();
    }
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'kv_store'";
    let page =
        database.read(|connection| Outcome::<i64>::Ok(connection.query_row(root, [], |row| row.get(0))?));
    // What it is made of lies on other pages, which opening reads.
    let begin = (page.unwrap() as usize - 1) * 4096;
    drop(database);
    let path = home.path().join("state").join(FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[begin..begin + 4096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let database = Database::open(&home.path().join("state")).unwrap();
    let read = |connection: &Connection| -> Outcome<i64> {
        Ok(connection.query_row("SELECT sum(bytes) FROM kv_store", [], |row| row.get(0))?)
    };
    let told = database.read(read).unwrap_err();
    assert!(matches!(told, DatabaseError::Damaged { .. }), "{told}");
}

#[test]
fn a_newer_schema_and_an_unusable_folder_are_refused() {
    let (home, database) = fresh();
    let path = database.path().to_owned();
    drop(database);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 5).unwrap();
    let told = Database::open(&home.path().join("state")).unwrap_err();
    assert!(matches!(told, DatabaseError::Newer { found: 5, known: 4, .. }), "{told}");
    let told = Database::open(&path).unwrap_err();
    assert!(matches!(told, DatabaseError::Folder { .. }), "{told}");
}
