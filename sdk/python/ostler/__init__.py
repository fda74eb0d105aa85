"""Handlers for Ostler, the production host for Wasm, in Python.

    from ostler import Request, Response, kv

    def handle(request: Request) -> Response:
        visits = kv.open("visits").increment(request.path, 1)
        return Response.text(f"You are visitor {visits}.")

``ostler build`` makes a component of the project; under CPython the same function is tested with ``ostler.testing``.
"""

from . import authz, cache, config, context, experiment, flags, http, kv, log, rate_limit
from .pairs import Headers, Pairs
from .problem import (
    BadRequest,
    Conflict,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    Problem,
    Unauthorized,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
)
from .request import Request
from .response import Response
from .router import Router

__all__ = [
    "BadRequest",
    "Conflict",
    "Forbidden",
    "Headers",
    "MethodNotAllowed",
    "NotFound",
    "Pairs",
    "Problem",
    "Request",
    "Response",
    "Router",
    "Unauthorized",
    "Unavailable",
    "Unprocessable",
    "UnsupportedMediaType",
    "authz",
    "cache",
    "config",
    "context",
    "experiment",
    "flags",
    "http",
    "kv",
    "log",
    "rate_limit",
]
