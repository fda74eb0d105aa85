//! Real files in a folder of the test's own.

use std::time::{Duration, Instant};

use super::*;

async fn open(sql: &Sql) -> Session {
    sql.open("default").await.unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

async fn run(session: &Session, statement: &str) -> Result<Answer, Error> {
    session.execute(statement.into(), Vec::new(), soon()).await
}

#[tokio::test]
async fn every_kind_of_value_goes_in_and_comes_out() {
    let home = tempfile::tempdir().unwrap();
    let sql = Sql::new(home.path());
    let session = open(&sql).await;
    run(&session, "CREATE TABLE t (a, b, c, d, e)").await.unwrap();
    let values = vec![
        Value::Integer(-1),
        Value::Real(0.5),
        Value::Text("é".into()),
        Value::Blob(vec![0, 255]),
        Value::Null,
    ];
    let insert = "INSERT INTO t VALUES (?, ?, ?, ?, ?)";
    session.execute(insert.into(), values.clone(), soon()).await.unwrap();
    assert_eq!((session.last_insert_rowid(), session.changes()), (1, 1));
    let answer = run(&open(&sql).await, "SELECT * FROM t").await.unwrap();
    assert_eq!(
        answer,
        Answer { columns: ["a", "b", "c", "d", "e"].map(Into::into).into(), rows: vec![values] }
    );
    assert!(home.path().join("sqlite/default.db").is_file());
}

#[tokio::test]
async fn what_leads_to_other_files_or_code_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let sql = Sql::new(home.path());
    let session = open(&sql).await;
    let other = home.path().join("other.db");
    for statement in [
        format!("ATTACH '{}' AS o", other.display()),
        format!("VACUUM INTO '{}'", other.display()),
        "VACUUM".into(),
        "SELECT load_extension('x')".into(),
        "PRAGMA journal_mode = OFF".into(),
        "PRAGMA max_page_count = 2000000000".into(),
        "PRAGMA temp_store_directory = '/tmp'".into(),
        "PRAGMA writable_schema = ON".into(),
        "PRAGMA mmap_size = 1000000000".into(),
        "SELECT * FROM pragma_journal_mode".into(),
        "CREATE VIRTUAL TABLE v USING fts5(a)".into(),
        "CREATE VIRTUAL TABLE v USING dbstat".into(),
        "DETACH main".into(),
    ] {
        let refused = run(&session, &statement).await.unwrap_err();
        assert!(matches!(refused, Error::Refused(_) | Error::Invalid(_)), "{statement}: {refused:?}");
    }
    let update = run(&session, "UPDATE sqlite_schema SET sql = ''").await.unwrap_err();
    assert!(matches!(update, Error::Invalid(_) | Error::Refused(_)), "{update:?}");
    assert!(!other.exists());
    assert!(matches!(run(&session, "SELECT 1; SELECT 2").await, Err(Error::Invalid(_))));
    assert!(run(&session, "PRAGMA table_list").await.is_ok());
    for name in ["", "../other", "A", "a/b"] {
        assert!(matches!(sql.open(name).await, Err(Error::Invalid(_))), "{name}");
    }
}

#[tokio::test]
async fn a_statement_ends_at_its_deadline_and_the_next_one_runs() {
    let home = tempfile::tempdir().unwrap();
    let sql = Sql::new(home.path());
    let session = open(&sql).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n";
    let start = Instant::now();
    let ended = session.execute(endless.into(), vec![], start + Duration::from_millis(100)).await;
    assert_eq!(ended, Err(Error::Deadline));
    assert!(start.elapsed() < harness::BOUNDED, "{:?}", start.elapsed());
    assert_eq!(run(&session, "SELECT 1").await.unwrap().rows, [[Value::Integer(1)]]);
}

#[tokio::test]
async fn a_statement_whose_caller_has_gone_ends() {
    let home = tempfile::tempdir().unwrap();
    let sql = Sql::new(home.path());
    let session = open(&sql).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n";
    let call = session.execute(endless.into(), vec![], soon());
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    assert_eq!(run(&session, "SELECT 1").await.unwrap().rows, [[Value::Integer(1)]]);
}

