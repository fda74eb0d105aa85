//! Providers of other crates: flagd's, and the one for OFREP.

use std::sync::Arc;

use open_feature::provider::FeatureProvider;
use open_feature_flagd::resolver::rest::RestResolver;
use open_feature_flagd::{FlagdOptions, ResolverType};
use open_feature_ofrep::{OfrepOptions, OfrepProvider};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::{Config, ProviderError, ProviderKind};

pub(super) async fn provider(config: &Config) -> Result<Arc<dyn FeatureProvider>, ProviderError> {
    let refused = |error: &dyn std::fmt::Display| ProviderError(error.to_string());
    Ok(match config.kind {
        ProviderKind::Flagd => {
            Arc::new(RestResolver::new(&flagd(config)).await.map_err(|error| refused(&error))?)
        }
        ProviderKind::Ofrep => {
            Arc::new(OfrepProvider::new(ofrep(config)?).await.map_err(|error| refused(&error))?)
        }
    })
}

fn ofrep(config: &Config) -> Result<OfrepOptions, ProviderError> {
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

/// Every field is given, since the crate's defaults come from the environment.
fn flagd(config: &Config) -> FlagdOptions {
    FlagdOptions {
        host: String::new(),
        port: 0,
        target_uri: Some(config.url.clone()),
        resolver_type: ResolverType::Rest,
        tls: config.url.starts_with("https://"),
        cert_path: None,
        deadline_ms: u32::try_from(config.deadline.as_millis()).unwrap_or(u32::MAX),
        cache_settings: None,
        retry_backoff_ms: 0,
        retry_backoff_max_ms: 0,
        retry_grace_period: 0,
        selector: None,
        socket_path: None,
        source_configuration: None,
        stream_deadline_ms: 0,
        keep_alive_time_ms: 0,
        offline_poll_interval_ms: None,
        provider_id: None,
    }
}
