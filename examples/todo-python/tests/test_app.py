import json
import unittest
from typing import Any

from app import handle
from ostler import Request, Response, testing


class Todos(unittest.TestCase):
    def setUp(self) -> None:
        self.host = testing.Host(kv=["todos"], request_id="r-1")
        self.addCleanup(self.host.install().remove)

    def ask(self, method: str, target: str, body: Any = None) -> Response:
        return self.host.call(handle, Request(method, target, json=body))

    def add(self, title: str) -> int:
        number: int = self.ask("POST", "/todos", {"title": title}).read_json()["id"]
        return number

    def assert_problem(self, response: Response, status: int, code: str) -> None:
        self.assertEqual(response.headers["content-type"], "application/problem+json")
        problem = response.read_json()
        self.assertEqual((response.status, problem["status"], problem["code"]), (status, status, code))
        self.assertEqual(problem["request_id"], "r-1")

    def test_what_is_added_is_listed_in_order(self) -> None:
        added = self.ask("POST", "/todos", {"title": "  milk "})
        self.assertEqual((added.status, added.headers["location"]), (201, "/todos/1"))
        self.assertEqual(added.read_json(), {"id": 1, "title": "milk", "done": False})
        for number in range(2, 12):
            self.add(f"todo {number}")
        todos = self.ask("GET", "/todos").read_json()["todos"]
        self.assertEqual([todo["id"] for todo in todos], list(range(1, 12)))
        self.assertEqual(self.ask("GET", "/todos/11").read_json(), todos[10])
        self.assertEqual((self.host.lines[0].message, self.host.lines[0].fields), ("added", {"id": "1"}))

    def test_a_todo_is_changed_and_deleted(self) -> None:
        self.add("milk")
        changed = self.ask("PATCH", "/todos/1", {"done": True, "id": 7, "other": 1})
        self.assertEqual(changed.read_json(), {"id": 1, "title": "milk", "done": True})
        self.assertEqual(self.ask("PATCH", "/todos/1", {"title": " tea "}).read_json()["title"], "tea")
        self.assertEqual(self.ask("DELETE", "/todos/1").status, 204)
        self.assert_problem(self.ask("DELETE", "/todos/1"), 404, "not_found")

    def test_a_change_that_another_overtakes_is_made_on_what_that_one_left(self) -> None:
        self.add("milk")
        swap = self.host.kv_compare_and_swap

        def overtaken(store: str, key: str, expected: bytes | None, value: bytes | None) -> bool:
            self.host.kv_compare_and_swap = swap  # type: ignore[method-assign]
            self.host.kv_set(store, key, json.dumps({"id": 1, "title": "tea", "done": False}).encode(), None)
            return swap(store, key, expected, value)

        self.host.kv_compare_and_swap = overtaken  # type: ignore[method-assign]
        changed = self.ask("PATCH", "/todos/1", {"done": True})
        self.assertEqual(changed.read_json(), {"id": 1, "title": "tea", "done": True})

    def test_wrong_input_is_refused_with_its_code(self) -> None:
        self.add("milk")
        for body in ("", "[]", "{", '"title"', '{"title": "\\ud800"}', "[" * 100_000):
            response = self.host.call(handle, Request("POST", "/todos", body=body))
            self.assert_problem(response, 400, "invalid_json")
        for title in (None, 1, "", "  ", "x" * 201):
            self.assert_problem(self.ask("POST", "/todos", {"title": title}), 422, "invalid_title")
        self.assertEqual(self.ask("POST", "/todos", {"title": "é" * 200}).status, 201)
        self.assert_problem(self.ask("PATCH", "/todos/1", {}), 422, "nothing_to_change")
        self.assert_problem(self.ask("PATCH", "/todos/1", {"done": 1}), 422, "invalid_done")
        self.assert_problem(self.ask("PATCH", "/todos/1", {"title": " "}), 422, "invalid_title")
        self.assert_problem(self.ask("PATCH", "/todos/9", "no object"), 404, "not_found")

    def test_what_is_not_there_is_told(self) -> None:
        for target in ("/", "/todos/", "/todos/0", "/todos/-1", "/todos/a", "/todos/1", "/todos/9" + "9" * 20):
            self.assert_problem(self.ask("GET", target), 404, "not_found")
        refused = self.ask("PUT", "/todos")
        self.assert_problem(refused, 405, "method_not_allowed")
        self.assertEqual(refused.headers["allow"], "GET, POST")
        self.assertEqual(self.ask("POST", "/todos/1").headers["allow"], "GET, PATCH, DELETE")

    def test_no_todos_are_taken_while_the_flag_says_so(self) -> None:
        self.host.set_flag("todos-closed", True)
        self.assert_problem(self.ask("POST", "/todos", {"title": "milk"}), 503, "closed")
        self.assertEqual(self.host.flag_context, {"title": "milk"})
        self.host.set_flag("todos-closed", False)
        self.add("milk")
        self.assertEqual(self.host.tracked("todos.added"), [1])
