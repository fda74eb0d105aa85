"""Functions by path and method: a handler for plugins with more than one route."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ._path import match_path
from .problem import MethodNotAllowed, NotFound
from .request import Request
from .response import Response

_F = TypeVar("_F", bound=Callable[..., Response])


class Router:
    """A handler that asks others. It is called as one: ``handle = router``.

        router = Router()

        @router.get("/todos/{id}")
        def one(request: Request, id: str) -> Response: ...

    Patterns are those of ``Request.match``; what their names stand for comes as keyword arguments. The first pattern that fits
    counts. No pattern fits: 404. One fits, but not with this method: 405 with ``allow``.
    """

    def __init__(self) -> None:
        self._routes: list[tuple[str, str, Callable[..., Response]]] = []

    def route(self, method: str, pattern: str) -> Callable[[_F], _F]:
        """Gives requests of a method and path to the function below it."""

        def add(function: _F) -> _F:
            self._routes.append((method, pattern, function))
            return function

        return add

    def get(self, pattern: str) -> Callable[[_F], _F]:
        """``GET``."""
        return self.route("GET", pattern)

    def post(self, pattern: str) -> Callable[[_F], _F]:
        """``POST``."""
        return self.route("POST", pattern)

    def put(self, pattern: str) -> Callable[[_F], _F]:
        """``PUT``."""
        return self.route("PUT", pattern)

    def patch(self, pattern: str) -> Callable[[_F], _F]:
        """``PATCH``."""
        return self.route("PATCH", pattern)

    def delete(self, pattern: str) -> Callable[[_F], _F]:
        """``DELETE``."""
        return self.route("DELETE", pattern)

    def __call__(self, request: Request) -> Response:
        allowed: list[str] = []
        for method, pattern, function in self._routes:
            names = match_path(pattern, request.path)
            if names is None:
                continue
            if method == request.method:
                return function(request, **names)
            allowed.append(method)
        if allowed:
            raise MethodNotAllowed(dict.fromkeys(allowed))
        raise NotFound(f"there is nothing at {request.path}")
