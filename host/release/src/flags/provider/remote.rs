//! Another provider: the one for OFREP of the `open-feature-ofrep` crate, which flagd answers as well.
//!
//! flagd's own crate (`open-feature-flagd` 0.3) wraps this very provider for REST, and does not compile with that feature alone; its
//! others need `protoc`.

use std::sync::Arc;

use open_feature::provider::FeatureProvider;
use open_feature_ofrep::{OfrepOptions, OfrepProvider};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::{Config, ProviderError};

pub(super) async fn provider(config: &Config) -> Result<Arc<dyn FeatureProvider>, ProviderError> {
    let provider = OfrepProvider::new(options(config)?).await;
    Ok(Arc::new(provider.map_err(|error| ProviderError(error.to_string()))?))
}

fn options(config: &Config) -> Result<OfrepOptions, ProviderError> {
    let mut headers = HeaderMap::new();
    if let Some(token) = &config.token {
        let bearer = HeaderValue::try_from(format!("Bearer {token}"));
        let mut bearer = bearer.map_err(|_| ProviderError("token is no text for a header".into()))?;
        // Kept out of what the crate logs of its options.
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(OfrepOptions {
        base_url: config.url.clone(),
        headers,
        connect_timeout: config.deadline,
        cert_path: None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::other::is_answer;
    use super::super::{ProviderKind, convert};
    use super::*;

    /// Whether what a server replies counts as its answer about a flag.
    async fn counts(status: &str, body: &str) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let length = body.len();
        let reply =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4_096]).await.unwrap() > 0);
            stream.write_all(reply.as_bytes()).await.unwrap();
        });
        let deadline = Duration::from_secs(5);
        let config = Config { kind: ProviderKind::Flagd, url, token: None, deadline };
        let said = provider(&config).await.unwrap().resolve_bool_value("f", &Default::default()).await;
        served.await.unwrap();
        is_answer(&convert::resolution(said.map(|_| unreachable!("none has a value"))))
    }

    #[tokio::test]
    async fn a_flag_without_a_value_is_told_apart_from_a_server_that_is_broken() {
        assert!(counts("200 OK", r#"{"key": "f", "reason": "DISABLED", "metadata": {}}"#).await);
        assert!(counts("404 Not Found", r#"{"key": "f", "errorCode": "FLAG_NOT_FOUND"}"#).await);
        assert!(!counts("503 Service Unavailable", "<html>").await);
        assert!(!counts("400 Bad Request", "<html>").await);
        assert!(!counts("401 Unauthorized", "{}").await);
    }
}
