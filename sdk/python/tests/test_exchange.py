"""Requests, responses, problems and routes."""

import unittest

from ostler import Headers, NotFound, Pairs, Problem, Request, Response, Router, testing


class Requests(unittest.TestCase):
    def test_the_target_falls_into_path_and_query(self) -> None:
        request = Request("GET", "/a%20b?x=1&x=2&y=%C3%A9+z&empty")
        self.assertEqual(request.path, "/a%20b")
        self.assertEqual((request.query["x"], request.query["y"], request.query["empty"]), ("1", "é z", ""))
        self.assertEqual((request.query.get_all("x"), request.query.get("none")), (["1", "2"], None))

    def test_placeholders_take_whole_decoded_segments(self) -> None:
        cases = [
            ("/users/{id}/posts/{post}", "/users/a%20b/posts/7", {"id": "a b", "post": "7"}),
            ("/files/{*rest}", "/files/a/b%2Fc", {"rest": "a/b/c"}),
            ("/files/{*rest}", "/files/", {"rest": ""}),
            ("/files/{*rest}", "/files", None),
            ("/a", "/a/", None),
            ("/{x}", "/", None),
            ("/{x}", "/a/b", None),
            ("/a", "/a", {}),
        ]
        for pattern, path, found in cases:
            self.assertEqual(Request("GET", path).match(pattern), found, (pattern, path))

    def test_headers_are_found_whatever_their_case(self) -> None:
        headers = Headers([("X-One", "1"), ("x-one", "2"), ("x-bytes", b"\xff")])
        self.assertEqual((headers["x-ONE"], headers.get_all("X-One")), ("1", ["1", "2"]))
        self.assertEqual(headers["x-bytes"], "\xff")
        headers["X-One"] = "3"
        self.assertEqual(headers.raw, [("x-bytes", b"\xff"), ("x-one", b"3")])
        del headers["X-Bytes"]
        self.assertEqual((list(headers), len(headers)), (["x-one"], 1))
        with self.assertRaises(KeyError):
            del headers["none"]

    def test_json_is_what_the_standard_says(self) -> None:
        self.assertEqual(Request("POST", "/", json={"a": "é"}).json(), {"a": "é"})
        nested = "[" * 500 + "]" * 500
        self.assertIsInstance(Request("POST", "/", body=nested).json(), list)
        self.assertEqual(Request("POST", "/", body='["' + "[" * 600 + '\\"["]').json(), ["[" * 600 + '"['])
        wide = b"[" + b"[[{}],[]]," * 9999 + b"0]"
        self.assertEqual(len(Request("POST", "/", body=wide).json()), 10_000)
        mixed = '{"a":[' * 600 + "]}" * 600
        for body in (mixed.encode(), b"", b"{", b"NaN", b"\xff", b'"\\udc00"', f"[{nested}]".encode(), b"[" * 100_000, b"9" * 9000):
            with self.assertRaises(Problem) as caught:
                Request("POST", "/", body=body).json()
            self.assertEqual((caught.exception.status, caught.exception.code), (400, "invalid_json"), body[:9])

    def test_a_form_is_read_only_if_it_calls_itself_one(self) -> None:
        form = Request("POST", "/", {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, "a=b+c")
        self.assertEqual(form.form().pairs(), [("a", "b c")])
        with self.assertRaises(Problem) as caught:
            Request("POST", "/", body="a=b").form()
        self.assertEqual(caught.exception.status, 415)
        self.assertEqual(len(Pairs.parse("a=1&a=2&b=3")), 2)


class Responses(unittest.TestCase):
    def test_the_shapes_name_their_types(self) -> None:
        self.assertEqual(Response.text("a").headers["content-type"], "text/plain; charset=utf-8")
        self.assertEqual(Response.html("a").headers["content-type"], "text/html; charset=utf-8")
        made = Response.json({"a": 1}, status=201, headers={"Content-Type": "application/hal+json"})
        self.assertEqual((made.status, made.headers["content-type"]), (201, "application/hal+json"))
        self.assertEqual((made.body, made.read_json()), (b'{"a":1}', {"a": 1}))
        moved = Response.redirect("/there", status=303)
        self.assertEqual((moved.status, moved.headers["location"], moved.body), (303, "/there", b""))
        self.assertEqual(Response.no_content().status, 204)
        with self.assertRaises(ValueError):
            Response.json(float("nan"))


class Problems(unittest.TestCase):
    def test_a_problem_is_json_with_code_and_request_id(self) -> None:
        with testing.Host(request_id="r-1"):
            response = NotFound("no link", headers={"cache-control": "no-store"}).response()
        self.assertEqual(response.headers["content-type"], "application/problem+json")
        self.assertEqual(response.headers["cache-control"], "no-store")
        expected = {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "no link",
            "code": "not_found",
            "request_id": "r-1",
        }
        self.assertEqual(response.read_json(), expected)

    def test_every_status_has_a_title_and_a_code(self) -> None:
        cases = [(422, "unprocessable_content"), (413, "content_too_large"), (499, "client_error"), (599, "server_error")]
        for status, code in cases:
            self.assertEqual(Problem(status, "x").code, code)
        self.assertEqual(Problem(422, "x", code="invalid_title").code, "invalid_title")


class Routes(unittest.TestCase):
    def test_a_request_goes_to_the_function_of_its_path_and_method(self) -> None:
        router = Router()

        @router.get("/a/{id}")
        def one(request: Request, id: str) -> Response:
            return Response.text(f"one {id}")

        @router.delete("/a/{id}")
        def delete(request: Request, id: str) -> Response:
            return Response.no_content()

        with testing.Host() as host:
            self.assertEqual(host.call(router, Request("GET", "/a/b%20c")).body, b"one b c")
            self.assertEqual(host.call(router, Request("DELETE", "/a/1")).status, 204)
            self.assertEqual(host.call(router, Request("GET", "/a")).status, 404)
            refused = host.call(router, Request("PUT", "/a/1"))
            self.assertEqual((refused.status, refused.headers["allow"]), (405, "GET, DELETE"))
