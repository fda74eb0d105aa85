//! Our evaluator as a provider of the `open-feature` crate, so that code of the host may ask through its client.

use open_feature::provider::{FeatureProvider, ProviderMetadata, ResolutionDetails};
use open_feature::{EvaluationContext, EvaluationResult, OpenFeature, StructValue, async_trait};
use serde_json::Value;

use super::convert::{Theirs, details, fields};
use crate::flags::resolution::ErrorCode;
use crate::flags::{Flags, Resolution};

/// The flags of this host as a provider.
pub struct Provider {
    flags: Flags,
    metadata: ProviderMetadata,
}

/// Makes the flags of this host what the clients of the `open-feature` crate ask.
pub async fn register(flags: &Flags) {
    OpenFeature::singleton_mut().await.set_provider(Provider::new(flags.clone())).await;
}

impl Provider {
    /// A provider of `flags`.
    pub fn new(flags: Flags) -> Self {
        Provider { flags, metadata: ProviderMetadata::new("ostler") }
    }

    fn resolve<T>(
        &self,
        key: &str,
        context: &EvaluationContext,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> EvaluationResult<ResolutionDetails<T>> {
        let said = self.flags.all().resolve(key, &Theirs(context));
        let Some(value) = said.value.clone() else { return details(key, said.map(|_| None)) };
        match read(&value) {
            Some(value) => details(key, said.map(|_| Some(value))),
            None => {
                let message = format!("flag {key:?} is of another type");
                details(key, Resolution::failed(None, ErrorCode::TypeMismatch, message))
            }
        }
    }
}

#[async_trait]
impl FeatureProvider for Provider {
    fn metadata(&self) -> &ProviderMetadata {
        &self.metadata
    }

    async fn resolve_bool_value(
        &self,
        key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        self.resolve(key, context, Value::as_bool)
    }

    async fn resolve_int_value(
        &self,
        key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<i64>> {
        self.resolve(key, context, Value::as_i64)
    }

    async fn resolve_float_value(
        &self,
        key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<f64>> {
        self.resolve(key, context, Value::as_f64)
    }

    async fn resolve_string_value(
        &self,
        key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        self.resolve(key, context, |value| value.as_str().map(str::to_owned))
    }

    async fn resolve_struct_value(
        &self,
        key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        self.resolve(key, context, |value| value.is_object().then(|| fields(value)))
    }
}

#[cfg(test)]
mod tests {
    use open_feature::{EvaluationErrorCode, EvaluationReason};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_client_of_open_feature_asks_the_flags_of_this_host() {
        let flag = |variants, default, targeting| json!({"state": "ENABLED", "variants": variants, "defaultVariant": default, "targeting": targeting});
        let flags = crate::flags::tests::flags(json!({"flags": {
            "b": flag(json!({"on": true, "off": false}), json!("off"), json!({"if": [{"==": [{"var": "tier"}, "gold"]}, "on"]})),
            "n": flag(json!({"a": 7}), json!("a"), json!({})),
            "s": flag(json!({"a": "x"}), json!("a"), json!({})),
            "o": flag(json!({"a": {"k": [1, null], "z": {"y": true}}}), json!("a"), json!({})),
            "d": flag(json!({"a": true}), json!(null), json!({})),
        }}));
        register(&flags).await;
        let client = OpenFeature::singleton().await.create_client();
        let gold = EvaluationContext::default().with_targeting_key("u").with_custom_field("tier", "gold");
        let said = client.get_bool_details("b", Some(&gold), None).await.unwrap();
        assert_eq!((said.value, said.variant.as_deref()), (true, Some("on")));
        assert_eq!(said.reason, Some(EvaluationReason::TargetingMatch));
        assert!(!client.get_bool_value("b", None, None).await.unwrap());
        assert_eq!(client.get_int_value("n", None, None).await.unwrap(), 7);
        assert_eq!(client.get_float_value("n", None, None).await.unwrap(), 7.0);
        assert_eq!(client.get_string_value("s", None, None).await.unwrap(), "x");
        let object = client.get_struct_details::<StructValue>("o", None, None).await.unwrap().value;
        assert_eq!(super::super::convert::object(&object), json!({"k": [1], "z": {"y": true}}));
        let code = |key: &'static str| client.get_bool_value(key, None, None);
        assert_eq!(code("s").await.unwrap_err().code, EvaluationErrorCode::TypeMismatch);
        assert_eq!(code("none").await.unwrap_err().code, EvaluationErrorCode::FlagNotFound);
        assert_eq!(code("d").await.unwrap_err().code, EvaluationErrorCode::FlagNotFound);
    }
}
