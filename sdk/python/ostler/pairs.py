"""Names and values that may repeat: parameters of a query or a form, and header fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from urllib.parse import parse_qsl

#: What a header field may be set to.
HeaderValue = str | bytes
#: What headers may be made of.
HeaderItems = Mapping[str, HeaderValue] | Iterable[tuple[str, HeaderValue]]


class Pairs(Mapping[str, str]):
    """Decoded ``name=value`` pairs in the order they came. As a mapping, the first value of a name counts."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = list(pairs)

    @classmethod
    def parse(cls, text: str) -> Pairs:
        """Reads ``a=1&b=two+words``."""
        return cls(parse_qsl(text, keep_blank_values=True, errors="replace"))

    def __getitem__(self, name: str) -> str:
        for key, value in self._pairs:
            if key == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key for key, _ in self._pairs))

    def __len__(self) -> int:
        return len({key for key, _ in self._pairs})

    def __repr__(self) -> str:
        return f"Pairs({self._pairs!r})"

    def get_all(self, name: str) -> list[str]:
        """Every value of ``name``, in order."""
        return [value for key, value in self._pairs if key == name]

    def pairs(self) -> list[tuple[str, str]]:
        """All of them, repeated names included."""
        return list(self._pairs)


class Headers(MutableMapping[str, str]):
    """Header fields. Names compare without regard to case; as a mapping, the first value of a name counts.

    Values are bytes on the wire. They are read as UTF-8, or as Latin-1 if they are not that; ``raw`` has the bytes.
    """

    def __init__(self, items: HeaderItems = ()) -> None:
        self.raw: list[tuple[str, bytes]] = []
        for name, value in items.items() if isinstance(items, Mapping) else items:
            self.add(name, value)

    def add(self, name: str, value: HeaderValue) -> None:
        """Adds a field beside those of the same name."""
        self.raw.append((name.lower(), value.encode() if isinstance(value, str) else bytes(value)))

    def get_all(self, name: str) -> list[str]:
        """Every value of ``name``, in order."""
        name = name.lower()
        return [_text(value) for key, value in self.raw if key == name]

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return values[0]

    def __setitem__(self, name: str, value: HeaderValue) -> None:
        """Replaces all fields of the name by one."""
        self.raw = [pair for pair in self.raw if pair[0] != name.lower()]
        self.add(name, value)

    def __delitem__(self, name: str) -> None:
        left = [pair for pair in self.raw if pair[0] != name.lower()]
        if len(left) == len(self.raw):
            raise KeyError(name)
        self.raw = left

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self.raw))

    def __len__(self) -> int:
        return len({name for name, _ in self.raw})

    def __repr__(self) -> str:
        return f"Headers({self.raw!r})"


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
