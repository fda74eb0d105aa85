//! Requests of OpenAPI 3.0 and 3.1 documents: what passes, what does not, and what is told of it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::result_large_err,
    clippy::type_complexity,
    reason = "tests"
)]

mod common;

use common::{JSON, ask, compile, compile_schema};
use ostler_core::Kind;
use serde_json::{Value, json};

const ORDERS: &str = r##"
openapi: VERSION
info: {title: Orders, version: "1"}
servers: [{url: "https://api.example/{stage}/", variables: {stage: {default: v1}}}]
paths:
  /orders:
    parameters:
    - {name: x-tenant, in: header, required: true, schema: {type: string, pattern: "^[a-z]+$"}}
    get:
      parameters:
      - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100, default: 20}}
      - {name: state, in: query, schema: {type: array, items: {$ref: "#/components/schemas/State"}}}
      - {name: ids, in: query, explode: false, schema: {type: array, items: {type: integer}, maxItems: 3}}
      - {name: filter, in: query, style: deepObject, schema: {type: object, properties: {min: {type: number}, tag: {type: array, items: {type: string}}}}}
      - {name: near, in: query, content: {application/json: {schema: {type: object, required: [lat], properties: {lat: {type: number}}}}}}
      - {name: flag, in: query, allowEmptyValue: true, schema: {type: boolean}}
      - {name: session, in: cookie, schema: {type: string, minLength: 4}}
      - {name: x-ids, in: header, schema: {type: array, items: {type: integer}}}
      responses: {200: {description: ok}}
    post:
      requestBody: {$ref: "#/components/requestBodies/Order"}
      responses: {201: {description: ok}}
  /orders/{id}:
    parameters: [{$ref: "#/components/parameters/Id"}]
    get: {responses: {200: {description: ok}}}
    put:
      requestBody: {content: {text/plain: {schema: {type: integer, maximum: 9}}, "application/*": {schema: {type: object}}}}
      responses: {200: {description: ok}}
  /orders/mine:
    get: {responses: {200: {description: ok}}}
components:
  parameters:
    Id: {name: id, in: path, required: true, schema: {type: integer, format: int64, minimum: 1}}
  requestBodies:
    Order:
      required: true
      content:
        application/json: {schema: {$ref: "#/components/schemas/Order"}}
  schemas:
    State: {type: string, enum: [open, paid]}
    Order:
      type: object
      required: [id, sku, quantity]
      additionalProperties: false
      properties:
        id: {type: integer, readOnly: true}
        sku: {type: string, minLength: 1, maxLength: 8}
        quantity: {type: integer, format: int32, minimum: 1}
        note: NULLABLE
        parent: {$ref: "#/components/schemas/Order"}
        secret: {type: string, format: password, maxLength: 4}
"##;

fn orders(version: &str) -> ostler_validation::Validator {
    let nullable = if version.starts_with("3.0") {
        "{type: string, nullable: true}"
    } else {
        "{type: [string, 'null']}"
    };
    compile(&ORDERS.replace("VERSION", version).replace("NULLABLE", nullable)).unwrap()
}

const TENANT: (&str, &str) = ("x-tenant", "acme");

#[test]
fn parameters_reach_the_plugin_typed_and_with_defaults() {
    for version in ["3.0.3", "3.1.0"] {
        let orders = orders(version);
        let query = "state=open&state=paid&ids=1,2&filter[min]=1.5&filter%5Btag%5D=a&filter[tag]=b&near=%7B%22lat%22:1.5%7D&flag&more=x";
        let parameters = ask(
            &orders,
            &format!("GET /v1/orders?{query}"),
            &[TENANT, ("cookie", "a=b; session=s%20ss"), ("x-ids", "1, 2"), ("x-ids", "3")],
            "",
        );
        let expected = json!({"x-tenant": "acme", "limit": 20, "state": ["open", "paid"], "ids": [1, 2], "filter": {"min": 1.5, "tag": ["a", "b"]},
            "near": {"lat": 1.5}, "flag": "", "session": "s ss", "x-ids": [1, 2, 3]});
        assert_eq!(parameters.unwrap(), expected, "{version}");
        assert_eq!(ask(&orders, "GET /v1/orders/7", &[], "").unwrap(), json!({"id": 7}));
        assert_eq!(ask(&orders, "HEAD /v1/orders/%37", &[], "").unwrap(), json!({"id": 7}));
        assert_eq!(ask(&orders, "GET /v1/orders/mine", &[], "").unwrap(), json!({}));
        // Without the server's path, too: a route may have taken it off, or never had it.
        assert_eq!(ask(&orders, "GET /orders/7", &[], "").unwrap(), json!({"id": 7}));
    }
}

