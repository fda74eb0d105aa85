//! A handler as Spin's SDK of version 5 makes it, for `spin:sqlite@3.0.0`. What goes wrong is a 502 with the text.

use std::error::Error;

use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;
use spin_sdk::sqlite3::{Connection, Value};

#[http_component]
fn handle(request: Request) -> impl IntoResponse {
    let name = request.query().split_once('=').map(|(_, name)| name).unwrap_or_default();
    match sqlite(name) {
        Ok(text) => Response::new(200, text),
        Err(error) => Response::new(502, error.to_string()),
    }
}

fn sqlite(name: &str) -> Result<String, Box<dyn Error>> {
    let connection = Connection::open(name)?;
    connection.execute("DROP TABLE IF EXISTS three", &[])?;
    connection.execute("CREATE TABLE three (a, b)", &[])?;
    connection
        .execute("INSERT INTO three VALUES (?, ?)", &[Value::Integer(7), Value::Text("seven".into())])?;
    let told = format!("rowid {} changes {}", connection.last_insert_rowid(), connection.changes());
    let found = connection.execute("SELECT * FROM three", &[])?;
    let row = found.rows().next().ok_or("no row")?;
    Ok(format!("{told} {:?} {:?} {:?}", found.columns, row.get::<i64>("a"), row.get::<&str>("b")))
}
