"""WSGI applications (Flask, Bottle, Django without its database) as handlers: PEP 3333 over whole requests.

    [tool.ostler]
    wsgi = "app:app"
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from . import context, log
from .request import Request
from .response import Response

#: A WSGI application.
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def handler(application: Application) -> Callable[[Request], Response]:
    """The application as a handler."""

    def handle(request: Request) -> Response:
        return _call(application, environ(request))

    return handle


def environ(request: Request) -> dict[str, Any]:
    """What the application learns of the request. The scheme is not known to handlers; it is given as ``http``."""
    host, _, port = request.headers.get("host", "localhost").partition(":")
    found: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.target.partition("?")[2],
        "REQUEST_URI": request.target,
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": context.current().client_address,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    found.update(_fields(request))
    return found


def _fields(request: Request) -> dict[str, str]:
    """Header fields as WSGI names them, repeated ones joined. ``content-length`` is known from the body."""
    found: dict[str, str] = {}
    for name, value in request.headers.raw:
        key = "CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.upper().replace("-", "_")
        # A name with `_` would be taken for its twin with `-`, which a proxy may have checked.
        if name == "content-length" or "_" in name:
            continue
        text = value.decode("latin-1")
        between = "; " if name == "cookie" else ", "
        found[key] = found[key] + between + text if key in found else text
    return found


def _call(application: Application, environ: dict[str, Any]) -> Response:
    response = Response(status=500)
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
        if exc_info is not None:
            log.error("the application reports a failure", error=exc_info[1])
        response.status = int(status.partition(" ")[0])
        response.headers.raw = [(name.lower(), value.encode("latin-1")) for name, value in headers]
        return written.append

    body = application(environ, start_response)
    try:
        written.extend(body)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    response.body = b"".join(written)
    return response
