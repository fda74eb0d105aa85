"""The real host, by way of the bindings that componentize-py makes, and the entry that it calls. Inside of Wasm only.

A build imports all modules once and keeps the memory as it then is; an instance begins with that copy. So capabilities are
there from the first call on, not at import, and what was random at import is drawn anew at the first call.
"""

from __future__ import annotations

import importlib
import logging
import random
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, NoReturn, TypeVar

from componentize_py_types import Err
from wit_world.imports import (
    authz,
    cache,
    config,
    context,
    experiment,
    flags,
    http_client,
    kv,
    log,
    rate_limit,
    types,
)

from . import _host, _json, http
from . import cache as _cache
from . import flags as _flags
from . import kv as _kv
from . import rate_limit as _rate_limit
from ._keep import Kept
from .authz import Decision
from .context import Context, Principal
from .log import Handler, Level
from .problem import Problem
from .request import Request
from .response import Response

_T = TypeVar("_T")

_KV_ERRORS: dict[type, Callable[..., Exception]] = {
    kv.Error_Denied: _kv.Denied,
    kv.Error_Invalid: _kv.Invalid,
    kv.Error_NotANumber: _kv.NotANumber,
    kv.Error_Unavailable: _kv.Unavailable,
}
_HTTP_ERRORS: dict[type, Callable[..., Exception]] = {
    http_client.Error_Denied: http.Denied,
    http_client.Error_Invalid: http.Invalid,
    http_client.Error_Timeout: http.Timeout,
    http_client.Error_TooLarge: http.TooLarge,
    http_client.Error_Failed: http.Failed,
}
_CACHE_ERRORS: dict[type, Callable[..., Exception]] = {
    cache.Error_Denied: _cache.Denied,
    cache.Error_Invalid: _cache.Invalid,
    cache.Error_Unavailable: _cache.Unavailable,
}
_LIMIT_ERRORS: dict[type, Callable[..., Exception]] = {
    rate_limit.Error_Denied: _rate_limit.Denied,
    rate_limit.Error_Invalid: _rate_limit.Invalid,
    rate_limit.Error_Unavailable: _rate_limit.Unavailable,
}
_LEVELS = {level: getattr(log.Level, level.name) for level in Level}


_FLAG_TYPES: list[tuple[type, Callable[..., Any]]] = [
    (bool, flags.Value_Boolean),
    (str, flags.Value_String),
    (dict, lambda value: flags.Value_Object(_json.dumps(value).decode())),
]


def _flag_value(value: Any) -> Any:
    """The contract's form of a value, by its type; a number otherwise."""
    for kind, make in _FLAG_TYPES:
        if isinstance(value, kind):
            return make(value)
    return flags.Value_Number(float(value))


def _plain(value: Any) -> Any:
    return _json.loads(value.value.encode()) if isinstance(value, flags.Value_Object) else value.value


def _raise(error: Any, kinds: dict[type, Callable[..., Exception]]) -> NoReturn:
    texts = [error.value] if hasattr(error, "value") else []
    raise kinds[type(error)](*texts) from None


def _kv_call(function: Callable[..., _T], *arguments: Any) -> _T:
    try:
        return function(*arguments)
    except Err as error:
        _raise(error.value, _KV_ERRORS)


def _cache_call(function: Callable[..., _T], *arguments: Any) -> _T:
    try:
        return function(*arguments)
    except Err as error:
        _raise(error.value, _CACHE_ERRORS)


