//! What a signed token says, and in which form it comes.

use serde_json::{Value, json};

use super::super::testing::*;
use super::{OURS, R, Row, raw, replace_part};

/// Signed by the issuer, and yet not good (any more, or here).
pub(super) fn contents(rows: &mut Vec<Row>) {
    let mut row = |more: Value, reason| rows.push((more.to_string(), OURS.token(more), reason));
    row(json!({"exp": NOW - 61}), R::Expired);
    row(json!({"exp": NOW - 60}), R::Expired);
    row(json!({"exp": 0}), R::Expired);
    row(json!({"exp": null}), R::Claims);
    for exp in [
        json!("9999999999"),
        json!([NOW + 600]),
        json!({}),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(253_402_300_800i64),
    ] {
        row(json!({"exp": exp}), R::Claims);
    }
    row(json!({"nbf": NOW + 61}), R::NotYet);
    row(json!({"nbf": NOW + 61, "exp": NOW + 10}), R::NotYet);
    row(json!({"nbf": "now"}), R::Claims);
    row(json!({"iat": NOW + 61}), R::NotYet);
    row(json!({"iat": NOW * 1000}), R::Claims);
    for iss in [
        json!(null),
        json!(""),
        json!("https://evil.test"),
        json!("https://issuer.test/"),
        json!("HTTPS://issuer.test"),
        json!("https://issuer.test.evil.test"),
        json!("https://\u{456}ssuer.test"),
        json!("https://issuer.test\u{200b}"),
        json!(["https://issuer.test"]),
        json!({"a": 1}),
        json!(1),
        json!("http://issuer.test"),
        json!(" https://issuer.test"),
    ] {
        row(json!({"iss": iss}), R::Issuer);
    }
    for aud in [
        json!([]),
        json!(["x"]),
        json!("x"),
        json!("API"),
        json!("api "),
        json!("api,other"),
        json!("\u{430}pi"),
        json!(""),
        json!("*"),
        json!("any"),
    ] {
        row(json!({"aud": aud}), R::Audience);
    }
    for aud in [json!(null), json!({"api": true}), json!(["api", 7]), json!([["api"]]), json!(1), json!(true)]
    {
        row(json!({"aud": aud}), R::Claims);
    }
    for sub in [json!(null), json!(""), json!(7), json!(["anna"]), json!("a\nb"), json!("a".repeat(600))] {
        row(json!({"sub": sub}), R::Claims);
    }
    row(json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}), R::Binding);
    row(json!({"cnf": {"x5t#S256": "AAAA"}}), R::Binding);
    row(json!({"cnf": {}}), R::Binding);
    row(json!({"cnf": "x"}), R::Claims);
    let mut row = |name: &str, payload: &str, reason| {
        rows.push((name.to_owned(), raw(r#"{"alg":"ES256","kid":"p256"}"#, payload), reason));
    };
    let good = claims(json!({})).to_string();
    let with = |text: &str| format!("{}{text}}}", good.strip_suffix('}').unwrap());
    row("sub twice", &with(r#","sub":"admin""#), R::Malformed);
    row("exp twice", &with(r#","exp":9999999999"#), R::Malformed);
    row("sub twice, once escaped", &with(r#","s\u0075b":"admin""#), R::Malformed);
    row("twice further in", &with(r#","a":{"b":1,"b":2}"#), R::Malformed);
    row("exp NaN", &with(r#","nbf":NaN"#), R::Malformed);
    row("a number that is none", &with(r#","nbf":1e999"#), R::Malformed);
    row("a list", &format!("[{good}]"), R::Malformed);
    row("a text", &json!(good).to_string(), R::Malformed);
    row("nothing", "", R::Malformed);
    row("more behind", &format!("{good}{{\"sub\":\"admin\"}}"), R::Malformed);
    row(
        "levels without end",
        &with(&format!(",\"a\":{}1{}", "[".repeat(2_000), "]".repeat(2_000))),
        R::Malformed,
    );
}

/// One token has one form.
pub(super) fn forms(rows: &mut Vec<Row>) {
    let good = OURS.token(json!({}));
    let mut row = |name: &str, token: String, reason| rows.push((name.to_owned(), token, reason));
    for (index, name) in ["header", "payload", "signature"].into_iter().enumerate() {
        let part = good.split('.').nth(index).unwrap();
        row(&format!("{name} with padding"), replace_part(&good, index, &format!("{part}==")), R::Malformed);
        row(
            &format!("{name} with a space"),
            replace_part(&good, index, &format!("{} {}", &part[..4], &part[4..])),
            R::Malformed,
        );
        row(&format!("{name} with a plus"), replace_part(&good, index, &format!("{part}+/")), R::Malformed);
        row(
            &format!("{name} with a percent sign"),
            replace_part(&good, index, &format!("{part}%3D")),
            R::Malformed,
        );
        let short = if index == 2 { R::Signature } else { R::Malformed };
        row(&format!("{name} empty"), replace_part(&good, index, ""), short);
    }
    // 64 bytes leave four bits of the last character unused.
    let last = good.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    row("bits that no byte needs", format!("{}{next}", &good[..good.len() - 1]), R::Malformed);
    row("four parts", format!("{good}.AAAA"), R::Malformed);
    row(
        "five parts, encrypted",
        "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AAAA.AAAA.AAAA.AAAA".into(),
        R::Malformed,
    );
    row("two dots", "..".into(), R::Malformed);
    row("dots", ".".repeat(1_000), R::Malformed);
    row("one word", "abc".into(), R::Malformed);
    row("JSON serialization", json!({"payload": "", "signatures": []}).to_string(), R::Malformed);
    row("two tokens", format!("{good},{good}"), R::Malformed);
    row("huge", OURS.token(json!({"x": "y".repeat(20_000)})), R::TooLarge);
    row("huge and not a token", "A".repeat(40_000), R::TooLarge);
}
