//! SQLite by Spin's names.

use spin_sdk::sqlite::{Connection, RowResult, Value};

use crate::answer::Answered;

/// Every function once; what each said, a line each.
pub async fn all(database: &str) -> Answered {
    let connection = Connection::open(database).await?;
    for statement in ["DROP TABLE IF EXISTS t", "CREATE TABLE t (i, r, s, b, n)"] {
        connection.execute(statement, []).await?.result().await?;
    }
    let values = [Value::Integer(7), Value::Real(0.5), "text".into(), Value::blob([1, 2]), Value::Null];
    connection.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", values).await?.result().await?;
    let mut lines = vec![format!(
        "rowid {} changes {}",
        connection.last_insert_rowid().await,
        connection.changes().await
    )];
    let mut found = connection.execute("SELECT * FROM t WHERE i = ?", [Value::Integer(7)]).await?;
    lines.push(format!("columns {:?}", found.columns()));
    while let Some(row) = found.next().await {
        lines.push(tell(&row));
    }
    found.result().await?;
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT i FROM n";
    lines.push(format!("many {}", connection.execute(many, []).await?.collect().await?.len()));
    Ok(lines.join("\n"))
}

/// One statement, and its rows, a line each.
pub async fn run(database: &str, statement: &str) -> Answered {
    let connection = Connection::open(database).await?;
    let rows = connection.execute(statement, []).await?.collect().await?;
    Ok(rows.iter().map(tell).collect::<Vec<_>>().join("\n"))
}

fn tell(row: &RowResult) -> String {
    let value = |value: &Value| match value {
        Value::Integer(number) => format!("integer {number}"),
        Value::Real(number) => format!("real {number}"),
        Value::Text(text) => format!("text {text}"),
        Value::Blob(bytes) => format!("blob {bytes:?}"),
        Value::Null => "null".into(),
    };
    row.values.iter().map(value).collect::<Vec<_>>().join(", ")
}
