"""Unit tests without a host and without Wasm: every capability as an in-memory stand-in.

    with testing.Host(kv=["visits"], config={"greeting": "hi"}) as host:
        response = host.call(handle, Request("GET", "/"))
        assert host.value("visits", "/") == b"1"

As on the real host, what was not granted is denied: a store or cache must be named, a limit needs ``limits``, outbound HTTP needs
``http``, and nobody may do anything that ``allow`` does not name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import _host, _json
from .. import cache as _cache
from .. import http as _http
from .. import kv as _kv
from .. import rate_limit as _rate_limit
from ..authz import Decision
from ..context import Context, Principal
from ..flags import Details, Value
from ..log import Level
from ..problem import Problem
from ..request import Request
from ..response import Response
from .cache import Cache
from .flag import Flags
from .limit import Limit
from .store import Store, check_batch, check_key, check_value

#: Answers outbound requests in place of all other servers; it may raise an ``ostler.http.Error``.
Answer = Callable[[_http.Outbound], Response]
#: Names of empty stores, or stores with what is in them.
Stores = Iterable[str] | Mapping[str, Mapping[str, bytes | str]]


@dataclass(frozen=True)
class Line:
    """A log line that was written."""

    level: Level
    message: str
    fields: dict[str, str]


class Host:
    """A host in memory: say what it grants, then use it in a ``with`` statement, or ``install`` and ``remove`` it."""

    #: Log lines so far.
    lines: list[Line]

    def __init__(
        self,
        *,
        kv: Stores = (),
        config: Mapping[str, str] | None = None,
        http: Answer | None = None,
        cache: Iterable[str] = (),
        limits: Mapping[str, tuple[int, float]] | None = None,
        flags: Mapping[str, Value] | None = None,
        principal: Principal | None = None,
        parameters: Mapping[str, Any] | None = None,
        allow: Iterable[str | tuple[str, str]] = (),
        request_id: str = "test-request",
        route: str = "/{*rest}",
        plugin: str = "test",
        client_address: str = "127.0.0.1",
        deadline_left: float = 2.0,
    ) -> None:
        """``limits``: what each admits for a key, and again after so many seconds. ``flags``: what each says, whatever the context.
        ``allow``: permissions, or pairs of one and the resource it is for."""
        contents = kv if isinstance(kv, Mapping) else {name: {} for name in kv}
        self._stores = {name: Store(values) for name, values in contents.items()}
        self._config = dict(config or {})
        self._http = http
        self._caches = {name: Cache() for name in cache}
        self._limits = {name: Limit(admits, per) for name, (admits, per) in (limits or {}).items()}
        self._flags = Flags(flags or {})
        self._principal = principal
        self._parameters = _json.dumps(dict(parameters or {}))
        self._allow = {(entry, "") if isinstance(entry, str) else entry for entry in allow}
        self._context = Context(request_id, route, plugin, f"sha256:{'0' * 64}", client_address)
        self._deadline_left = deadline_left
        self._now = 0.0
        self.lines = []

    def install(self) -> Host:
        """Puts the stand-ins in place until ``remove``; in a test case: ``self.addCleanup(host.install().remove)``."""
        _host.installed.append(self)
        return self

    def remove(self) -> None:
        """Takes them away."""
        _host.installed.remove(self)

    def __enter__(self) -> Host:
        return self.install()

    def __exit__(self, *failure: object) -> None:
        self.remove()

    def call(self, handler: Callable[[Request], Response], request: Request) -> Response:
        """What the client would get: a ``Problem`` becomes its response. Other exceptions are left to the test."""
        try:
            return handler(request)
        except Problem as problem:
            return problem.response()

    def value(self, store: str, key: str) -> bytes | None:
        """What a store holds under ``key``."""
        return self._store(store).get(key, self._now)

    def cached(self, cache: str, key: str) -> bytes | None:
        """What a cache holds under ``key``."""
        return self._caches[cache].get(key, self._now)

    def is_locked(self, cache: str, key: str) -> bool:
        """Whether somebody has the right to make the value of ``key`` and has not given it back."""
        return key in self._caches[cache].locked

    def lose_cache(self, cache: str) -> None:
        """From now on the cache answers that its shared store is gone."""
        self._caches[cache].lost = True

    def set_flag(self, key: str, value: Value) -> None:
        """From now on the flag says ``value``."""
        self._flags.values[key] = value

    @property
    def flag_context(self) -> dict[str, Any]:
        """Attributes that were added for flags, by name."""
        return dict(self._flags.context)

    def tracked(self, metric: str) -> list[float]:
        """Values of ``metric`` that were tracked, in order."""
        return [value for name, value in self._flags.tracked if name == metric]

    def advance(self, seconds: float) -> None:
        """Lets time pass for limits and for values with a time to live."""
        self._now += seconds

    # What follows is `_host.Host`.

    def log(self, level: Level, message: str, fields: list[tuple[str, str]]) -> None:
        self.lines.append(Line(level, message, dict(fields)))

    def config_get(self, key: str) -> str | None:
        return self._config.get(key)

    def config_all(self) -> dict[str, str]:
        return dict(self._config)

    def context(self) -> Context:
        return self._context

    def deadline_left_ms(self) -> int:
        return round(self._deadline_left * 1000)

    def principal(self) -> Principal | None:
        return self._principal

    def parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = _json.loads(self._parameters)
        return found

    def authz_check(self, permission: str, resource: str) -> Decision:
        if (permission, "") in self._allow or (permission, resource) in self._allow:
            return Decision(True, "the test allows it")
        return Decision(False, "nothing in the test allows it")

    def rate_limit_check(self, limit: str, key: str, cost: int) -> _rate_limit.Decision:
        if limit not in self._limits:
            raise _rate_limit.Denied(f"limit {limit!r} is not granted: give the test's Host limits={{{limit!r}: ...}}")
        return self._limits[limit].check(key, cost, self._now)

    def cache_get(self, name: str, key: str) -> bytes | None:
        return self._cache(name).get(key, self._now)

    def cache_set(self, name: str, key: str, value: bytes, ttl_ms: int | None, tags: list[str]) -> None:
        self._cache(name).put(key, value, ttl_ms, tags, self._now)

    def cache_delete(self, name: str, key: str) -> None:
        self._cache(name).remove(key)

    def cache_delete_tag(self, name: str, tag: str) -> None:
        self._cache(name).remove_tag(tag)

    def cache_get_or_compute_lock(self, name: str, key: str, wait_ms: int) -> bytes | None:
        return self._cache(name).get_or_lock(key, self._now)

    def cache_unlock(self, name: str, key: str) -> None:
        self._cache(name).locked.discard(key)

    def flags_get_boolean(self, key: str, default: bool) -> bool:
        return bool(self._flags.resolve(key, default).value)

    def flags_get_string(self, key: str, default: str) -> str:
        return str(self._flags.resolve(key, default).value)

    def flags_get_number(self, key: str, default: float) -> float:
        return float(self._flags.resolve(key, default).value)

    def flags_get_object(self, key: str, default: dict[str, Any]) -> dict[str, Any]:
        return dict(self._flags.resolve(key, default).value)

    def flags_resolve(self, key: str, default: Any) -> Details[Any]:
        return self._flags.resolve(key, default)

    def flags_add_context(self, attributes: list[tuple[str, str]]) -> bool:
        return self._flags.add(attributes)

    def experiment_track(self, metric: str, value: float) -> bool:
        return self._flags.track(metric, value)

    def send(self, request: _http.Outbound) -> Response:
        if self._http is None:
            raise _http.Denied(f"outbound HTTP to {request.url} is not granted: give the test's Host http=")
        return self._http(request)

    def kv_get(self, store: str, key: str) -> bytes | None:
        check_key(key)
        return self._store(store).get(key, self._now)

    def kv_set(self, store: str, key: str, value: bytes, ttl_ms: int | None) -> None:
        check_key(key)
        check_value(value)
        end = None if ttl_ms is None else self._now + ttl_ms / 1000
        self._store(store).put(key, value, end)

    def kv_delete(self, store: str, key: str) -> bool:
        check_key(key)
        return self._store(store).remove(key, self._now)

    def kv_exists(self, store: str, key: str) -> bool:
        return self.kv_get(store, key) is not None

    def kv_list_keys(self, store: str, prefix: str, cursor: str | None, limit: int) -> _kv.Page:
        if limit < 1:
            raise _kv.Invalid("a page has 1 to 1000 keys")
        return self._store(store).list(prefix, cursor, min(limit, 1000), self._now)

    def kv_increment(self, store: str, key: str, delta: int) -> int:
        check_key(key)
        return self._store(store).increment(key, delta, self._now)

    def kv_compare_and_swap(
        self, store: str, key: str, expected: bytes | None, value: bytes | None
    ) -> bool:
        check_key(key)
        check_value(value or b"")
        there = self._store(store)
        if there.get(key, self._now) != expected:
            return False
        if value is None:
            there.remove(key, self._now)
        else:
            there.put(key, value, None)
        return True

    def kv_get_many(self, store: str, keys: list[str]) -> list[bytes | None]:
        check_batch(keys)
        return [self.kv_get(store, key) for key in keys]

    def kv_set_many(self, store: str, entries: list[tuple[str, bytes]]) -> None:
        check_batch([key for key, _ in entries])
        for _, value in entries:
            check_value(value)
        for key, value in entries:
            self._store(store).put(key, value, None)

    def kv_delete_many(self, store: str, keys: list[str]) -> None:
        check_batch(keys)
        for key in keys:
            self._store(store).remove(key, self._now)

    def _store(self, name: str) -> Store:
        if name not in self._stores:
            raise _kv.Denied(f"store {name!r} is not granted: give the test's Host kv=[{name!r}]")
        return self._stores[name]

    def _cache(self, name: str) -> Cache:
        if name not in self._caches:
            raise _cache.Denied(f"cache {name!r} is not granted: give the test's Host cache=[{name!r}]")
        if self._caches[name].lost:
            raise _cache.Unavailable("the shared store is gone")
        return self._caches[name]
