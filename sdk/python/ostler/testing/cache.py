"""A cache in memory, with the limits of the host's."""

from __future__ import annotations

from .. import kv
from ..cache import Invalid
from .store import check_key, check_value

_TTL_MAX = 31_536_000_000


class Cache:
    """Values with their end and tags, and the keys that somebody makes a value for."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[bytes, float | None, list[str]]] = {}
        self.locked: set[str] = set()
        #: Whether every call is to say that the shared store is gone.
        self.lost = False

    def get(self, key: str, now: float) -> bytes | None:
        """The value, unless it has ended."""
        _check(key)
        value, end, _ = self._values.get(key, (None, None, []))
        return value if end is None or now < end else None

    def put(self, key: str, value: bytes, ttl_ms: int | None, tags: list[str], now: float) -> None:
        """Also gives back the right to make it."""
        _check(key, value)
        if ttl_ms is not None and not 1 <= ttl_ms <= _TTL_MAX:
            raise Invalid(f"a time to live is 1 ms to 365 days; this one is {ttl_ms} ms")
        if "" in tags:
            raise Invalid("a tag has at least 1 byte")
        end = None if ttl_ms is None else now + ttl_ms / 1000
        self._values[key] = (value, end, tags)
        self.locked.discard(key)

    def remove(self, key: str) -> None:
        """Drops one."""
        _check(key)
        self._values.pop(key, None)

    def remove_tag(self, tag: str) -> None:
        """Drops those with the tag."""
        self._values = {key: kept for key, kept in self._values.items() if tag not in kept[2]}

    def get_or_lock(self, key: str, now: float) -> bytes | None:
        """Nobody waits here: whoever asks for what is not there gets the right to make it."""
        value = self.get(key, now)
        if value is None:
            self.locked.add(key)
        return value


def _check(key: str, value: bytes = b"") -> None:
    try:
        check_key(key)
        check_value(value)
    except kv.Invalid as error:
        raise Invalid(str(error)) from None
