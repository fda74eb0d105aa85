//! Forms and uploaded files, well meant and hostile.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::result_large_err,
    clippy::type_complexity,
    reason = "tests"
)]

mod common;

use common::{Refused, ask, compile};
use ostler_core::Kind;
use ostler_validation::Validator;
use serde_json::Value;

const FORMS: &str = r#"
openapi: VERSION
paths:
  /form:
    post:
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [name]
              additionalProperties: false
              properties:
                name: {type: string, minLength: 1}
                age: {type: integer, maximum: 150}
                tags: {type: array, items: {type: integer}}
                where: {type: object, properties: {city: {type: string}}, required: [city]}
                deep: {type: object, properties: {a: {type: integer}}}
            encoding: {deep: {style: deepObject}}
  /upload:
    post:
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema:
              type: object
              required: [title, file]
              properties:
                title: {type: string, maxLength: 10}
                count: {type: integer}
                meta: {type: object, required: [a], properties: {a: {type: integer}}}
                file: {type: string, format: binary, maxLength: 100, minLength: 1}
                more: {type: array, maxItems: 2, items: {type: string, format: binary, maxLength: 100}}
            encoding: {file: {contentType: "image/png, image/jpeg"}}
  /raw:
    put:
      requestBody:
        content:
          image/png: {schema: {type: string, format: binary, maxLength: 64}}
          application/octet-stream: {}
"#;

fn forms() -> [Validator; 2] {
    ["3.0.3", "3.1.1"].map(|version| compile(&FORMS.replace("VERSION", version)).unwrap())
}

fn form(validator: &Validator, body: &str) -> Result<Value, Refused> {
    ask(validator, "POST /form", &[("content-type", "application/x-www-form-urlencoded")], body.to_owned())
}

