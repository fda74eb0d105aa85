//! A to-do list: list, add, change, delete; stored in the key-value store `todos`.
//!
//! | request | answer |
//! |---|---|
//! | `GET /todos` | all, by id |
//! | `POST /todos` | adds `{"title"}` |
//! | `GET /todos/{id}` | one |
//! | `PATCH /todos/{id}` | changes `"title"`, `"done"` or both |
//! | `DELETE /todos/{id}` | deletes one |

use ostler_sdk::{Error, Request, Response, experiment, flags, log};
use serde_json::{Map, Value, json};

mod todos;

use todos::{Todo, Todos};

/// Longest title, in characters.
const TITLE_MAX: usize = 200;

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    let todos = Todos::open();
    match (request.method(), request.path()) {
        ("GET", "/todos") => Response::json(&json!({ "todos": todos.all()? })),
        ("POST", "/todos") => add(&todos, &request),
        (_, "/todos") => Err(Error::method_not_allowed("GET, POST")),
        (method, _) => one(&todos, &request, method),
    }
}

/// Paths that name a to-do.
fn one(todos: &Todos, request: &Request, method: &str) -> Result<Response, Error> {
    let Some(path) = request.match_path("/todos/{id}") else {
        return Err(Error::not_found("there is nothing here: try /todos"));
    };
    if !matches!(method, "GET" | "PATCH" | "DELETE") {
        return Err(Error::method_not_allowed("GET, PATCH, DELETE"));
    }
    let missing = || Error::not_found(format!("there is no to-do {:?}", path.get("id")));
    let id = path.get("id").parse().ok().filter(|id| *id > 0).ok_or_else(missing)?;
    let todo = todos.get(id)?.ok_or_else(missing)?;
    match method {
        "GET" => Response::json(&todo),
        "PATCH" => change(todos, todo, request)?.ok_or_else(missing),
        _ if todos.delete(id)? => {
            log::info!("to-do deleted", id = id);
            Ok(Response::no_content())
        }
        _ => Err(missing()),
    }
}

fn add(todos: &Todos, request: &Request) -> Result<Response, Error> {
    let title = title(body(request)?.get("title"))?;
    flags::add_context([("title", title.as_str())]);
    if flags::get_boolean("todos-closed", false) {
        return Err(Error::unavailable("no to-dos are taken at the moment").with_code("closed"));
    }
    let todo = todos.add(title)?;
    experiment::track("todos.added", 1.0);
    log::info!("to-do added", id = todo.id);
    let place = format!("/todos/{}", todo.id);
    Ok(Response::json(&todo)?.with_status(201).with_header("location", place))
}

/// None if it was deleted meanwhile.
fn change(todos: &Todos, todo: Todo, request: &Request) -> Result<Option<Response>, Error> {
    let wish = body(request)?;
    if !wish.contains_key("title") && !wish.contains_key("done") {
        return Err(Error::unprocessable("give a title, done, or both").with_code("nothing_to_change"));
    }
    let done = match wish.get("done") {
        None => None,
        Some(Value::Bool(done)) => Some(*done),
        Some(_) => return Err(Error::unprocessable("done is true or false").with_code("invalid_done")),
    };
    let title = wish.get("title").map(|value| title(Some(value))).transpose()?;
    let changed = todos.change(todo, |todo| {
        todo.title = title.clone().unwrap_or(std::mem::take(&mut todo.title));
        todo.done = done.unwrap_or(todo.done);
    })?;
    let Some(todo) = changed else { return Ok(None) };
    log::info!("to-do changed", id = todo.id);
    Response::json(&todo).map(Some)
}

/// The body as a JSON object.
fn body(request: &Request) -> Result<Map<String, Value>, Error> {
    serde_json::from_slice(request.body()).map_err(|error| {
        Error::bad_request(format!("the body is no JSON object: {error}")).with_code("invalid_json")
    })
}

fn title(value: Option<&Value>) -> Result<String, Error> {
    let title = value.and_then(Value::as_str).unwrap_or_default().trim();
    match title.chars().count() {
        1..=TITLE_MAX => Ok(title.to_owned()),
        _ => Err(Error::unprocessable(format!("title is a text of 1 to {TITLE_MAX} characters"))
            .with_code("invalid_title")),
    }
}

#[cfg(test)]
mod tests;
