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