#[test]
fn what_cannot_be_read_is_400_and_what_is_not_allowed_is_422_with_every_violation() {
    let orders = orders("3.1.0");
    let rows: [(&str, &[(&str, &str)], Kind, &[&str]); 16] = [
        ("GET /orders", &[], Kind::Malformed, &["header x-tenant is missing"]),
        (
            "GET /orders",
            &[("x-tenant", "ACME")],
            Kind::Invalid,
            &["header x-tenant does not match the pattern"],
        ),
        ("GET /orders?limit=0", &[TENANT], Kind::Invalid, &["query limit is less than the minimum"]),
        (
            "GET /orders?limit=x",
            &[TENANT],
            Kind::Malformed,
            &["query limit cannot be read as the type asked for"],
        ),
        ("GET /orders?limit=1&limit=2", &[TENANT], Kind::Malformed, &["query limit is given twice"]),
        ("GET /orders?limit=%", &[TENANT], Kind::Malformed, &["query limit its percent-encoding is broken"]),
        (
            "GET /orders?limit=101&ids=1,2,3,4&state=x",
            &[TENANT],
            Kind::Invalid,
            &[
                "query limit is greater than the maximum",
                "query state/0 is not one of the allowed values",
                "query ids has more items than allowed",
            ],
        ),
        (
            "GET /orders?ids=1,x",
            &[TENANT],
            Kind::Malformed,
            &["query ids cannot be read as the type asked for"],
        ),
        (
            "GET /orders?filter[min]=x",
            &[TENANT],
            Kind::Malformed,
            &["query filter a property is of another type"],
        ),
        ("GET /orders?near=%7B%7D", &[TENANT], Kind::Invalid, &["query near a required property is missing"]),
        (
            "GET /orders?near=%7B%22lat%22:1,%22lat%22:2%7D",
            &[TENANT],
            Kind::Malformed,
            &["query near is not JSON that can be read in one way"],
        ),
        (
            "GET /orders",
            &[TENANT, ("cookie", "session=a")],
            Kind::Invalid,
            &["cookie session is shorter than the minimum of characters"],
        ),
        (
            "GET /orders",
            &[TENANT, ("cookie", "session=aaaa; session=bbbb")],
            Kind::Malformed,
            &["cookie session is given twice"],
        ),
        ("GET /orders/x", &[], Kind::Malformed, &["path id cannot be read as the type asked for"]),
        ("GET /orders/0", &[], Kind::Invalid, &["path id is less than the minimum"]),
        ("GET /orders/9223372036854775808", &[], Kind::Invalid, &["path id is greater than the maximum"]),
    ];
    for (line, fields, kind, violations) in rows {
        let refused = ask(&orders, line, fields, "").unwrap_err();
        assert_eq!(
            (refused.kind, refused.violations()),
            (kind, violations.iter().map(|one| (*one).to_owned()).collect()),
            "{line}"
        );
    }
}

#[test]
fn unknown_paths_are_404_and_unknown_methods_405_with_allow() {
    let orders = orders("3.1.0");
    for line in
        ["GET /nothing", "GET /v1", "GET /v1/orders/", "GET /v2/orders/1", "GET /orders/1/2", "OPTIONS *"]
    {
        assert_eq!(ask(&orders, line, &[], "").unwrap_err().kind, Kind::RouteNotFound, "{line}");
    }
    for (line, allow) in [
        ("DELETE /orders", "GET, HEAD, POST"),
        ("OPTIONS /orders/1", "GET, HEAD, PUT"),
        ("POST /orders/mine", "GET, HEAD"),
    ] {
        let refused = ask(&orders, line, &[], "").unwrap_err();
        assert_eq!(refused.kind, Kind::MethodNotAllowed, "{line}");
        assert_eq!(refused.fields["allow"], allow);
    }
}

