//! Documents that are broken, hostile, or say what is answered.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::result_large_err,
    clippy::type_complexity,
    reason = "tests"
)]

mod common;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::{JSON, ask, compile, compile_as, compile_schema, head};
use http::{HeaderMap, Response, StatusCode};
use ostler_core::Kind;
use ostler_core::gate::{ResponseCheck, ValidationSpec};
use ostler_core::settings::Located;
use ostler_validation::{Documents, Validator};

/// Longest anything here may take, and far less than what is not bounded takes.
const BOUNDED: Duration = Duration::from_secs(30);

/// What stands in a document, and what its first flaw must name.
const BROKEN: [(&str, &str); 18] = [
    ("openapi: 3.1.0\npaths:\n  /a: [1\n", "api.yaml:"),
    ("openapi: 3.1.0\nopenapi: 3.1.0\n", "api.yaml:2"),
    ("swagger: '2.0'\n", "api.yaml:1: does not say which OpenAPI it is"),
    ("openapi: 3.2.0\n", "api.yaml:1 at /openapi: is OpenAPI 3.2.0"),
    (
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - {$ref: 'x.yaml#/y'}\n",
        "api.yaml:6 at /paths/~1a/get/parameters/0/$ref: $ref leads out of the document",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - $ref: '#/nothing'\n",
        "api.yaml:6 at /paths/~1a/get/parameters/0/$ref: $ref leads to nothing",
    ),
    (
        "openapi: 3.1.0\ncomponents:\n  parameters:\n    A: {$ref: '#/components/parameters/B'}\n    B: {$ref: '#/components/parameters/A'}\npaths:\n  /a:\n    get:\n      parameters:\n      - $ref: '#/components/parameters/A'\n",
        "references lead in a circle",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - {name: a, in: body}\n",
        "api.yaml:6 at /paths/~1a/get/parameters/0/in: body",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - {in: query}\n",
        "api.yaml:6 at /paths/~1a/get/parameters/0/name: is missing",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - {name: a, in: query, style: matrix}\n",
        "style: matrix does not go with query",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - {name: id, in: path, required: true}\n",
        "the parameter id is in no variable of the path",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - name: a\n        in: query\n        schema:\n          type: strnig\n",
        "api.yaml:9 at /paths/~1a/get/parameters/0/schema/type: \"strnig\" is no type",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - name: a\n        in: query\n        schema: {pattern: '(?=x)'}\n",
        "api.yaml:8",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - name: a\n        in: query\n        schema: {pattern: '((a{999}){999}){999}'}\n",
        "api.yaml:8",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /{a}-{b}: {get: {}}\n",
        "api.yaml:3 at /paths/~1{a}-{b}: the path cannot be told apart",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /{a}: {get: {}}\n  /{b}: {get: {}}\n",
        "api.yaml:4 at /paths/~1{b}: the path cannot be told apart",
    ),
    (
        "openapi: 3.1.0\npaths:\n  /a:\n    post:\n      requestBody: {content: {json: {}}}\n",
        "json is no media type",
    ),
    (
        "openapi: 3.1.0\ncomponents:\n  schemas:\n    A:\n      allOf:\n      - $ref: '#/components/schemas/A'\n",
        "the schema contains itself",
    ),
];

#[test]
fn broken_documents_are_told_with_their_line_and_place() {
    for (text, told) in BROKEN {
        let flaws = compile(text).err().unwrap_or_default();
        let first = flaws.first().unwrap_or_else(|| panic!("nothing is wrong with {text}"));
        assert!(first.found.contains(told), "{} is not {told}", first.found);
        assert_eq!((first.line, first.key.as_str()), (7, "openapi"));
        assert!(!first.allowed.is_empty() && !first.repair.is_empty(), "{first}");
    }
}

#[test]
fn all_that_is_wrong_is_told_together() {
    let text = "openapi: 3.1.0\npaths:\n  /a: {get: {parameters: [{name: a, in: x}]}}\n  /b: {get: {parameters: [{name: b, in: y}]}}\n";
    assert_eq!(compile(text).err().unwrap().len(), 2);
}

#[test]
fn files_that_are_none_and_files_that_are_too_large_are_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("large.yaml"), vec![b'#'; (4 << 20) + 1]).unwrap();
    std::fs::write(folder.path().join("latin1.yaml"), b"openapi: 3.1.0\ninfo: \xe9\n").unwrap();
    for (name, told) in [
        ("none.yaml", "cannot be read"),
        (".", "cannot be read"),
        ("large.yaml", "is larger than 4 MiB"),
        ("latin1.yaml", "latin1.yaml:2: is not UTF-8"),
    ] {
        let openapi = Some(Located { value: PathBuf::from(name), line: 1 });
        let spec = ValidationSpec { openapi, ..ValidationSpec::default() };
        let flaws = Validator::compile(&spec, folder.path(), &Documents::default()).err().unwrap();
        assert!(flaws[0].found.contains(told), "{}", flaws[0]);
    }
}

