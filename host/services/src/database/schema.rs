//! The tables of every room, as a list of steps. `user_version` counts the steps a file has taken.
//!
//! **Invariant:** a step that was released is never edited; what is new is a new step at the end.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::DatabaseError;

/// Marks a file as ours in its header: "Ostl".
const APPLICATION: i64 = 0x4f73_746c;

const STEPS: [&str; 4] = [
    include_str!("schema/1_kv.sql"),
    include_str!("schema/2_release.sql"),
    include_str!("schema/3_identity.sql"),
    include_str!("schema/4_rollout.sql"),
];

/// Brings the file at `path` to the newest schema, all or nothing.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), DatabaseError> {
    let told = |error| DatabaseError::sqlite(path, error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(told);
    let found = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if tables > 0 && number("PRAGMA application_id")? != APPLICATION {
        return Err(DatabaseError::Foreign { path: path.to_owned() });
    }
    let known = STEPS.len() as i64;
    if found > known {
        return Err(DatabaseError::Newer { path: path.to_owned(), found, known });
    }
    for step in &STEPS[found.max(0) as usize..] {
        transaction.execute_batch(step).map_err(told)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(told)?;
    transaction.pragma_update(None, "user_version", known).map_err(told)?;
    transaction.commit().map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(sql: &str) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        connection
    }

    #[test]
    fn an_older_file_takes_only_the_steps_it_lacks() {
        let mut connection = memory(STEPS[0]);
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection.pragma_update(None, "application_id", APPLICATION).unwrap();
        connection.execute("INSERT INTO kv_store (name, bytes) VALUES ('kept', 0)", []).unwrap();
        migrate(&mut connection, Path::new("x")).unwrap();
        migrate(&mut connection, Path::new("x")).unwrap();
        let kept: String = connection.query_row("SELECT name FROM kv_store", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, "kept");
        connection.query_row("SELECT count(*) FROM release", [], |_| Ok(())).unwrap();
    }

    #[test]
    fn a_newer_file_is_refused_untouched() {
        let mut connection = memory("PRAGMA user_version = 99");
        let told = migrate(&mut connection, Path::new("state/ostler.db")).unwrap_err();
        assert!(matches!(told, DatabaseError::Newer { found: 99, .. }), "{told}");
        assert!(
            told.to_string().starts_with("state/ostler.db has schema 99, this version knows 4"),
            "{told}"
        );
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let mut connection = memory("CREATE TABLE bookmarks (url TEXT)");
        let told = migrate(&mut connection, Path::new("x")).unwrap_err();
        assert!(matches!(told, DatabaseError::Foreign { .. }), "{told}");
    }
}
