"""JSON as RFC 8259 has it: what Python's own reader takes beyond that (``NaN``, half a surrogate pair) is refused."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any, NoReturn

#: Python's reader recurses, and in a component nothing stops it before the stack is used up (beyond 1,500 levels), which ends
#: the instance.
DEPTH_MAX = 500

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
#: Opening brackets as 1, closing ones as -1.
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


def dumps(value: Any) -> bytes:
    """``value`` in UTF-8 without spaces. ``TypeError`` or ``ValueError`` if it has no JSON form."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def loads(body: bytes) -> Any:
    """The value of ``body``; ``ValueError`` with the reason if it is not JSON."""
    if body.count(b"[") + body.count(b"{") > DEPTH_MAX and _depth(body) > DEPTH_MAX:
        raise ValueError(f"it is nested more than {DEPTH_MAX} deep")
    value = json.loads(body.decode(), parse_constant=_refuse)
    if _HALF_PAIR.search(body):
        try:
            dumps(value)
        except UnicodeEncodeError:
            raise ValueError("it holds half of a surrogate pair") from None
    return value


def _depth(body: bytes) -> int:
    """Levels that a reader goes down at most. Long bodies come here, so no step of it is a loop of Python's own."""
    brackets = _STRING.sub(b"", body).translate(_STEPS, _NO_BRACKET)
    return max(accumulate(memoryview(brackets).cast("b")), default=0)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
