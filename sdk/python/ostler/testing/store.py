"""A key-value store in memory, with the limits of the host's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..kv import Invalid, NotANumber, Page

_KEY_MAX = 512
_VALUE_MAX = 1 << 20
_BATCH_MAX = 1000


class Store:
    """Values with the moment at which they end, if they do."""

    def __init__(self, values: Mapping[str, bytes | str]) -> None:
        self._values: dict[str, tuple[bytes, float | None]] = {}
        for key, value in values.items():
            self.put(key, value.encode() if isinstance(value, str) else value, None)

    def get(self, key: str, now: float) -> bytes | None:
        """The value, unless it has ended."""
        value, end = self._values.get(key, (None, None))
        return value if end is None or now < end else None

    def put(self, key: str, value: bytes, end: float | None) -> None:
        """Replaces the value and its end."""
        self._values[key] = (bytes(value), end)

    def remove(self, key: str, now: float) -> bool:
        """Whether there was something to remove."""
        there = self.get(key, now) is not None
        self._values.pop(key, None)
        return there

    def increment(self, key: str, delta: int, now: float) -> int:
        """Keeps the time to live, as the host does."""
        value = self.get(key, now)
        end = None if value is None else self._values[key][1]
        total = _integer(value) + delta
        if not -(1 << 63) <= total < 1 << 63:
            raise NotANumber
        self.put(key, str(total).encode(), end)
        return total

    def list(self, prefix: str, cursor: str | None, limit: int, now: float) -> Page:
        """Keys in byte order behind the cursor."""
        keys = sorted((key for key in self._values if key.startswith(prefix)), key=str.encode)
        behind = [key for key in keys if cursor is None or key.encode() > cursor.encode()]
        alive = [key for key in behind if self.get(key, now) is not None]
        return Page(alive[:limit], alive[limit - 1] if len(alive) > limit else None)


def _integer(value: bytes | None) -> int:
    if value is None:
        return 0
    try:
        text = value.decode("ascii")
        number = int(text)
    except ValueError:
        raise NotANumber from None
    if str(number) != text:  # Python also reads spaces, underscores and leading zeros.
        raise NotANumber
    return number


def check_key(key: str) -> None:
    """``Invalid`` unless the host would take it."""
    length = len(key.encode())
    if not 1 <= length <= _KEY_MAX:
        raise Invalid(f"a key has 1 to {_KEY_MAX} bytes; this one has {length}")


def check_value(value: bytes) -> None:
    """``Invalid`` unless the host would take it."""
    if len(value) > _VALUE_MAX:
        raise Invalid(f"a value has at most {_VALUE_MAX} bytes; this one has {len(value)}")


def check_batch(keys: Sequence[str]) -> None:
    """``Invalid`` unless the host would take all of them at once."""
    if len(keys) > _BATCH_MAX:
        raise Invalid(f"a batch has at most {_BATCH_MAX} entries; this one has {len(keys)}")
    for key in keys:
        check_key(key)