class WasmHost:
    """The contract's imports as ``_host.Host``."""

    def log(self, level: Level, message: str, fields: list[tuple[str, str]]) -> None:
        log.write(_LEVELS[level], message, fields)

    def config_get(self, key: str) -> str | None:
        return config.get(key)

    def config_all(self) -> dict[str, str]:
        return dict(config.all())

    def context(self) -> Context:
        it = context.get()
        return Context(it.request_id, it.route, it.plugin, it.release, it.client_address)

    def deadline_left_ms(self) -> int:
        return context.deadline_left_ms()

    def principal(self) -> Principal | None:
        it = context.get_principal()
        if it is None:
            return None
        since = datetime.fromtimestamp(it.authenticated_at_ms / 1000, timezone.utc)
        claims = _json.loads(it.claims.encode())
        return Principal(it.subject, it.tenant, list(it.roles), list(it.scopes), it.method, since, claims)

    def parameters(self) -> dict[str, Any]:
        return {name: _json.loads(text.encode()) for name, text in context.get_parameters()}

    def authz_check(self, permission: str, resource: str) -> Decision:
        it = authz.check(permission, resource)
        return Decision(it.allowed, it.reason)

    def rate_limit_check(self, limit: str, key: str, cost: int) -> _rate_limit.Decision:
        try:
            it = rate_limit.check(limit, key, cost)
        except Err as error:
            _raise(error.value, _LIMIT_ERRORS)
        return _rate_limit.Decision(it.admitted, it.remaining, it.retry_after_ms / 1000)

    def cache_get(self, name: str, key: str) -> bytes | None:
        return _cache_call(cache.get, name, key)

    def cache_set(self, name: str, key: str, value: bytes, ttl_ms: int | None, tags: list[str]) -> None:
        _cache_call(cache.set, name, key, value, ttl_ms, tags)

    def cache_delete(self, name: str, key: str) -> None:
        _cache_call(cache.delete, name, key)

    def cache_delete_tag(self, name: str, tag: str) -> None:
        _cache_call(cache.delete_tag, name, tag)

    def cache_get_or_compute_lock(self, name: str, key: str, wait_ms: int) -> bytes | None:
        found = _cache_call(cache.get_or_compute_lock, name, key, wait_ms)
        return found.value if isinstance(found, cache.Found_Value) else None

    def cache_unlock(self, name: str, key: str) -> None:
        _cache_call(cache.unlock, name, key)

    def flags_get_boolean(self, key: str, default: bool) -> bool:
        return flags.get_boolean(key, default)

    def flags_get_string(self, key: str, default: str) -> str:
        return flags.get_string(key, default)

    def flags_get_number(self, key: str, default: float) -> float:
        return flags.get_number(key, default)

    def flags_get_object(self, key: str, default: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = _json.loads(flags.get_object(key, _json.dumps(default).decode()).encode())
        return found

    def flags_resolve(self, key: str, default: Any) -> _flags.Details[Any]:
        it = flags.resolve(key, _flag_value(default))
        code = None if it.error_code is None else _flags.ErrorCode[it.error_code.name]
        metadata = _json.loads(it.metadata.encode())
        return _flags.Details(_plain(it.value), it.variant, it.reason, code, it.error_message, metadata)

    def flags_add_context(self, attributes: list[tuple[str, str]]) -> bool:
        return flags.add_context(attributes)

    def experiment_track(self, metric: str, value: float) -> bool:
        return experiment.track(metric, value)

    def send(self, request: http.Outbound) -> Response:
        wanted = http_client.Outbound(
            request.method, request.url, request.headers.raw, request.body, request.timeout_ms
        )
        try:
            got = http_client.send(wanted)
        except Err as error:
            _raise(error.value, _HTTP_ERRORS)
        return Response(got.body, status=got.status, headers=got.headers)

    def kv_get(self, store: str, key: str) -> bytes | None:
        return _kv_call(kv.get, store, key)

    def kv_set(self, store: str, key: str, value: bytes, ttl_ms: int | None) -> None:
        _kv_call(kv.set, store, key, value, ttl_ms)

    def kv_delete(self, store: str, key: str) -> bool:
        return _kv_call(kv.delete, store, key)

    def kv_exists(self, store: str, key: str) -> bool:
        return _kv_call(kv.exists, store, key)

    def kv_list_keys(self, store: str, prefix: str, cursor: str | None, limit: int) -> _kv.Page:
        page = _kv_call(kv.list_keys, store, prefix, cursor, max(0, min(limit, 1000)))
        return _kv.Page(page.keys, page.cursor)

    def kv_increment(self, store: str, key: str, delta: int) -> int:
        return _kv_call(kv.increment, store, key, delta)

    def kv_compare_and_swap(
        self, store: str, key: str, expected: bytes | None, value: bytes | None
    ) -> bool:
        return _kv_call(kv.compare_and_swap, store, key, expected, value)

    def kv_get_many(self, store: str, keys: list[str]) -> list[bytes | None]:
        return _kv_call(kv.get_many, store, keys)

    def kv_set_many(self, store: str, entries: list[tuple[str, bytes]]) -> None:
        _kv_call(kv.set_many, store, [kv.Entry(key, value) for key, value in entries])

    def kv_delete_many(self, store: str, keys: list[str]) -> None:
        _kv_call(kv.delete_many, store, keys)


def entry(module: str, name: str, kind: str) -> type:
    """The class that componentize-py calls, for the object ``name`` of ``module``: a handler, or a WSGI or ASGI application."""
    # An adapter is loaded only where it is used: asyncio alone is a megabyte of the component.
    adapter = None if kind == "app" else importlib.import_module(f"ostler.{kind}")
    found = getattr(importlib.import_module(module), name, None)
    if not callable(found):
        raise LookupError(f"{module}.py has no function {name}: write one, or name another in [tool.ostler]")
    handler = found if adapter is None else adapter.handler(found)
    kept = Kept()
    kept.keep(sys.path)
    sys.meta_path.append(kept)
    logging.basicConfig(handlers=[Handler()], format="%(message)s")

    class HttpHandler:
        def handle(self, request: types.Request) -> types.Response:
            if not _host.installed:
                _begin()
            return _answer(handler, request)

    return HttpHandler


def _begin() -> None:
    _host.installed.append(WasmHost())
    random.seed()


def _answer(handler: Callable[[Request], Response], raw: types.Request) -> types.Response:
    try:
        response = _respond(handler, Request(raw.method, raw.target, raw.headers, raw.body))
        return types.Response(response.status, response.headers.raw, response.body)
    except BaseException as failure:
        raise Err("".join(traceback.format_exception(failure)).strip()) from None


def _respond(handler: Callable[[Request], Response], request: Request) -> Response:
    try:
        response = handler(request)
    except Problem as problem:
        return problem.response()
    if not isinstance(response, Response):
        raise TypeError(f"a handler returns an ostler.Response (and is no `async def`), this one {response!r}")
    return response
