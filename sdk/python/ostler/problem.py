"""Refusals the client may read: RFC 9457 ``application/problem+json``.

A handler raises one. Every other exception is a failure for the host's log alone; the client gets a 500 without its text.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from . import _json, context
from .pairs import HeaderItems, Headers

if TYPE_CHECKING:
    from .response import Response


class Problem(Exception):
    """A refusal with a status from 400 to 599, a text for people and a code for programs.

    ``code`` is in snake_case; without one it is the status's name (``not_found``).
    """

    def __init__(
        self, status: int, detail: str, *, code: str | None = None, headers: HeaderItems = ()
    ) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.title = _title(status)
        self.code = code or self.title.lower().replace(" ", "_").replace("-", "_").replace("'", "")
        self.headers = Headers(headers)

    def response(self) -> Response:
        """The problem as the client sees it."""
        from .response import Response

        body = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": context.current().request_id,
        }
        response = Response(_json.dumps(body), status=self.status, headers=self.headers.raw)
        response.headers["content-type"] = "application/problem+json"
        return response


class BadRequest(Problem):
    """400: the request is malformed."""

    def __init__(self, detail: str, *, code: str | None = None, headers: HeaderItems = ()) -> None:
        super().__init__(400, detail, code=code, headers=headers)


class Unauthorized(Problem):
    """401: nobody is signed in."""

    def __init__(self, detail: str, *, code: str | None = None, headers: HeaderItems = ()) -> None:
        super().__init__(401, detail, code=code, headers=headers)


class Forbidden(Problem):
    """403: somebody is, but may not do this."""

    def __init__(self, detail: str, *, code: str | None = None, headers: HeaderItems = ()) -> None:
        super().__init__(403, detail, code=code, headers=headers)


class NotFound(Problem):
    """404: there is nothing here."""

    def __init__(self, detail: str, *, code: str | None = None, headers: HeaderItems = ()) -> None:
        super().__init__(404, detail, code=code, headers=headers)


class MethodNotAllowed(Problem):
    """405, with the methods that would do in ``allow``."""

    def __init__(self, allow: Iterable[str], *, code: str | None = None) -> None:
        methods = ", ".join(allow)
        super().__init__(405, f"this path answers {methods}", code=code, headers={"allow": methods})


class Conflict(Problem):
    """409: it contradicts what is there."""

    def __init__(self, detail: str, *, code: str | None = None, headers: HeaderItems = ()) -> None:
        super().__init__(409, detail, code=code, headers=headers)


class UnsupportedMediaType(Problem):
    """415: the body has a type that is not read here."""

    def __init__(self, detail: str, *, code: str | None = None, headers: HeaderItems = ()) -> None:
        super().__init__(415, detail, code=code, headers=headers)


class Unprocessable(Problem):
    """422: well-formed, but its values will not do."""

    def __init__(self, detail: str, *, code: str | None = None, headers: HeaderItems = ()) -> None:
        super().__init__(422, detail, code=code, headers=headers)


class Unavailable(Problem):
    """503: try again later."""

    def __init__(self, detail: str, *, code: str | None = None, headers: HeaderItems = ()) -> None:
        super().__init__(503, detail, code=code, headers=headers)


#: Names that RFC 9110 changed; Python has the new ones from 3.13 on.
_RENAMED = {413: "Content Too Large", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}


def _title(status: int) -> str:
    if status in _RENAMED:
        return _RENAMED[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Client Error" if status < 500 else "Server Error"
