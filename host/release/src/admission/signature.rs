//! Signatures in minisign's format: ed25519 over the BLAKE2b-512 digest of a component, and over a comment that says for how long
//! and for which plugin it is meant.
//!
//! **Invariant:** a signature counts only for the very bytes it was made of, by a key that is trusted, not revoked and not expired
//! now; when it was made is the signer's word, so it helps no old key.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minisign::{PublicKey, SignatureBox};
use ostler_core::Digest;

use super::{Config, Key, Verdict, date, told};

/// Characters of a comment that are told.
const TOLD_MAX: usize = 200;

/// Bytes of an ed25519 signature.
const SIGNATURE_BYTES: usize = 64;

/// What a signature is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Name of the plugin that the release is for.
    pub plugin: &'a str,
    /// The component.
    pub component: &'a [u8],
    /// Names of the keys that may sign it; absent means all.
    pub signers: Option<&'a [String]>,
    /// Seconds since 1970.
    pub now: i64,
}

/// What a signer says beside the signature; part of what is signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comment {
    /// Seconds since 1970 after which the signature is not meant to count.
    pub expires: Option<i64>,
    /// The only plugin that it is meant for.
    pub plugin: Option<String>,
    /// Digest of the component.
    pub digest: Option<Digest>,
}

/// Whether `signature` (the text of a `.minisig` file) lets the component in.
pub fn judge(config: &Config, signature: &[u8], question: Question<'_>) -> Verdict {
    found(config, signature, question).map_err(|reason| vec![reason])
}

fn found(config: &Config, signature: &[u8], question: Question<'_>) -> Result<String, String> {
    let text =
        std::str::from_utf8(signature).map_err(|_| "the signature is not in minisign's format: no text")?;
    check_last_line(text)?;
    let signature = SignatureBox::from_string(text)
        .map_err(|error| format!("the signature is not in minisign's format: {error}"))?;
    if !signature.is_prehashed() {
        return Err(
            "the signature is of minisign's old kind; sign with `ostler keys sign` or `minisign -H`".into()
        );
    }
    let (name, key) = signer(config, &signature, question.signers)?;
    if key.revoked {
        return Err(format!("key {name:?}, which signed it, is revoked; sign it with another key"));
    }
    if let Some(expires) = key.expires.filter(|expires| *expires <= question.now) {
        return Err(format!("key {name:?}, which signed it, expired on {}", date::day(expires)));
    }
    let public = PublicKey::from_base64(&key.key).map_err(|error| format!("key {name:?}: {error}"))?;
    minisign::verify(&public, &signature, Cursor::new(question.component), true, false, false).map_err(|_| {
        format!("the signature by key {name:?} does not fit this component; sign the very file that you deploy")
    })?;
    let comment = signature.trusted_comment().map_err(|error| error.to_string())?;
    Comment::parse(&comment)?.check(question)?;
    Ok(format!("signed with key {name:?} ({})", told(&comment, TOLD_MAX)))
}

/// The crate takes the signature of the comment at any length, and counts on 64 bytes later on.
fn check_last_line(text: &str) -> Result<(), String> {
    let bytes = text.lines().nth(3).and_then(|line| STANDARD.decode(line.trim()).ok());
    match bytes.is_some_and(|bytes| bytes.len() == SIGNATURE_BYTES) {
        true => Ok(()),
        false => Err("the signature is not in minisign's format: its fourth line signs no comment".into()),
    }
}

/// The trusted key that a signature names.
fn signer<'a>(
    config: &'a Config,
    signature: &SignatureBox,
    signers: Option<&[String]>,
) -> Result<(&'a str, &'a Key), String> {
    let fits =
        |key: &Key| PublicKey::from_base64(&key.key).is_ok_and(|key| key.keynum() == signature.keynum());
    let (name, key) = config.keys.iter().find(|(_, key)| fits(key)).ok_or_else(|| {
        format!("key {} signed it, which is none of [admission.keys]", id(signature.keynum()))
    })?;
    if signers.is_some_and(|signers| !signers.contains(name)) {
        return Err(format!("key {name:?} signed it, which is none of this plugin's signers"));
    }
    Ok((name, key))
}

