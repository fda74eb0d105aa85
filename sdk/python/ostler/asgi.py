"""ASGI applications (Starlette, Quart) as handlers: ASGI 3 over whole requests.

    [tool.ostler]
    asgi = "app:app"

The application runs on an event loop of this module that needs neither threads nor sockets. It lives as long as the instance;
between requests it stands still.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from types import ModuleType
from typing import Any
from urllib.parse import unquote

from . import context
from .request import Request
from .response import Response

Message = MutableMapping[str, Any]
#: An ASGI application.
Application = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


def handler(application: Application) -> Callable[[Request], Response]:
    """The application as a handler. Its ``lifespan`` begins with the instance's first request."""
    _prepare_anyio()
    return _Server(application).handle


class Loop(asyncio.BaseEventLoop):
    """An event loop whose only events are its own timers and tasks."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self

    def select(self, timeout: float | None) -> list[Any]:
        """Called by the base class as its selector's."""
        if timeout is None:
            raise RuntimeError("the application waits for something that cannot happen: nothing else runs beside it")
        if timeout > 0:
            time.sleep(timeout)
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """There are no threads: at once, in this one."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class _Server:
    def __init__(self, application: Application) -> None:
        self.application = application
        self.loop: Loop | None = None
        self.state: dict[str, Any] = {}

    def handle(self, request: Request) -> Response:
        if self.loop is None:
            loop = Loop()
            self.lifespan = _Lifespan(self.application, self.state)
            loop.run_until_complete(self.lifespan.begin(loop))
            self.loop = loop
        return self.loop.run_until_complete(self.exchange(request))

    async def exchange(self, request: Request) -> Response:
        response = Response(status=500)
        parts: list[bytes] = []
        given = iter([{"type": "http.request", "body": request.body, "more_body": False}])
        ended = asyncio.Event()

        async def receive() -> Message:
            for message in given:
                return message
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status = message["status"]
                response.headers.raw = [
                    (bytes(name).decode("latin-1").lower(), bytes(value)) for name, value in message.get("headers", ())
                ]
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    ended.set()

        await self.application(scope(request, self.state), receive, send)
        response.body = b"".join(parts)
        return response


class _Lifespan:
    """ASGI's ``lifespan``: begun if the application takes part, never ended, since instances end without notice."""

    def __init__(self, application: Application, state: dict[str, Any]) -> None:
        self.application = application
        self.state = state
        self.begun = asyncio.Event()
        self.failure: str | None = None
        self.told = False

    async def begin(self, loop: Loop) -> None:
        self.task = loop.create_task(self.run())
        self.task._log_destroy_pending = False  # type: ignore[attr-defined]
        await self.begun.wait()
        if self.failure is not None:
            raise RuntimeError(f"the application's lifespan failed: {self.failure}")

    async def run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self.application(scope, self.receive, self.send)
        except Exception:
            # The specification: an application that does not know `lifespan` raises, and is served without.
            pass
        finally:
            self.begun.set()

    async def receive(self) -> Message:
        if self.told:
            await asyncio.get_running_loop().create_future()
        self.told = True
        return {"type": "lifespan.startup"}

    async def send(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            self.failure = str(message.get("message", ""))
        self.begun.set()


def scope(request: Request, state: dict[str, Any]) -> dict[str, Any]:
    """What the application learns of the request. The scheme is not known to handlers; it is given as ``http``."""
    host, _, port = request.headers.get("host", "localhost").partition(":")
    path, _, query = request.target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value) for name, value in request.headers.raw],
        "client": (context.current().client_address, 0),
        "server": (host, int(port) if port.isdigit() else 80),
        "state": dict(state),
    }


class _Absent:
    """What stands for everything in ``ssl``: it can be named, but not used."""

    def __init__(self, *args: object, **options: object) -> None:
        raise RuntimeError("there is no TLS inside of a component: use ostler.http")


def _without_tls() -> None:
    """anyio imports ``ssl`` whether or not it is used; inside of Wasm there is none."""
    if sys.platform == "wasi" and "ssl" not in sys.modules:
        ssl = ModuleType("ssl")
        names = ("SSLContext", "SSLObject", "SSLSocket", "MemoryBIO", "Purpose", "VerifyMode", "TLSVersion")
        ssl.__dict__.update({name: type(name, (_Absent,), {}) for name in names})
        errors = ("SSLError", "CertificateError", "SSLEOFError", "SSLSyscallError", "SSLWantReadError", "SSLWantWriteError")
        ssl.__dict__.update({name: type(name, (OSError,), {}) for name in errors})
        sys.modules["ssl"] = ssl


def _prepare_anyio() -> None:
    """Starlette gives functions that are not ``async`` to threads of anyio; here they run at once, in this one.

    anyio also loads its backend late; done here, it is done once, by the build.
    """
    if "anyio" not in sys.modules:
        return
    importlib.import_module("anyio._backends._asyncio")

    async def run_sync(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return func(*args)

    importlib.import_module("anyio.to_thread").run_sync = run_sync  # type: ignore[attr-defined]


_without_tls()