#[test]
fn a_file_is_compiled_once_for_all_its_routes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("api.yaml"), "openapi: 3.1.0\npaths: {/a: {get: {}}}\n").unwrap();
    let spec = ValidationSpec {
        openapi: Some(Located { value: PathBuf::from("api.yaml"), line: 1 }),
        ..ValidationSpec::default()
    };
    let documents = Documents::default();
    let first = Validator::compile(&spec, folder.path(), &documents).unwrap().unwrap();
    std::fs::write(folder.path().join("api.yaml"), "broken: [").unwrap();
    let second = Validator::compile(&spec, folder.path(), &documents).unwrap().unwrap();
    assert!(ask(&first, "GET /a", &[], "").is_ok() && ask(&second, "GET /a", &[], "").is_ok());
    // The next gate begins with nothing, and sees the file as it is now.
    assert!(Validator::compile(&spec, folder.path(), &Documents::default()).is_err());
}

#[test]
fn bombs_end_soon() {
    let started = Instant::now();
    let mut laughs = "openapi: 3.1.0\nx0: &x0 [l, l, l, l, l, l, l, l, l, l]\n".to_owned();
    for level in 1..10 {
        laughs.push_str(&format!("x{level}: &x{level} [{}]\n", format!("*x{}, ", level - 1).repeat(10)));
    }
    assert!(compile(&laughs).is_err());
    assert!(compile(&format!("openapi: 3.1.0\nx: {}", "[".repeat(100_000))).is_err());
    assert!(compile_schema(&format!("{}true{}", r#"{"items":"#.repeat(1000), "}".repeat(1000))).is_err());
    assert!(started.elapsed() < BOUNDED);
}

#[test]
fn recursive_schemas_and_slow_patterns_end_soon() {
    let text = r##"
openapi: 3.0.3
paths:
  /tree: {post: {requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Tree"}}}}}}
components:
  schemas:
    Tree: {type: object, properties: {name: {type: string, pattern: "^(a|aa)+$"}, children: {type: array, items: {$ref: "#/components/schemas/Tree"}}}}
"##;
    let validator = compile(text).unwrap();
    assert!(
        ask(&validator, "POST /tree", &[JSON], r#"{"name":"aaa","children":[{"children":[{}]}]}"#).is_ok()
    );
    let started = Instant::now();
    let refused = ask(&validator, "POST /tree", &[JSON], format!(r#"{{"name":"{}b"}}"#, "a".repeat(200_000)));
    assert_eq!(refused.unwrap_err().kind, Kind::Invalid);
    let deep = format!("{}{}{}", r#"{"children":["#.repeat(30), r#"{"name":7}"#, "]}".repeat(30));
    assert_eq!(ask(&validator, "POST /tree", &[JSON], deep).unwrap_err().kind, Kind::Invalid);
    assert!(started.elapsed() < BOUNDED);
}

const ANSWERS: &str = r#"
openapi: 3.1.0
paths:
  /a:
    get:
      responses:
        "200":
          headers: {x-count: {required: true, schema: {type: integer}}}
          content: {application/json: {schema: {type: object, required: [id, secret], properties: {id: {type: integer}, secret: {writeOnly: true}}}}}
        4XX: {content: {application/problem+json: {}}}
        "204": {description: nothing}
"#;

#[test]
fn responses_are_compared_with_what_is_described() {
    let rows: [(u16, &[(&str, &str)], Option<&str>, bool); 12] = [
        (200, &[("x-count", "1"), JSON], Some(r#"{"id":1}"#), true),
        (200, &[("x-count", "1"), JSON], Some(r#"{"id":"hunter2"}"#), false),
        (200, &[("x-count", "1"), JSON], Some("{"), false),
        (200, &[("x-count", "x"), JSON], Some(r#"{"id":1}"#), false),
        (200, &[JSON], Some(r#"{"id":1}"#), false),
        (200, &[("x-count", "1"), ("content-type", "text/plain")], Some("x"), false),
        (200, &[("x-count", "1")], Some("x"), false),
        (200, &[("x-count", "1")], None, true),
        (404, &[("content-type", "application/problem+json")], Some("{}"), true),
        (404, &[JSON], Some("{}"), false),
        (204, &[], Some(""), true),
        (500, &[], Some(""), false),
    ];
    for check in [ResponseCheck::Refuse, ResponseCheck::Log, ResponseCheck::Off] {
        let validator = compile_as(ANSWERS, Some(check)).unwrap();
        let answers = validator.answers(&head("GET /a", &[]));
        assert_eq!(answers.is_none(), check == ResponseCheck::Off);
        let Some(answers) = answers else { continue };
        for (status, fields, body, good) in &rows {
            let mut response = Response::new(()).into_parts().0;
            response.status = StatusCode::from_u16(*status).unwrap();
            response.headers = HeaderMap::from_iter(
                fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())),
            );
            let told = answers.check(&response, body.map(str::as_bytes));
            assert_eq!(told.is_ok(), *good || check == ResponseCheck::Log, "{status} {fields:?} {body:?}");
            if let Err(error) = told {
                assert_eq!(error.kind, Kind::ResponseInvalid);
                assert!(!format!("{:?}", error.cause).contains("hunter2"));
            }
        }
    }
}
