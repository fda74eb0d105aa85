"""JSON as RFC 8259 has it: what Python's own reader takes beyond that (``NaN``, half a surrogate pair) is refused."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


def dumps(value: Any) -> bytes:
    """``value`` in UTF-8 without spaces. ``TypeError`` or ``ValueError`` if it has no JSON form."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def loads(body: bytes) -> Any:
    """The value of ``body``; ``ValueError`` with the reason if it is not JSON."""
    try:
        value = json.loads(body.decode(), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if _HALF_PAIR.search(body):
        try:
            dumps(value)
        except UnicodeEncodeError:
            raise ValueError("it holds half of a surrogate pair") from None
    return value


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
