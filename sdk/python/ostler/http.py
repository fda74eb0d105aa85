"""Outbound HTTP to the origins of the plugin's definition: ``grant = { http = ["https://api.example.com"] }``.

    answer = http.fetch("https://api.example.com/v1/items", method="POST", json={"name": "milk"})
    if answer.status == 201: ...
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from . import _host, _json
from .kv import milliseconds
from .pairs import HeaderItems, Headers
from .response import Response


class Error(Exception):
    """Why there is no response. A response with status 500 is a response."""


class Denied(Error):
    """Not granted; the text names the missing grant."""


class Invalid(Error):
    """The request cannot be sent as it is."""


class Timeout(Error):
    """No answer in time."""

    def __init__(self, text: str = "the other server gave no answer in time") -> None:
        super().__init__(text)


class TooLarge(Error):
    """The response is larger than the host accepts."""

    def __init__(self, text: str = "the other server's response is larger than the host accepts") -> None:
        super().__init__(text)


class Failed(Error):
    """The other server could not be reached or broke the protocol."""


@dataclass
class Outbound:
    """A request to another server, as a stand-in in a test sees it."""

    method: str
    #: Absolute.
    url: str
    headers: Headers
    body: bytes
    #: Milliseconds to wait; None for what is left of the call's deadline.
    timeout_ms: int | None


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: HeaderItems = (),
    body: bytes | str = b"",
    json: Any = None,
    timeout: float | timedelta | None = None,
) -> Response:
    """Sends a request and waits for the whole response.

    ``url`` is absolute. ``json`` replaces the body and names its type. ``timeout`` is in seconds; without it, and at most, what is
    left of the call's own deadline. Redirects are not followed.
    """
    fields = Headers(headers)
    if json is not None:
        body = _json.dumps(json)
        fields.setdefault("content-type", "application/json")
    body = body.encode() if isinstance(body, str) else bytes(body)
    return _host.current().send(Outbound(method, url, fields, body, milliseconds(timeout)))
