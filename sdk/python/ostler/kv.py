"""Durable key-value stores of the plugin's definition: ``grant = { kv = ["links"] }``.

What was acknowledged survives the death of the host. Keys are 1 to 512 bytes, values at most 1 MiB, a batch at most 1,000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from . import _host, _json


class Error(Exception):
    """Why a store did not do it."""


class Denied(Error):
    """Not granted; the text names the missing grant."""


class Invalid(Error):
    """A key, value or batch is outside its limits; the text says which."""


class NotANumber(Error):
    """``increment`` met a value that is not a decimal integer, or the sum does not fit 64 bits."""

    def __init__(self, text: str = "the value is not a 64-bit decimal integer, or the sum would not be") -> None:
        super().__init__(text)


class Unavailable(Error):
    """The store failed; trying again may help."""


@dataclass(frozen=True)
class Page:
    """Some keys of a store, and where to go on."""

    #: In byte order.
    keys: list[str]
    #: Pass this to the next ``list_keys``; None at the end.
    cursor: str | None


def open(store: str) -> Store:
    """The store of that name. Opening costs nothing; whether it is granted shows at the first use."""
    return Store(store)


class Store:
    """A store. Every method may raise ``kv.Error``. A ``str`` is stored in UTF-8; what comes back is ``bytes``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, key: str) -> bytes | None:
        """The value under ``key``."""
        return _host.current().kv_get(self.name, key)

    def get_json(self, key: str) -> Any:
        """The value under ``key`` read as JSON; None if there is none."""
        value = self.get(key)
        return None if value is None else _json.loads(value)

    def set(self, key: str, value: bytes | str, *, ttl: float | timedelta | None = None) -> None:
        """Puts ``value`` under ``key``. With ``ttl`` (seconds) it disappears after that time."""
        _host.current().kv_set(self.name, key, _bytes(value), milliseconds(ttl))

    def set_json(self, key: str, value: Any, *, ttl: float | timedelta | None = None) -> None:
        """Puts ``value`` under ``key`` as JSON."""
        self.set(key, _json.dumps(value), ttl=ttl)

    def delete(self, key: str) -> bool:
        """Removes ``key``. Whether there was something to remove."""
        return _host.current().kv_delete(self.name, key)

    def exists(self, key: str) -> bool:
        """Whether there is a value under ``key``."""
        return _host.current().kv_exists(self.name, key)

    def list_keys(self, prefix: str = "", *, cursor: str | None = None, limit: int = 1000) -> Page:
        """Keys that begin with ``prefix`` in byte order, ``limit`` at most (the host caps it at 1,000)."""
        return _host.current().kv_list_keys(self.name, prefix, cursor, limit)

    def pages(self, prefix: str = "", *, limit: int = 1000) -> Iterator[list[str]]:
        """The same keys page by page until the end, each page as a list that ``get_many`` takes."""
        page = self.list_keys(prefix, limit=limit)
        yield page.keys
        while page.cursor is not None:
            page = self.list_keys(prefix, cursor=page.cursor, limit=limit)
            yield page.keys

    def increment(self, key: str, delta: int = 1) -> int:
        """Adds ``delta`` to the decimal integer under ``key`` (absent counts as 0) and returns the sum, atomically."""
        return _host.current().kv_increment(self.name, key, delta)

    def compare_and_swap(self, key: str, expected: bytes | str | None, value: bytes | str | None) -> bool:
        """Puts ``value`` (None: removes) if what is there equals ``expected`` (None: nothing is there). Whether it did."""
        return _host.current().kv_compare_and_swap(self.name, key, _maybe(expected), _maybe(value))

    def set_if_absent(self, key: str, value: bytes | str) -> bool:
        """Puts ``value`` under ``key`` only if nothing is there. Whether it did."""
        return self.compare_and_swap(key, None, value)

    def get_many(self, keys: Iterable[str]) -> list[bytes | None]:
        """Values in the order of ``keys``."""
        return _host.current().kv_get_many(self.name, list(keys))

    def set_many(self, entries: Mapping[str, bytes | str]) -> None:
        """Puts all or nothing."""
        pairs = [(key, _bytes(value)) for key, value in entries.items()]
        _host.current().kv_set_many(self.name, pairs)

    def delete_many(self, keys: Iterable[str]) -> None:
        """Removes all or nothing."""
        _host.current().kv_delete_many(self.name, list(keys))


def milliseconds(span: float | timedelta | None) -> int | None:
    """A span of seconds as the contract has it. A negative one is a mistake of the program: ``ValueError``."""
    if span is None:
        return None
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 0:
        raise ValueError(f"a span of {seconds} seconds is negative")
    return round(seconds * 1000)


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _maybe(value: bytes | str | None) -> bytes | None:
    return None if value is None else _bytes(value)
