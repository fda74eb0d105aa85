//! Spin's SQLite, by the real `spin-sdk` crate: what it does, what it refuses, and what survives.

use std::time::Instant;

use ::http::Method;
use harness::{BOUNDED, Host, Reply};

use super::{good, refused};

async fn run(host: &Host, statement: &str) -> Reply {
    host.client.send(Method::POST, "/sqlite/run?database=default", statement.to_owned()).await
}

#[tokio::test]
async fn every_function_of_spins_sqlite_does_what_it_says() {
    let host = Host::of("spin", "grant = { sqlite = [\"default\"] }");
    for _ in 0..2 {
        let told = good(&host, "/sqlite?database=default").await;
        assert_eq!(
            told.lines().collect::<Vec<_>>(),
            [
                "rowid 1 changes 1",
                "columns [\"i\", \"r\", \"s\", \"b\", \"n\"]",
                "integer 7, real 0.5, text text, blob [1, 2], null",
                "many 5000",
            ]
        );
    }
}

#[tokio::test]
async fn a_database_that_was_not_granted_does_not_open() {
    let host = Host::of("spin", "grant = { sqlite = [\"default\"] }");
    for name in ["other", "../ostler", ""] {
        let text = refused(&host, &format!("/sqlite?database={name}")).await;
        assert!(text.contains("not granted") && text.contains("grant = { sqlite ="), "{text}");
    }
}

#[tokio::test]
async fn no_statement_leaves_its_database() {
    let host = Host::of("spin", "grant = { sqlite = [\"default\"] }");
    for statement in [
        "ATTACH '../ostler.db' AS o",
        "ATTACH 'state/ostler.db' AS o",
        "VACUUM INTO 'copy.db'",
        "SELECT load_extension('x')",
        "PRAGMA journal_mode = OFF",
        "CREATE VIRTUAL TABLE v USING fts5(a)",
        "SELECT 1; ATTACH 'x' AS o",
    ] {
        let reply = run(&host, statement).await;
        assert_eq!(reply.status, 502, "{statement}: {}", reply.text());
    }
    assert_eq!(run(&host, "SELECT 1").await.text(), "integer 1");
}

#[tokio::test]
async fn a_statement_without_end_is_ended_by_the_deadline_and_harms_nobody() {
    let host = Host::of("spin", "deadline = \"500ms\"\ngrant = { sqlite = [\"default\"] }");
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n";
    let start = Instant::now();
    let reply = run(&host, endless).await;
    assert!([502, 504].contains(&reply.status.as_u16()), "{} {}", reply.status, reply.text());
    assert!(start.elapsed() < BOUNDED, "{:?}", start.elapsed());
    assert_eq!(run(&host, "SELECT 1").await.text(), "integer 1");
}

#[tokio::test]
async fn an_acknowledged_row_survives_and_an_open_transaction_does_not() {
    let host = Host::of("spin", "grant = { sqlite = [\"default\"] }");
    assert_eq!(run(&host, "CREATE TABLE t (a)").await.status, 200);
    assert_eq!(run(&host, "INSERT INTO t VALUES (1)").await.status, 200);
    // The connection goes with the request, and what it began with it.
    assert_eq!(run(&host, "BEGIN IMMEDIATE").await.status, 200);
    assert_eq!(run(&host, "INSERT INTO t VALUES (2)").await.status, 200);
    let host = host.kill_and_restart();
    assert_eq!(run(&host, "SELECT a FROM t").await.text(), "integer 1\ninteger 2");
}