impl Comment {
    /// Reads a trusted comment: words such as `expires:1800000000`; those it does not know are the signer's own.
    ///
    /// # Errors
    /// If a word that counts cannot be understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut comment = Comment::default();
        for word in text.split_whitespace() {
            let wrong = || {
                let word = told(word, TOLD_MAX);
                format!("the signature's comment holds {word:?}, which cannot be understood")
            };
            match word.split_once(':') {
                Some(("expires", value)) => {
                    let until = value.parse().ok().or_else(|| date::parse(value)).ok_or_else(wrong)?;
                    // Whoever says it twice means the narrower.
                    comment.expires = Some(comment.expires.map_or(until, |other: i64| other.min(until)));
                }
                Some(("plugin", name)) => match &comment.plugin {
                    Some(other) if other != name => return Err(wrong()),
                    _ => comment.plugin = Some(name.to_owned()),
                },
                Some(("sha256", hex)) => {
                    let digest = hex.parse().map_err(|_| wrong())?;
                    match comment.digest {
                        Some(other) if other != digest => return Err(wrong()),
                        _ => comment.digest = Some(digest),
                    }
                }
                _ => {}
            }
        }
        Ok(comment)
    }

    fn check(&self, question: Question<'_>) -> Result<(), String> {
        if let Some(until) = self.expires.filter(|until| *until <= question.now) {
            return Err(format!("the signature expired on {}; sign the component anew", date::day(until)));
        }
        if let Some(plugin) = self.plugin.as_deref().filter(|plugin| *plugin != question.plugin) {
            return Err(format!(
                "it was signed for plugin {:?}, not for {:?}",
                told(plugin, TOLD_MAX),
                question.plugin
            ));
        }
        match self.digest.filter(|digest| *digest != Digest::of(question.component)) {
            Some(digest) => {
                Err(format!("the signature names the digest {digest}, which is another component's"))
            }
            None => Ok(()),
        }
    }
}

