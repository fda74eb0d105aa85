//! A handler as Spin's own SDK makes it: by path, one of Spin's interfaces each. What goes wrong is a 502 with the text.

use spin_sdk::http::{Error, IntoResponse, Request, Result, StatusCode};
use spin_sdk::http_service;
use spin_sdk::key_value::Store;
use spin_sdk::variables;

mod answer;
mod sqlite;

use answer::{Answered, body, query, text};

#[http_service]
async fn handle(request: Request) -> Result<impl IntoResponse> {
    let path = request.uri().path().trim_start_matches("/spin").to_owned();
    let answered = match path.as_str() {
        "/headers" => headers(&request),
        "/variable" => variable(&query(&request, "name")).await,
        "/kv" => key_value(&query(&request, "store")).await,
        "/sqlite" => sqlite::all(&query(&request, "database")).await,
        "/sqlite/run" => sqlite::run(&query(&request, "database"), &body(request).await?).await,
        "/fetch" => fetch(&query(&request, "url")).await,
        _ => Ok("good".into()),
    };
    Ok(match answered {
        Ok(told) => text(StatusCode::OK, told),
        Err(error) => text(StatusCode::BAD_GATEWAY, error.to_string()),
    })
}

/// The `spin-*` fields of the request, a line each.
fn headers(request: &Request) -> Answered {
    let fields = request.headers().iter().filter(|(name, _)| name.as_str().starts_with("spin-"));
    let mut lines: Vec<_> =
        fields.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?"))).collect();
    lines.sort();
    Ok(lines.join("\n"))
}

async fn variable(name: &str) -> Answered {
    Ok(variables::get(name).await?)
}

/// Every function of the store once; what each said, a line each.
async fn key_value(name: &str) -> Answered {
    let store = Store::open(name).await?;
    let mut lines = vec![format!("absent {:?}", store.get("a").await?)];
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        store.set(key, value).await?;
    }
    let value = store.get("a").await?.map(String::from_utf8).transpose()?;
    lines.push(format!("get {value:?}"));
    lines.push(format!("exists {} {}", store.exists("a").await?, store.exists("d").await?));
    let mut keys = store.get_keys().await.collect().await?;
    keys.sort();
    lines.push(format!("keys {keys:?}"));
    for key in keys {
        store.delete(key).await?;
    }
    lines.push(format!("left {:?}", store.get_keys().await.collect().await?));
    Ok(lines.join("\n"))
}

async fn fetch(url: &str) -> Answered {
    let response = spin_sdk::http::get(url).await.map_err(Error::from)?;
    Ok(format!("{}", response.status()))
}
