"""Caches of the plugin's definition (``grant = { cache = ["totals"] }``): values that can be made again, and may be gone at any
time. Keys are 1 to 512 bytes, values at most 1 MiB.

    totals = cache.open("totals")
    total = totals.get_or_compute_json("acme", lambda: add_up("acme"), ttl=60, tags=["orders"])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from . import _host, _json
from .kv import milliseconds

_WAIT_MAX = (1 << 32) - 1


class Error(Exception):
    """Why a cache did not do it."""


class Denied(Error):
    """Not granted; the text names the missing grant."""


class Invalid(Error):
    """A key, value, tag or time to live is outside its limits; the text says which."""


class Unavailable(Error):
    """The shared store is gone."""


def open(cache: str) -> Cache:
    """The cache of that name. Opening costs nothing; whether it is granted shows at the first use."""
    return Cache(cache)


class Cache:
    """A cache. Every method may raise ``cache.Error``. A ``str`` is kept in UTF-8; what comes back is ``bytes``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, key: str) -> bytes | None:
        """The value under ``key``."""
        return _host.current().cache_get(self.name, key)

    def get_json(self, key: str) -> Any:
        """The value under ``key`` read as JSON; None if there is none."""
        value = self.get(key)
        return None if value is None else _json.loads(value)

    def set(
        self, key: str, value: bytes | str, *, ttl: float | timedelta | None = None, tags: Iterable[str] = ()
    ) -> None:
        """Puts ``value`` under ``key`` for ``ttl`` seconds (1 ms to 365 days; None: as long as there is room). ``tags`` are
        names by which it is dropped with others."""
        _host.current().cache_set(self.name, key, _bytes(value), milliseconds(ttl), list(tags))

    def set_json(
        self, key: str, value: Any, *, ttl: float | timedelta | None = None, tags: Iterable[str] = ()
    ) -> None:
        """``set`` for a value as JSON."""
        self.set(key, _json.dumps(value), ttl=ttl, tags=tags)

    def delete(self, key: str) -> None:
        """Drops the value under ``key``."""
        _host.current().cache_delete(self.name, key)

    def delete_tag(self, tag: str) -> None:
        """Drops all values of this cache that were set with ``tag``, on all hosts that share it."""
        _host.current().cache_delete_tag(self.name, tag)

    def get_or_compute(
        self,
        key: str,
        make: Callable[[], bytes | str],
        *,
        ttl: float | timedelta | None = None,
        tags: Iterable[str] = (),
    ) -> bytes:
        """The value under ``key``; if there is none, ``make`` makes it and it is kept as ``set`` keeps it.

        Of many that ask at once one makes the value while the others wait, for up to half of what is left of their deadline. If
        making it fails, the next one tries. A cache that is out of reach makes this slower, not fail.
        """
        try:
            found = self.get_or_lock(key, wait=_host.current().deadline_left_ms() / 2000)
        except Unavailable:
            return _bytes(make())
        if found is not None:
            return found
        kept = False
        try:
            value = _bytes(make())
            with suppress(Unavailable):
                self.set(key, value, ttl=ttl, tags=tags)
                kept = True
            return value
        finally:
            if not kept:
                with suppress(Error):  # The first failure is the one to tell.
                    self.unlock(key)

    def get_or_compute_json(
        self,
        key: str,
        make: Callable[[], Any],
        *,
        ttl: float | timedelta | None = None,
        tags: Iterable[str] = (),
    ) -> Any:
        """``get_or_compute`` for a value as JSON."""
        return _json.loads(self.get_or_compute(key, lambda: _json.dumps(make()), ttl=ttl, tags=tags))

    def get_or_lock(self, key: str, *, wait: float | timedelta = 0) -> bytes | None:
        """The value under ``key``, or None and the right to make it: then ``set`` it, or ``unlock`` the key. Waits for up to
        ``wait`` seconds while somebody else has that right. ``get_or_compute`` does all of it."""
        milli = min(milliseconds(wait) or 0, _WAIT_MAX)
        return _host.current().cache_get_or_compute_lock(self.name, key, milli)

    def unlock(self, key: str) -> None:
        """Gives that right back."""
        _host.current().cache_unlock(self.name, key)


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