#[test]
fn bodies_are_compared_with_their_schema() {
    for version in ["3.0.3", "3.1.0"] {
        let orders = orders(version);
        let post = |body: Value| ask(&orders, "POST /orders", &[TENANT, JSON], body.to_string());
        for good in [
            json!({"sku": "A", "quantity": 1}),
            json!({"id": 5, "sku": "A", "quantity": 2147483647, "note": null}),
            json!({"sku": "A", "quantity": 1, "parent": {"sku": "B", "quantity": 2}}),
        ] {
            assert!(post(good.clone()).is_ok(), "{version} {good}");
        }
        let refused = post(
            json!({"sku": "hunter2hunter2", "quantity": 2147483648u64, "typo": 1, "parent": {"sku": 7, "quantity": 1.5}, "secret": "hunter2"}),
        );
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind, Kind::Invalid);
        let mut violations = refused.violations();
        violations.sort();
        assert_eq!(
            violations,
            [
                "body  has properties that are not known: typo",
                "body /parent/quantity is of another type",
                "body /parent/sku is of another type",
                "body /quantity is greater than the maximum",
                "body /secret is longer than the maximum of characters",
                "body /sku is longer than the maximum of characters",
            ]
        );
        let told = serde_json::to_string(&refused.members).unwrap();
        assert!(!told.contains("hunter2") && !told.contains("2147483648"), "{told}");
        assert!(told.contains(r#""found":"integer""#) && told.contains(r#""allowed":2147483647"#), "{told}");
    }
}

#[test]
fn hostile_json_is_refused_before_the_schema() {
    let orders = orders("3.1.0");
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let recursive =
        format!("{}1{}", r#"{"sku":"A","quantity":1,"parent":"#.repeat(50_000), "}".repeat(50_000));
    for body in [
        "",
        "{",
        "nope",
        r#"{"sku":"A","sku":"B","quantity":1}"#,
        r#"{"sku":"A","quantity":99999999999999999999}"#,
        r#"{"sku":"A","quantity":1} x"#,
        "\"\\ud800\"",
        &deep,
        &recursive,
    ] {
        assert_eq!(
            ask(&orders, "POST /orders", &[TENANT, JSON], body.to_owned()).unwrap_err().kind,
            Kind::Malformed
        );
    }
    let long = format!(r#"{{"sku":"{}","quantity":1}}"#, "x".repeat(10 << 20));
    assert_eq!(ask(&orders, "POST /orders", &[TENANT, JSON], long).unwrap_err().kind, Kind::Invalid);
    assert_eq!(
        ask(&orders, "POST /orders", &[TENANT, JSON], b"{\"sku\":\"\xff\"}".to_vec()).unwrap_err().kind,
        Kind::Malformed
    );
}

#[test]
fn other_media_types_are_415_and_accept_says_what_is_taken() {
    let orders = orders("3.1.0");
    let good = json!({"sku": "A", "quantity": 1}).to_string();
    let of = |value| ("content-type", value);
    for fields in [
        vec![TENANT, of("text/plain")],
        vec![TENANT, of("application/problem+json")],
        vec![TENANT],
        vec![TENANT, of("application/json; charset=utf-16")],
        vec![TENANT, JSON, ("content-encoding", "gzip")],
    ] {
        let refused = ask(&orders, "POST /orders", &fields, good.clone()).unwrap_err();
        assert_eq!(refused.kind, Kind::UnsupportedMediaType, "{fields:?}");
        assert_eq!(
            (refused.fields["accept"].to_str().unwrap(), &refused.members["accept"]),
            ("application/json", &json!(["application/json"]))
        );
    }
    for fields in [vec![TENANT, of("json")], vec![TENANT, JSON, of("text/plain")]] {
        assert_eq!(
            ask(&orders, "POST /orders", &fields, good.clone()).unwrap_err().kind,
            Kind::Malformed,
            "{fields:?}"
        );
    }
    assert!(
        ask(&orders, "POST /orders", &[TENANT, of("application/json; charset=UTF-8")], good.clone()).is_ok()
    );
    // A range, a text with a type, an operation without bodies, and one whose body may be left out.
    assert!(ask(&orders, "PUT /orders/1", &[of("application/merge-patch+json")], "{}").is_ok());
    // What no schema can be compared with does not slip through a range that has one.
    for other in ["application/x", "application/x-www-form-urlencoded", "text/plain; charset=utf-16"] {
        assert_eq!(
            ask(&orders, "PUT /orders/1", &[of(other)], "[").unwrap_err().kind,
            Kind::UnsupportedMediaType,
            "{other}"
        );
    }
    assert!(ask(&orders, "PUT /orders/1", &[of("text/plain")], "7").is_ok());
    assert_eq!(ask(&orders, "PUT /orders/1", &[of("text/plain")], "10").unwrap_err().kind, Kind::Invalid);
    assert_eq!(ask(&orders, "PUT /orders/1", &[of("text/plain")], "x").unwrap_err().kind, Kind::Malformed);
    assert!(ask(&orders, "PUT /orders/1", &[], "").is_ok());
    assert!(ask(&orders, "GET /orders/1", &[JSON], "").is_ok());
    assert_eq!(ask(&orders, "GET /orders/1", &[JSON], "{}").unwrap_err().kind, Kind::UnsupportedMediaType);
    assert_eq!(ask(&orders, "POST /orders", &[TENANT], "").unwrap_err().kind, Kind::Malformed);
}

#[test]
fn a_bare_schema_is_for_the_body() {
    let schema = compile_schema(r##"{"type": "object", "required": ["a"], "$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}"##).unwrap();
    assert!(ask(&schema, "POST /any/path", &[JSON], r#"{"a":1}"#).is_ok());
    assert!(ask(&schema, "GET /any/path", &[], "").is_ok());
    assert_eq!(
        ask(&schema, "PUT /", &[JSON], r#"{"a":"x"}"#).unwrap_err().violations(),
        ["body /a is of another type"]
    );
    assert_eq!(ask(&schema, "POST /", &[], "").unwrap_err().kind, Kind::Malformed);
    assert_eq!(
        ask(&schema, "POST /", &[("content-type", "text/plain")], "{}").unwrap_err().kind,
        Kind::UnsupportedMediaType
    );
}

#[test]
fn fifty_violations_and_not_a_million() {
    let list = compile_schema(r#"{"type": "array", "items": {"type": "integer"}}"#).unwrap();
    let body = format!("[{}\"\"]", "\"\",".repeat(400_000));
    let refused = ask(&list, "POST /", &[JSON], body).unwrap_err();
    assert_eq!(refused.violations().len(), 50);
    assert_eq!(refused.members["more_violations"], true);
}

#[test]
fn paths_and_headers_in_every_style() {
    let document = |style: &str, explode: bool, schema: &str| {
        compile(&format!("openapi: 3.1.0\npaths:\n  '/a/{{c}}':\n    get:\n      parameters: [{{name: c, in: path, required: true, style: {style}, explode: {explode}, schema: {schema}}}]\n")).unwrap()
    };
    let list = "{type: array, items: {type: integer}}";
    let object = "{type: object, properties: {R: {type: integer}}, required: [R]}";
    for (style, explode, schema, path, value) in [
        ("simple", false, list, "/a/1,2", json!([1, 2])),
        ("label", true, list, "/a/.1.2", json!([1, 2])),
        ("matrix", true, list, "/a/;c=1;c=2", json!([1, 2])),
        ("matrix", true, object, "/a/;R=1", json!({"R": 1})),
        ("simple", true, object, "/a/R=1", json!({"R": 1})),
    ] {
        let validator = document(style, explode, schema);
        assert_eq!(
            ask(&validator, &format!("GET {path}"), &[], "").unwrap(),
            json!({"c": value}),
            "{style} {path}"
        );
        assert_eq!(ask(&validator, "GET /a/x", &[], "").unwrap_err().kind, Kind::Malformed, "{style}");
    }
}
