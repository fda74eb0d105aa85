//! `fermyon:spin/sqlite@2.0.0` and `spin:sqlite@3.1.0`: the databases of `grant.sqlite`, under Spin's names.

use std::sync::Arc;

use ostler_services::Sql;
use ostler_services::sql::{self, Session};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use crate::bindings::spin_sqlite as v3;
use crate::bindings::spin2_sqlite as v2;
use crate::guest::{Env, Guest};

/// An open database; it was granted when it was opened.
#[allow(unreachable_pub, reason = "the generated bindings export it")]
pub struct Connection {
    session: Arc<Session>,
}

impl Connection {
    /// Whether it holds back other connections.
    pub(crate) fn in_transaction(&self) -> bool {
        self.session.in_transaction()
    }
}

/// What went wrong, for either of the two interfaces.
enum Failed {
    Full,
    Told(String),
}

type Answer<T, E> = wasmtime::Result<Result<T, E>>;
type Rows = (Vec<String>, StreamReader<v3::RowResult>, FutureReader<Result<(), v3::Error>>);

impl v2::Host for Guest {}

impl v2::HostConnection for Guest {
    async fn open(&mut self, database: String) -> Answer<Resource<Connection>, v2::Error> {
        match open(&self.env, &self.state.sql, &database).await {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(failed) => Ok(Err(failed.into())),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<v2::Value>,
    ) -> Answer<v2::QueryResult, v2::Error> {
        let session = self.table.get(&connection)?.session.clone();
        let parameters = parameters.into_iter().map(Into::into).collect();
        let answer = session.execute(statement, parameters, self.deadline()).await;
        Ok(answer.map(Into::into).map_err(|error| Failed::from(error).into()))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl v3::Host for Guest {}

impl v3::HostConnection for Guest {
    async fn open(&mut self, database: String) -> Answer<Resource<Connection>, v3::Error> {
        match open(&self.env, &self.state.sql, &database).await {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(failed) => Ok(Err(failed.into())),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<v3::Value>,
    ) -> Answer<v3::QueryResult, v3::Error> {
        let session = self.table.get(&connection)?.session.clone();
        let parameters = parameters.into_iter().map(Into::into).collect();
        let answer = session.execute(statement, parameters, self.deadline()).await;
        let answer =
            answer.map(|answer| v3::QueryResult { columns: answer.columns, rows: rows(answer.rows) });
        Ok(answer.map_err(|error| Failed::from(error).into()))
    }

    fn last_insert_rowid(&mut self, connection: Resource<Connection>) -> wasmtime::Result<i64> {
        Ok(self.table.get(&connection)?.session.last_insert_rowid())
    }

    fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&connection)?.session.changes())
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl<T: Send> v3::HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> Answer<Resource<Connection>, v3::Error> {
        let (env, sql) = accessor.with(|mut access| {
            let guest = access.get();
            (guest.env.clone(), guest.state.sql.clone())
        });
        match open(&env, &sql, &database).await {
            Ok(connection) => accessor.with(|mut access| Ok(Ok(access.get().table.push(connection)?))),
            Err(failed) => Ok(Err(failed.into())),
        }
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<v3::Value>,
    ) -> Answer<Rows, v3::Error> {
        let (session, deadline) = accessor.with(|mut access| {
            let guest = access.get();
            guest.table.get(&connection).map(|it| (it.session.clone(), guest.deadline()))
        })?;
        let parameters = parameters.into_iter().map(Into::into).collect();
        let answer = match session.execute(statement, parameters, deadline).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(Failed::from(error).into())),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, rows(answer.rows))?;
            let ended = FutureReader::new(&mut access, async { wasmtime::error::Ok(Ok(())) })?;
            Ok(Ok((answer.columns, rows, ended)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        accessor.with(|mut access| Ok(access.get().table.get(&connection)?.session.last_insert_rowid()))
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<u64> {
        accessor.with(|mut access| Ok(access.get().table.get(&connection)?.session.changes()))
    }
}

async fn open(env: &Env, sql: &Sql, database: &str) -> Result<Connection, Failed> {
    if !env.spec.grant.sqlite.iter().any(|granted| granted == database) {
        let shown: String = database.chars().take(64).collect();
        // `access-denied` has no room for the repair, `io` has.
        return Err(Failed::Told(format!(
            "database {shown:?} is not granted: add it to grant = {{ sqlite = [{shown:?}] }} of plugin {}",
            env.plugin
        )));
    }
    Ok(Connection { session: Arc::new(sql.open(database).await?) })
}

fn rows(rows: Vec<Vec<sql::Value>>) -> Vec<v3::RowResult> {
    let row =
        |values: Vec<sql::Value>| v3::RowResult { values: values.into_iter().map(Into::into).collect() };
    rows.into_iter().map(row).collect()
}

impl From<sql::Error> for Failed {
    fn from(error: sql::Error) -> Self {
        match &error {
            sql::Error::Full => return Failed::Full,
            sql::Error::Unavailable(cause) => tracing::error!(cause, "a plugin's database failed"),
            _ => {}
        }
        Failed::Told(error.to_string())
    }
}

impl From<sql::Answer> for v2::QueryResult {
    fn from(answer: sql::Answer) -> Self {
        let row =
            |values: Vec<sql::Value>| v2::RowResult { values: values.into_iter().map(Into::into).collect() };
        v2::QueryResult { columns: answer.columns, rows: answer.rows.into_iter().map(row).collect() }
    }
}

/// The types of the two versions are the same in all but their name.
macro_rules! convert {
    ($version:ident) => {
        impl From<Failed> for $version::Error {
            fn from(failed: Failed) -> Self {
                match failed {
                    Failed::Full => $version::Error::DatabaseFull,
                    Failed::Told(text) => $version::Error::Io(text),
                }
            }
        }

        impl From<$version::Value> for sql::Value {
            fn from(value: $version::Value) -> Self {
                match value {
                    $version::Value::Integer(number) => sql::Value::Integer(number),
                    $version::Value::Real(number) => sql::Value::Real(number),
                    $version::Value::Text(text) => sql::Value::Text(text),
                    $version::Value::Blob(bytes) => sql::Value::Blob(bytes),
                    $version::Value::Null => sql::Value::Null,
                }
            }
        }

        impl From<sql::Value> for $version::Value {
            fn from(value: sql::Value) -> Self {
                match value {
                    sql::Value::Integer(number) => $version::Value::Integer(number),
                    sql::Value::Real(number) => $version::Value::Real(number),
                    sql::Value::Text(text) => $version::Value::Text(text),
                    sql::Value::Blob(bytes) => $version::Value::Blob(bytes),
                    sql::Value::Null => $version::Value::Null,
                }
            }
        }
    };
}

convert!(v2);
convert!(v3);
