//! The handler without a host: the SDK's stand-ins take the store's place.

use ostler_sdk::testing::Host;
use ostler_sdk::{Request, Response};
use serde_json::{Value, json};

use super::handle;

fn ask(method: &str, target: &str, body: Value) -> Response {
    handle(Request::new(method, target).with_json(&body)).unwrap()
}

fn refusal(method: &str, target: &str, body: &str) -> u16 {
    handle(Request::new(method, target).with_body(body)).unwrap_err().status()
}

#[test]
fn a_todo_is_added_changed_listed_and_deleted() {
    let host = Host::new().kv("todos").install();
    let added = ask("POST", "/todos", json!({ "title": "  milk " }));
    assert_eq!((added.status(), added.header("location")), (201, Some("/todos/1")));
    ask("POST", "/todos", json!({ "title": "bread" }));
    let changed = ask("PATCH", "/todos/1", json!({ "done": true }));
    assert_eq!(changed.read_json::<Value>().unwrap(), json!({ "id": 1, "title": "milk", "done": true }));
    assert_eq!(ask("DELETE", "/todos/2", Value::Null).status(), 204);
    let all = ask("GET", "/todos", Value::Null).read_json::<Value>().unwrap();
    assert_eq!(all, json!({ "todos": [{ "id": 1, "title": "milk", "done": true }] }));
    assert_eq!(host.logs().len(), 4, "each change is logged");
}

#[test]
fn what_will_not_do_is_refused() {
    let _host = Host::new().kv("todos").install();
    for (method, target, body, status) in [
        ("POST", "/todos", "[]", 400),
        ("POST", "/todos", r#"{"title":" "}"#, 422),
        ("GET", "/todos/7", "", 404),
        ("GET", "/todos/-1", "", 404),
        ("PUT", "/todos", "", 405),
        ("GET", "/elsewhere", "", 404),
    ] {
        assert_eq!(refusal(method, target, body), status, "{method} {target} {body}");
    }
}

#[test]
fn no_todos_are_taken_while_the_flag_says_so() {
    let host = Host::new().kv("todos").flag("todos-closed", true).install();
    assert_eq!(refusal("POST", "/todos", r#"{"title":"milk"}"#), 503);
    assert_eq!(host.flag_context()["title"], "milk");
    host.set_flag("todos-closed", false);
    ask("POST", "/todos", json!({ "title": "milk" }));
    assert_eq!(host.tracked("todos.added"), [1.0]);
}
