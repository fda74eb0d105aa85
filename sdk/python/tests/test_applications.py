"""WSGI and ASGI applications as handlers. Flask and Starlette themselves are built and run by the toolchain's tests."""

import asyncio
import unittest
from collections.abc import Callable, Iterable
from typing import Any

from ostler import Request, asgi, testing, wsgi


class Wsgi(unittest.TestCase):
    def setUp(self) -> None:
        self.addCleanup(testing.Host(client_address="192.0.2.7").install().remove)

    def test_the_application_learns_of_the_request(self) -> None:
        seen: dict[str, Any] = {}

        def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            seen.update(environ)
            start("201 Created", [("X-A", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
            return [b"one", environ["wsgi.input"].read()]

        headers = [("Host", "a.test:81"), ("Content-Type", "text/plain"), ("Accept", "a"), ("Accept", "b"), ("x_y", "1")]
        response = wsgi.handler(application)(Request("POST", "/caf%C3%A9?x=1", headers, "two"))
        self.assertEqual((response.status, response.body), (201, b"onetwo"))
        self.assertEqual(response.headers.get_all("set-cookie"), ["a=1", "b=2"])
        self.assertEqual(seen["PATH_INFO"].encode("latin-1").decode(), "/café")
        self.assertEqual((seen["QUERY_STRING"], seen["CONTENT_LENGTH"], seen["HTTP_ACCEPT"]), ("x=1", "3", "a, b"))
        self.assertEqual((seen["SERVER_NAME"], seen["SERVER_PORT"], seen["REMOTE_ADDR"]), ("a.test", "81", "192.0.2.7"))
        self.assertNotIn("HTTP_X_Y", seen)

    def test_a_body_that_is_a_generator_is_closed(self) -> None:
        closed = []

        def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            try:
                start("200 OK", [])(b"written ")
                yield b"yielded"
            finally:
                closed.append(True)

        self.assertEqual(wsgi.handler(application)(Request("GET", "/")).body, b"written yielded")
        self.assertEqual(closed, [True])


class Asgi(unittest.TestCase):
    def setUp(self) -> None:
        self.addCleanup(testing.Host().install().remove)

    def test_the_application_begins_once_and_answers_many(self) -> None:
        begun = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                begun.append(await receive())
                scope["state"]["greeting"] = "hi"
                await send({"type": "lifespan.startup.complete"})
                await receive()
                return
            await asyncio.sleep(0.001)
            body = (await receive())["body"]
            await send({"type": "http.response.start", "status": 201, "headers": [(b"X-A", b"1")]})
            await send({"type": "http.response.body", "body": scope["state"]["greeting"].encode(), "more_body": True})
            await send({"type": "http.response.body", "body": b" " + scope["path"].encode() + b" " + body})

        handle = asgi.handler(application)
        for _ in range(2):
            response = handle(Request("POST", "/caf%C3%A9", body="x"))
            self.assertEqual((response.status, response.headers["x-a"]), (201, "1"))
            self.assertEqual(response.body, "hi /café x".encode())
        self.assertEqual(begun, [{"type": "lifespan.startup"}])

    def test_an_application_without_lifespan_is_served(self) -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            assert scope["type"] == "http"
            await send({"type": "http.response.start", "status": 204})
            await send({"type": "http.response.body"})

        self.assertEqual(asgi.handler(application)(Request("GET", "/")).status, 204)

    def test_waiting_for_nothing_is_a_failure_and_no_deadlock(self) -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            await asyncio.Event().wait()

        with self.assertRaisesRegex(RuntimeError, "cannot happen|lifespan"):
            asgi.handler(application)(Request("GET", "/"))

    def test_what_would_be_given_to_threads_runs_at_once(self) -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                body = await asyncio.get_running_loop().run_in_executor(None, lambda: b"done")
                await send({"type": "http.response.start", "status": 200})
                await send({"type": "http.response.body", "body": body})

        self.assertEqual(asgi.handler(application)(Request("GET", "/")).body, b"done")
