"""Flags in memory, each with one value whatever the context, and what a handler added and reported."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from .. import _json
from ..flags import Details, ErrorCode, Value

_ATTRIBUTES = 64
_ATTRIBUTE_BYTES = 16 * 1024
_METRIC = re.compile(r"[a-z0-9._-]{1,64}")
_T = TypeVar("_T", bound=Value)


class Flags:
    """What flags say, the attributes of their context, and tracked metrics."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self.values = dict(values)
        self.context: dict[str, Any] = {}
        self.tracked: list[tuple[str, float]] = []

    def resolve(self, key: str, default: _T) -> Details[Any]:
        """The answer, as the host would give it."""
        if key not in self.values:
            return Details(default, None, "ERROR", ErrorCode.FLAG_NOT_FOUND, f"flag {key!r} is not there")
        value = self.values[key]
        if _kind(value) != _kind(default):
            text = f"flag {key!r} is {_kind(value)}, not {_kind(default)}"
            return Details(default, None, "ERROR", ErrorCode.TYPE_MISMATCH, text)
        return Details(value, None, "STATIC")

    def add(self, attributes: Iterable[tuple[str, str]]) -> bool:
        """All of them or none."""
        after = self.context | {name: _json.loads(text.encode()) for name, text in attributes}
        size = sum(len(name.encode()) + len(_json.dumps(value)) for name, value in after.items())
        if len(after) > _ATTRIBUTES or size > _ATTRIBUTE_BYTES:
            return False
        self.context = after
        return True

    def track(self, metric: str, value: float) -> bool:
        """Whether it was taken."""
        taken = _METRIC.fullmatch(metric) is not None and math.isfinite(value)
        if taken:
            self.tracked.append((metric, value))
        return taken


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    return "an object" if isinstance(value, dict) else "a number"
