//! A handler as Spin's SDK of version 5 makes it: `fermyon:spin@2.0.0` over WASI 0.2. What goes wrong is a 502 with the text.

use std::error::Error;

use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{Connection, Value};
use spin_sdk::{http_component, variables};

#[http_component]
fn handle(request: Request) -> impl IntoResponse {
    let value = request.query().split_once('=').map(|(_, value)| value).unwrap_or_default();
    let answered = match request.path() {
        "/headers" => {
            Ok(request.header("spin-path-info").and_then(|info| info.as_str()).unwrap_or("none").into())
        }
        "/variable" => variables::get(value).map_err(Into::into),
        "/kv" => key_value(value),
        "/sqlite" => sqlite(value),
        _ => Ok("good".into()),
    };
    match answered {
        Ok(text) => Response::new(200, text),
        Err(error) => Response::new(502, error.to_string()),
    }
}

fn key_value(name: &str) -> Result<String, Box<dyn Error>> {
    let store = Store::open(name)?;
    let mut lines = vec![format!("absent {:?}", store.get("a")?)];
    store.set("a", b"1")?;
    lines.push(format!("get {:?} {}", store.get("a")?, store.exists("a")?));
    lines.push(format!("keys {:?}", store.get_keys()?));
    store.delete("a")?;
    lines.push(format!("left {:?}", store.get_keys()?));
    Ok(lines.join("\n"))
}

fn sqlite(name: &str) -> Result<String, Box<dyn Error>> {
    let connection = Connection::open(name)?;
    connection.execute("DROP TABLE IF EXISTS five", &[])?;
    connection.execute("CREATE TABLE five (a, b)", &[])?;
    connection
        .execute("INSERT INTO five VALUES (?, ?)", &[Value::Integer(7), Value::Text("seven".into())])?;
    let found = connection.execute("SELECT * FROM five", &[])?;
    let row = found.rows().next().ok_or("no row")?;
    Ok(format!("{:?} {:?} {:?}", found.columns, row.get::<i64>("a"), row.get::<&str>("b")))
}