/// A key's number as minisign prints it.
fn id(number: &[u8]) -> String {
    number.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use minisign::KeyPair;

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const COMPONENT: &[u8] = b"component";

    fn pair() -> KeyPair {
        KeyPair::generate_unencrypted_keypair().unwrap()
    }

    fn trusting(pair: &KeyPair, expires: Option<i64>, revoked: bool) -> Config {
        let key = Key { key: pair.pk.to_base64(), expires, revoked };
        Config { keys: [("ci".to_owned(), key)].into(), ..Config::default() }
    }

    fn sign(pair: &KeyPair, bytes: &[u8], comment: &str) -> String {
        minisign::sign(None, &pair.sk, bytes, Some(comment), None).unwrap().into_string()
    }

    fn ask(config: &Config, signature: &str) -> Result<String, String> {
        let question = Question { plugin: "hello", component: COMPONENT, signers: None, now: NOW };
        judge(config, signature.as_bytes(), question).map_err(|reasons| reasons.join("|"))
    }

    #[test]
    fn a_trusted_keys_signature_lets_the_component_in() {
        let pair = pair();
        let digest = Digest::of(COMPONENT).hex();
        let comment =
            format!("timestamp:1\tfile:a.wasm\tplugin:hello expires:{} sha256:{digest} hashed", NOW + 1);
        let told = ask(&trusting(&pair, Some(NOW + 1), false), &sign(&pair, COMPONENT, &comment)).unwrap();
        assert!(told.starts_with("signed with key \"ci\" (timestamp:1 file:a.wasm"), "{told}");
    }

    #[test]
    fn whatever_is_wrong_with_a_signature_is_told_and_refused() {
        let (mine, other) = (pair(), pair());
        let config = trusting(&mine, None, false);
        let good = sign(&mine, COMPONENT, "x");
        let mut lines: Vec<_> = good.lines().map(str::to_owned).collect();
        lines[2] = "trusted comment: x expires:9999999999".into();
        let forged_comment = lines.join("\n");
        let cut = good.lines().take(2).collect::<Vec<_>>().join("\n");
        for (signature, reason) in [
            (String::new(), "not in minisign's format"),
            ("untrusted comment: a\nRWQ\ntrusted comment: b\nc".into(), "not in minisign's format"),
            (cut, "not in minisign's format"),
            (sign(&mine, b"another", "x"), "does not fit this component"),
            (sign(&other, COMPONENT, "x"), "none of [admission.keys]"),
            (forged_comment, "does not fit this component"),
            (sign(&mine, COMPONENT, &format!("expires:{NOW}")), "the signature expired on 2027-01-15"),
            (sign(&mine, COMPONENT, "expires:2020-01-01"), "the signature expired on 2020-01-01"),
            (sign(&mine, COMPONENT, "expires:9999999999 expires:1"), "the signature expired on 1970-01-01"),
            (sign(&mine, COMPONENT, "expires:later"), "cannot be understood"),
            (sign(&mine, COMPONENT, "plugin:other"), "signed for plugin \"other\""),
            (sign(&mine, COMPONENT, "plugin:hello plugin:other"), "cannot be understood"),
            (sign(&mine, COMPONENT, &format!("sha256:{}", Digest::of(b"x").hex())), "another component's"),
            (
                sign(
                    &mine,
                    COMPONENT,
                    &format!("sha256:{} sha256:{}", Digest::of(b"x").hex(), Digest::of(COMPONENT).hex()),
                ),
                "cannot be understood",
            ),
        ] {
            let told = ask(&config, &signature).unwrap_err();
            assert!(told.contains(reason), "{reason}: {told}");
        }
    }

    #[test]
    fn a_signature_whose_last_line_is_cut_at_any_length_is_refused() {
        let pair = pair();
        let config = trusting(&pair, None, false);
        let good = sign(&pair, COMPONENT, "x");
        let start = good.trim_end().rfind('\n').unwrap() + 1;
        for end in start..good.trim_end().len() {
            let told = ask(&config, &good[..end]).unwrap_err();
            assert!(told.contains("not in minisign's format"), "{end}: {told}");
        }
        let global = STANDARD.decode(good[start..].trim()).unwrap();
        for length in (0..SIGNATURE_BYTES).chain([SIGNATURE_BYTES + 1, 1_000]) {
            let bytes: Vec<_> = global.iter().copied().cycle().take(length).collect();
            let told = ask(&config, &format!("{}{}\n", &good[..start], STANDARD.encode(bytes))).unwrap_err();
            assert!(told.contains("not in minisign's format"), "{length}: {told}");
        }
        ask(&config, &good).unwrap();
    }

    #[test]
    fn keys_end_by_their_day_by_revocation_and_by_not_being_named() {
        let pair = pair();
        let good = sign(&pair, COMPONENT, "x");
        let told = ask(&trusting(&pair, Some(NOW), false), &good).unwrap_err();
        assert!(told.contains("expired on 2027-01-15"), "{told}");
        let told = ask(&trusting(&pair, None, true), &good).unwrap_err();
        assert!(told.contains("is revoked"), "{told}");
        let question = Question { plugin: "hello", component: COMPONENT, signers: Some(&[]), now: NOW };
        let told = judge(&trusting(&pair, None, false), good.as_bytes(), question).unwrap_err();
        assert!(told[0].contains("none of this plugin's signers"), "{told:?}");
    }

    #[test]
    fn the_old_kind_of_signature_is_refused() {
        // The example of minisign's own documentation, in its old form "Ed".
        let old = "untrusted comment: signature from minisign secret key\n\
                   RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n\
                   trusted comment: timestamp:1555779966\tfile:test\n\
                   QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==";
        let told = ask(&Config::default(), old).unwrap_err();
        assert!(told.contains("old kind"), "{told}");
    }
}
