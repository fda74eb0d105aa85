//! Somebody else who may say no: what is asked, how it is signed, and what counts as a yes.
//!
//! **Invariant:** only a yes is a yes: 204, or 2xx with `{"allow": true}`. Everything else, and nothing at all, is a no.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{Finding, told};

/// Most bytes of an answer.
pub const ANSWER_MAX: usize = 64 << 10;

/// Characters of a reason that are kept.
const REASON_MAX: usize = 500;

/// What is asked.
#[derive(Debug, Serialize)]
pub struct Question<'a> {
    /// Name of the plugin.
    pub plugin: &'a str,
    /// Digest of the component, as `sha256:...`.
    pub digest: String,
    /// Its size in bytes.
    pub size: usize,
    /// How it will be called.
    pub handler: &'a str,
    /// Digest of the live release, if there is one.
    pub live: Option<String>,
    /// Who deploys.
    pub who: &'a str,
    /// What the gates before said.
    pub findings: &'a [Finding],
}

/// What questions are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

#[derive(Deserialize)]
struct Answer {
    allow: bool,
    #[serde(default)]
    reason: Option<String>,
}

/// Whether an answer is a yes; otherwise why not.
///
/// # Errors
/// The reason to refuse.
pub fn judge(status: StatusCode, body: &[u8]) -> Result<(), String> {
    if status == StatusCode::NO_CONTENT {
        return Ok(());
    }
    let answer = serde_json::from_slice::<Answer>(body);
    let said = answer.as_ref().ok().and_then(|answer| answer.reason.as_deref());
    let said = said.map(|said| told(said, REASON_MAX));
    let reason = said.map(|said| format!(": {said}")).unwrap_or_default();
    if !status.is_success() {
        return Err(format!("it answered {}{reason}", status.as_u16()));
    }
    match answer {
        Ok(Answer { allow: true, .. }) => Ok(()),
        Ok(_) => Err(format!("it said no{reason}")),
        Err(_) => {
            Err("its answer is not {\"allow\": true} or {\"allow\": false, \"reason\": \"...\"}".into())
        }
    }
}

impl Secret {
    /// Of `whsec_` and base64, or of any other text; nothing if there is nothing to sign with in it.
    pub fn parse(text: &str) -> Option<Self> {
        let key = match text.strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).ok()?,
            None => text.as_bytes().to_vec(),
        };
        (!key.is_empty()).then_some(Secret(key))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Signs a question as Standard Webhooks say (<https://www.standardwebhooks.com>): the value of `webhook-signature` for these
/// values of `webhook-id` and `webhook-timestamp`.
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &Bytes) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secret.0) else { return String::new() };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        let ask = |status: u16, body: &str| judge(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        ask(204, "").unwrap();
        ask(200, r#"{"allow": true, "more": 1}"#).unwrap();
        for (status, body, reason) in [
            (200, "", "its answer is not"),
            (200, "true", "its answer is not"),
            (200, r#"{"allow": "true"}"#, "its answer is not"),
            (200, r#"{"allow": false}"#, "it said no"),
            (200, "{\"allow\": false, \"reason\": \"freeze\\nweek\"}", "it said no: freeze week"),
            (403, r#"{"allow": true}"#, "it answered 403"),
            (302, "", "it answered 302"),
            (500, r#"{"allow": false, "reason": "broken"}"#, "it answered 500: broken"),
        ] {
            let told = ask(status, body).unwrap_err();
            assert!(told.starts_with(reason), "{reason}: {told}");
        }
        let long = format!(r#"{{"allow": false, "reason": "{}"}}"#, "x".repeat(10_000));
        assert!(ask(200, &long).unwrap_err().len() < 600);
    }

    #[test]
    fn nothing_is_signed_with_what_is_no_secret() {
        for text in ["", "whsec_", "whsec_%%%", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"] {
            assert_eq!(Secret::parse(text), None, "{text}");
        }
        assert_eq!(format!("{:?}", Secret::parse("hunter2")), "Some((secret))");
    }

    #[test]
    fn a_question_is_signed_as_standard_webhooks_say() {
        // The example of the specification's libraries.
        let (secret, body) =
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Bytes::from_static(b"{\"test\": 2432232314}"));
        let secret = Secret::parse(secret).unwrap();
        let signed = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, &body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