#[tokio::test]
async fn answers_and_databases_are_bounded() {
    let home = tempfile::tempdir().unwrap();
    let mut sql = Sql::new(home.path());
    Arc::get_mut(&mut sql.shared).unwrap().quota = 256 << 10;
    let session = open(&sql).await;
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) SELECT i FROM n";
    assert_eq!(run(&session, many).await, Err(Error::TooLarge));
    let large = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 40) \
                 SELECT zeroblob(1000000) FROM n";
    assert_eq!(run(&session, large).await, Err(Error::TooLarge));
    assert!(matches!(run(&session, "SELECT zeroblob(100000000)").await, Err(Error::Invalid(_))));
    run(&session, "CREATE TABLE t (a)").await.unwrap();
    assert_eq!(run(&session, "INSERT INTO t VALUES (zeroblob(1000000))").await, Err(Error::Full));
    run(&session, "INSERT INTO t VALUES (zeroblob(1000))").await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_was_left_open_is_undone() {
    let home = tempfile::tempdir().unwrap();
    let sql = Sql::new(home.path());
    let session = open(&sql).await;
    run(&session, "CREATE TABLE t (a)").await.unwrap();
    run(&session, "BEGIN IMMEDIATE").await.unwrap();
    run(&session, "INSERT INTO t VALUES (1)").await.unwrap();
    assert!(session.in_transaction());
    drop(session);
    let next = open(&sql).await;
    run(&next, "INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(run(&next, "SELECT a FROM t").await.unwrap().rows, [[Value::Integer(2)]]);
}

#[tokio::test]
async fn who_may_change_nothing_writes_to_a_copy_that_others_never_see() {
    let home = tempfile::tempdir().unwrap();
    let real = Sql::new(home.path());
    let session = open(&real).await;
    run(&session, "CREATE TABLE t (v)").await.unwrap();
    run(&session, "INSERT INTO t VALUES (1), (2)").await.unwrap();
    let held = real.holding_back(&Scratch::new(home.path()));
    let (one, other) = (open(&held).await, open(&held).await);
    run(&one, "INSERT INTO t VALUES (3)").await.unwrap();
    run(&one, "CREATE TABLE u (v)").await.unwrap();
    let sum = "SELECT sum(v), (SELECT count(*) FROM sqlite_schema) FROM t";
    assert_eq!(run(&other, sum).await.unwrap().rows, [[Value::Integer(6), Value::Integer(2)]]);
    assert_eq!(run(&session, sum).await.unwrap().rows, [[Value::Integer(3), Value::Integer(1)]]);
    let next = held.afresh(&Scratch::new(home.path()));
    assert_eq!(run(&open(&next).await, sum).await.unwrap().rows, [[Value::Integer(3), Value::Integer(1)]]);
    // One that is not there begins empty, and comes to be nowhere.
    run(&held.open("new").await.unwrap(), "CREATE TABLE t (v)").await.unwrap();
    assert!(!home.path().join("sqlite/new.db").exists());
    // A writer of the real one is not waited for, nor made to wait.
    run(&session, "BEGIN IMMEDIATE").await.unwrap();
    run(&session, "INSERT INTO t VALUES (10)").await.unwrap();
    let third = held.afresh(&Scratch::new(home.path()));
    let third = open(&third).await;
    run(&third, "INSERT INTO t VALUES (4)").await.unwrap();
    run(&session, "COMMIT").await.unwrap();
    assert_eq!(run(&session, sum).await.unwrap().rows, [[Value::Integer(13), Value::Integer(1)]]);
}

#[tokio::test]
async fn what_is_too_large_to_copy_can_only_be_read() {
    let home = tempfile::tempdir().unwrap();
    let real = Sql::new(home.path());
    let session = open(&real).await;
    run(&session, "CREATE TABLE t (v)").await.unwrap();
    for _ in 0..9 {
        run(&session, "INSERT INTO t VALUES (zeroblob(1048576))").await.unwrap();
    }
    let held = open(&real.holding_back(&Scratch::new(home.path()))).await;
    let count = "SELECT count(*) FROM t";
    assert_eq!(run(&held, count).await.unwrap().rows, [[Value::Integer(9)]]);
    for statement in [
        "DELETE FROM t",
        "CREATE TABLE u (v)",
        "PRAGMA query_only = OFF",
        "PRAGMA user_version = 7",
        "ATTACH 'x' AS x",
    ] {
        assert!(run(&held, statement).await.is_err(), "{statement}");
    }
    let Err(Error::Invalid(text)) = run(&held, "DROP TABLE t").await else { panic!("told") };
    assert!(text.contains("copy of a request"), "{text}");
    assert_eq!(run(&session, count).await.unwrap().rows, [[Value::Integer(9)]]);
}
