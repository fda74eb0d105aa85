"""JSON as RFC 8259 has it: what Python's own reader takes beyond that (``NaN``, half a surrogate pair) is refused."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

#: Python's reader recurses, and in a component nothing stops it before the stack is used up (beyond 1,500 levels), which ends
#: the instance. Up to so many levels are always read; twice as many never.
DEPTH_MAX = 500

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


def dumps(value: Any) -> bytes:
    """``value`` in UTF-8 without spaces. ``TypeError`` or ``ValueError`` if it has no JSON form."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def loads(body: bytes) -> Any:
    """The value of ``body``; ``ValueError`` with the reason if it is not JSON."""
    if body.count(b"[") + body.count(b"{") > DEPTH_MAX and _is_deep(body):
        raise ValueError(f"it is nested more than {DEPTH_MAX} deep, or its brackets do not match")
    value = json.loads(body.decode(), parse_constant=_refuse)
    if _HALF_PAIR.search(body):
        try:
            dumps(value)
        except UnicodeEncodeError:
            raise ValueError("it holds half of a surrogate pair") from None
    return value


def _is_deep(body: bytes) -> bool:
    """Takes innermost pairs away, one or two levels a time. What is left has no partner and counts as a level each."""
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKET)
    for level in range(DEPTH_MAX + 1):
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(brackets):
            return level + len(brackets) > DEPTH_MAX
        brackets = fewer
    return True


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
