//! Providers of other crates: the one for OFREP, which flagd and many others speak.

use std::sync::Arc;

use open_feature::provider::FeatureProvider;
use open_feature_ofrep::{OfrepOptions, OfrepProvider};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::{Config, ProviderError, ProviderKind};

pub(super) async fn provider(config: &Config) -> Result<Arc<dyn FeatureProvider>, ProviderError> {
    let refused = |error: &dyn std::fmt::Display| ProviderError(error.to_string());
    Ok(match config.kind {
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