#[test]
fn urlencoded_forms_are_typed_by_their_schema() {
    for forms in forms() {
        for good in
            ["name=A", "name=A+B%20C&age=7&tags=1&tags=2", "name=A&where=%7B%22city%22:%22X%22%7D&deep[a]=1"]
        {
            assert!(form(&forms, good).is_ok(), "{good}");
        }
        for (body, kind, violation) in [
            ("", Kind::Invalid, "body  a required property is missing"),
            ("name=", Kind::Invalid, "body /name is shorter than the minimum of characters"),
            ("name=A&name=B", Kind::Malformed, "body /name is given twice"),
            ("name=A&age=x", Kind::Malformed, "body /age cannot be read as the type asked for"),
            ("name=A&age=151", Kind::Invalid, "body /age is greater than the maximum"),
            ("name=A&tags=1&tags=x", Kind::Malformed, "body /tags cannot be read as the type asked for"),
            ("name=A&where=%7B%7D", Kind::Invalid, "body /where a required property is missing"),
            ("name=A&where={", Kind::Malformed, "body /where is not JSON that can be read in one way"),
            ("name=A&deep[a]=x", Kind::Malformed, "body /deep a property is of another type"),
            ("name=A&admin=true", Kind::Invalid, "body  has properties that are not known: admin"),
            ("name=%zz", Kind::Malformed, "body /name its percent-encoding is broken"),
        ] {
            let refused = form(&forms, body).unwrap_err();
            assert_eq!((refused.kind, refused.violations()), (kind, vec![violation.to_owned()]), "{body}");
        }
        assert_eq!(form(&forms, &"a=1&".repeat(10_000)).unwrap_err().kind, Kind::Malformed);
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// A part: what stands in its head after `form-data; `, its type, its content.
type Part<'a> = (&'a str, &'a str, &'a [u8]);

fn multipart(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (disposition, media, content) in parts {
        body.extend_from_slice(
            format!("--B\r\nContent-Disposition: form-data; {disposition}\r\n").as_bytes(),
        );
        if !media.is_empty() {
            body.extend_from_slice(format!("Content-Type: {media}\r\n").as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--B--\r\n");
    body
}

fn upload(validator: &Validator, body: Vec<u8>) -> Result<Value, Refused> {
    ask(validator, "POST /upload", &[("content-type", "multipart/form-data; boundary=B")], body)
}

const TITLE: Part<'_> = ("name=\"title\"", "", b"T");
const FILE: Part<'_> = ("name=\"file\"; filename=\"a.png\"", "image/png", PNG);

#[test]
fn multipart_forms_and_their_files_are_checked() {
    let long = [b'x'; 101];
    let long_png = [PNG, &long].concat();
    let more: Part<'_> = ("name=\"more\"; filename=\"b.bin\"", "application/octet-stream", b"x");
    let rows: [(&str, Vec<Part<'_>>, Option<(Kind, &str)>); 17] = [
        (
            "whole",
            vec![TITLE, FILE, ("name=\"count\"", "", b"7"), ("name=meta", "", b"{\"a\":1}"), more, more],
            None,
        ),
        (
            "fields that nobody named",
            vec![TITLE, FILE, ("name=\"other\"; filename=\"c.txt\"", "text/plain", b"c")],
            None,
        ),
        ("missing", vec![TITLE], Some((Kind::Invalid, "body  a required property is missing"))),
        (
            "number",
            vec![TITLE, FILE, ("name=\"count\"", "", b"x")],
            Some((Kind::Malformed, "body /count cannot be read as the type asked for")),
        ),
        (
            "json",
            vec![TITLE, FILE, ("name=\"meta\"", "", b"{\"a\":1,\"a\":2}")],
            Some((
                Kind::Malformed,
                "body /meta is not JSON: a key stands twice in one object at line 1 column 10",
            )),
        ),
        (
            "json type",
            vec![TITLE, FILE, ("name=\"meta\"", "", b"{}")],
            Some((Kind::Invalid, "body /meta a required property is missing")),
        ),
        ("twice", vec![TITLE, FILE, FILE], Some((Kind::Malformed, "body /file is given twice"))),
        (
            "count",
            vec![TITLE, FILE, more, more, more],
            Some((Kind::Invalid, "body /more has more items than allowed")),
        ),
        (
            "bytes",
            vec![TITLE, ("name=\"file\"; filename=\"a.png\"", "image/png", &long_png)],
            Some((Kind::Invalid, "body /file has more bytes than allowed")),
        ),
        (
            "declared",
            vec![TITLE, ("name=\"file\"; filename=\"a.txt\"", "text/plain", b"x")],
            Some((Kind::Invalid, "body /file is declared as a media type that is not taken here")),
        ),
        (
            "sniffed",
            vec![TITLE, ("name=\"file\"; filename=\"a.jpg\"", "image/jpeg", PNG)],
            Some((Kind::Invalid, "body /file its content is of another media type than it is declared as")),
        ),
        (
            "html",
            vec![TITLE, ("name=\"file\"; filename=\"a.png\"", "image/png", b"<html><script>")],
            Some((Kind::Invalid, "body /file its content is of another media type than it is declared as")),
        ),
        (
            "path",
            vec![TITLE, ("name=\"file\"; filename=\"../../etc/passwd\"", "image/png", PNG)],
            Some((Kind::Invalid, "body /file the file name has a path in it")),
        ),
        (
            "device",
            vec![TITLE, ("name=\"file\"; filename=\"NUL.png\"", "image/png", PNG)],
            Some((Kind::Invalid, "body /file the file name is that of a device")),
        ),
        (
            "backslash",
            vec![TITLE, ("name=\"file\"; filename=\"a\\b.png\"", "image/png", PNG)],
            Some((Kind::Malformed, "body  a part's content-disposition cannot be read in one way")),
        ),
        (
            "extended",
            vec![TITLE, ("name=\"file\"; filename*=utf-8''a.png", "image/png", PNG)],
            Some((
                Kind::Malformed,
                "body  a part has filename*, which forms do not have (RFC 7578 section 4.2)",
            )),
        ),
        (
            "two names",
            vec![TITLE, ("name=\"file\"; name=\"x\"", "image/png", PNG)],
            Some((Kind::Malformed, "body  a part's content-disposition cannot be read in one way")),
        ),
    ];
    for forms in forms() {
        for (what, parts, expected) in &rows {
            let told = upload(&forms, multipart(parts))
                .err()
                .map(|refused| (refused.kind, refused.violations().into_iter().next().unwrap_or_default()));
            assert_eq!(told, expected.map(|(kind, text)| (kind, text.to_owned())), "{what}");
        }
    }
}

#[test]
fn hostile_multipart_is_refused() {
    let [_, forms] = forms();
    let good = multipart(&[TITLE, FILE]);
    assert!(upload(&forms, good.clone()).is_ok());
    let malformed = |what: &str, body: Vec<u8>| {
        assert_eq!(upload(&forms, body).unwrap_err().kind, Kind::Malformed, "{what}");
    };
    for end in 0..good.len() - 2 {
        malformed("truncated", good[..end].to_vec());
    }
    malformed("text before", [b"x\r\n", good.as_slice()].concat());
    malformed("text after", [good.as_slice(), b"x"].concat());
    malformed("two ends", [good.as_slice(), good.as_slice()].concat());
    malformed("10,000 parts", multipart(&vec![("name=\"x\"", "", b"".as_slice()); 10_000]));
    malformed(
        "endless head",
        [b"--B\r\n".as_slice(), &b"a: b\r\n".repeat(100_000), b"\r\nx\r\n--B--"].concat(),
    );
    malformed(
        "long head",
        [b"--B\r\nContent-Disposition: form-data; name=\"".as_slice(), &b"x".repeat(5 << 20)].concat(),
    );
    malformed("no disposition", b"--B\r\n\r\nx\r\n--B--\r\n".to_vec());
    malformed("transfer encoding", b"--B\r\nContent-Disposition: form-data; name=\"title\"\r\nContent-Transfer-Encoding: base64\r\n\r\nVA==\r\n--B--\r\n".to_vec());
    for boundary in [
        "",
        "; boundary=",
        "; boundary=\"\"",
        &format!("; boundary={}", "b".repeat(71)),
        "; boundary=a@b",
        "; boundary=a; boundary=b",
    ] {
        let refused = ask(
            &forms,
            "POST /upload",
            &[("content-type", &format!("multipart/form-data{boundary}"))],
            good.clone(),
        );
        assert_eq!(refused.unwrap_err().kind, Kind::Malformed, "{boundary}");
    }
}

#[test]
fn raw_uploads_are_what_they_say_and_bounded() {
    let [_, forms] = forms();
    let put = |media, body: &[u8]| ask(&forms, "PUT /raw", &[("content-type", media)], body.to_vec());
    assert!(put("image/png", PNG).is_ok());
    assert!(put("application/octet-stream", b"\0\x01").is_ok());
    assert_eq!(put("image/png", b"GIF89a......").unwrap_err().kind, Kind::Invalid);
    assert_eq!(put("image/gif", b"GIF89a......").unwrap_err().kind, Kind::UnsupportedMediaType);
    let head = common::head("PUT /raw", &[("content-type", "image/png")]);
    assert_eq!(forms.admit(&head, false).unwrap().body_max(), Some(64));
}

#[test]
fn mutated_forms_never_panic() {
    let [_, forms] = forms();
    let seeds = [
        multipart(&[TITLE, FILE, ("name=meta", "", b"{\"a\":1}")]),
        b"name=A&tags=1&deep[a]=1&where=%7B%22city%22:1%7D".to_vec(),
    ];
    let mut random = fastrand::Rng::with_seed(4);
    for round in 0..10_000 {
        let mut body = seeds[round % 2].clone();
        for _ in 0..random.usize(1..5) {
            let at = random.usize(..body.len());
            match random.u8(..3) {
                0 => body[at] = random.u8(..),
                1 => drop(body.remove(at)),
                _ => body.insert(at, b"\r\n-B;=\"%[]&\\ "[random.usize(..13)]),
            }
        }
        let _ = if round % 2 == 0 {
            upload(&forms, body)
        } else {
            ask(&forms, "POST /form", &[("content-type", "application/x-www-form-urlencoded")], body)
        };
    }
}
