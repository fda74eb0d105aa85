//! What the paths share.

use spin_sdk::http::{IntoResponse, Request, StatusCode};

/// A text to be told, or what went wrong.
pub type Answered = Result<String, Box<dyn std::error::Error>>;

/// A response of text.
pub fn text(status: StatusCode, told: String) -> impl IntoResponse {
    (status, told)
}

/// The value of `name` in the query, as it was sent.
pub fn query(request: &Request, name: &str) -> String {
    let pairs = request.uri().query().unwrap_or_default().split('&');
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    value.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

/// The whole body as text.
pub async fn body(request: Request) -> spin_sdk::http::Result<String> {
    use spin_sdk::http::body::IncomingBodyExt;
    let bytes = request.into_body().bytes().await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
