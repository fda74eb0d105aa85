"""The response, sent once the handler returns it; also what outbound HTTP brings back."""

from __future__ import annotations

from typing import Any

from . import _json
from .pairs import HeaderItems, Headers


class Response:
    """A response with its whole body. The host sets ``content-length``."""

    #: 200 to 599.
    status: int
    headers: Headers
    body: bytes

    def __init__(
        self, body: bytes | str = b"", *, status: int = 200, headers: HeaderItems = ()
    ) -> None:
        self.body = body.encode() if isinstance(body, str) else bytes(body)
        self.status = status
        self.headers = Headers(headers)

    @classmethod
    def text(cls, text: str, *, status: int = 200, headers: HeaderItems = ()) -> Response:
        """Plain text."""
        return cls(text, status=status, headers=headers)._typed("text/plain; charset=utf-8")

    @classmethod
    def html(cls, page: str, *, status: int = 200, headers: HeaderItems = ()) -> Response:
        """A page. Escape what came from outside (``html.escape``)."""
        return cls(page, status=status, headers=headers)._typed("text/html; charset=utf-8")

    @classmethod
    def json(cls, value: Any, *, status: int = 200, headers: HeaderItems = ()) -> Response:
        """``value`` as JSON; ``TypeError`` or ``ValueError`` if it has no JSON form."""
        return cls(_json.dumps(value), status=status, headers=headers)._typed("application/json")

    @classmethod
    def redirect(cls, location: str, *, status: int = 302, headers: HeaderItems = ()) -> Response:
        """Sends the client to ``location``. ``status`` is 301, 302, 303, 307 or 308."""
        response = cls(status=status, headers=headers)
        response.headers["location"] = location
        return response

    @classmethod
    def no_content(cls, *, headers: HeaderItems = ()) -> Response:
        """204."""
        return cls(status=204, headers=headers)

    def read_text(self) -> str:
        """The body as text; bytes that are no UTF-8 become U+FFFD."""
        return self.body.decode(errors="replace")

    def read_json(self) -> Any:
        """The body read as JSON; ``ValueError`` if it is none."""
        return _json.loads(self.body)

    def _typed(self, kind: str) -> Response:
        self.headers.setdefault("content-type", kind)
        return self

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"
