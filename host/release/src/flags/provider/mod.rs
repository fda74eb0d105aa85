//! OpenFeature's side: our evaluator as a provider of the `open-feature` crate, and another provider in place of ours.

mod config;
mod convert;
mod other;
mod ours;
#[cfg(feature = "flags-provider")]
mod remote;
#[cfg(test)]
mod tests;

pub use config::{Config, ProviderKind};
pub use other::{Kind, Other};
pub use ours::{Provider, register};

/// Why another provider cannot be used. The text holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("cannot use [flags] provider: {0}")]
pub struct ProviderError(String);

/// The provider that `config` names.
///
/// # Errors
/// If it is not part of this build, or the URL is none.
pub async fn connect(config: &Config) -> Result<Other, ProviderError> {
    #[cfg(feature = "flags-provider")]
    return Ok(Other::new(remote::provider(config).await?, config.deadline));
    #[cfg(not(feature = "flags-provider"))]
    {
        let _ = config;
        Err(ProviderError("this build has none; build it with the feature flags-provider".into()))
    }
}
