"""A to-do list: list, add, change, delete, validated, stored in the key-value store ``todos``."""

from __future__ import annotations

import json
from typing import Any

from ostler import (
    BadRequest,
    NotFound,
    Request,
    Response,
    Router,
    Unavailable,
    Unprocessable,
    experiment,
    flags,
    kv,
    log,
)

Todo = dict[str, Any]

TODOS = kv.open("todos")
TITLE_MAX = 200

handle = Router()


@handle.get("/todos")
def list_todos(request: Request) -> Response:
    todos: list[Todo] = []
    for keys in TODOS.pages("todo/"):
        # What another request deletes in between is skipped.
        todos.extend(json.loads(value) for value in TODOS.get_many(keys) if value is not None)
    return Response.json({"todos": todos})


@handle.post("/todos")
def add(request: Request) -> Response:
    title = check_title(read_object(request).get("title"))
    flags.add_context({"title": title})
    if flags.get_boolean("todos-closed", False):
        raise Unavailable("no to-dos are taken at the moment", code="closed")
    number = TODOS.increment("next")
    todo = {"id": number, "title": title, "done": False}
    TODOS.set_json(key(number), todo)
    experiment.track("todos.added")
    log.info("added", id=number)
    return Response.json(todo, status=201, headers={"location": f"/todos/{number}"})


@handle.get("/todos/{id}")
def one(request: Request, id: str) -> Response:
    return Response.json(json.loads(find(read_id(id))))


@handle.patch("/todos/{id}")
def change(request: Request, id: str) -> Response:
    number = read_id(id)
    before = find(number)
    changes = check_changes(read_object(request))
    while True:
        todo = {**json.loads(before), **changes}
        if TODOS.compare_and_swap(key(number), before, json.dumps(todo)):
            break
        before = find(number)  # Another request was faster: begin again with what it left.
    log.info("changed", id=number)
    return Response.json(todo)


@handle.delete("/todos/{id}")
def delete(request: Request, id: str) -> Response:
    number = read_id(id)
    if not TODOS.delete(key(number)):
        raise no_todo(id)
    log.info("deleted", id=number)
    return Response.no_content()


def key(number: int) -> str:
    """Twelve digits, so that the order of keys is that of numbers."""
    return f"todo/{number:012}"


def find(number: int) -> bytes:
    value = TODOS.get(key(number))
    if value is None:
        raise no_todo(str(number))
    return value


def no_todo(id: str) -> NotFound:
    return NotFound(f"there is no to-do {id}")


def read_id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) > 0):
        raise no_todo(text)
    return int(text)


def read_object(request: Request) -> dict[str, Any]:
    body = request.json()
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object", code="invalid_json")
    return body


def check_title(title: object) -> str:
    if not isinstance(title, str) or not 1 <= len(title.strip()) <= TITLE_MAX:
        raise Unprocessable(f"title: write a text of 1 to {TITLE_MAX} characters", code="invalid_title")
    return title.strip()


def check_changes(body: dict[str, Any]) -> Todo:
    changes: Todo = {}
    if "title" in body:
        changes["title"] = check_title(body["title"])
    if "done" in body:
        if not isinstance(body["done"], bool):
            raise Unprocessable("done: write true or false", code="invalid_done")
        changes["done"] = body["done"]
    if not changes:
        raise Unprocessable("write title, done or both", code="nothing_to_change")
    return changes
