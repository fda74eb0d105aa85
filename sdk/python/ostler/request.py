"""The request, received whole."""

from __future__ import annotations

from typing import Any

from . import _json
from ._path import match_path
from .pairs import HeaderItems, Headers, Pairs
from .problem import BadRequest, UnsupportedMediaType

FORM = "application/x-www-form-urlencoded"


class Request:
    """A request whose body has been received whole. Tests make their own: ``Request("POST", "/todos", json={...})``."""

    #: ``GET``, ``POST``, ... in capitals.
    method: str
    #: Path and query as sent.
    target: str
    headers: Headers
    body: bytes

    def __init__(
        self,
        method: str,
        target: str,
        headers: HeaderItems = (),
        body: bytes | str = b"",
        *,
        json: Any = None,
    ) -> None:
        self.method = method
        self.target = target
        self.headers = Headers(headers)
        self.body = body.encode() if isinstance(body, str) else bytes(body)
        if json is not None:
            self.body = _json.dumps(json)
            self.headers.setdefault("content-type", "application/json")

    @property
    def path(self) -> str:
        """The path as sent, without the query; escapes are not decoded (see ``match``)."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> Pairs:
        """The query's parameters, decoded."""
        return Pairs.parse(self.target.partition("?")[2])

    def match(self, pattern: str) -> dict[str, str] | None:
        """Holds the path against ``/users/{id}`` or ``/files/{*rest}``: what the names stand for, decoded, or None."""
        return match_path(pattern, self.path)

    def text(self) -> str:
        """The body as text; a 400 if it is not UTF-8."""
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            raise BadRequest("the body is not UTF-8", code="invalid_text") from None

    def json(self) -> Any:
        """The body read as JSON, whatever type it names; a 400 with code ``invalid_json`` if it is none."""
        try:
            return _json.loads(self.body)
        except ValueError as error:
            raise BadRequest(f"the body is not JSON: {error}", code="invalid_json") from None

    def form(self) -> Pairs:
        """The fields of an HTML form; a 415 if the body is something else."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != FORM:
            raise UnsupportedMediaType(f"expected {FORM}")
        return Pairs.parse(self.text())

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"
