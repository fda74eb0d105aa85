"""Rate limits of the plugin's definition (``grant = { limits = ["exports"] }``), for what costs inside a handler."""

from __future__ import annotations

import math
from dataclasses import dataclass

from . import _host, problem


class Error(Exception):
    """Why a limit gave no decision."""


class Denied(Error):
    """Not granted; the text names the missing grant."""


class Invalid(Error):
    """A key (1 to 512 bytes) or cost (1 to 1,000,000) is outside its limits."""


class Unavailable(Error):
    """The shared store is gone, and the limit fails closed."""


@dataclass(frozen=True)
class Decision:
    """An answer of a limit; true if it admitted the cost."""

    #: Whether the cost was taken.
    admitted: bool
    #: What is left after this call.
    remaining: int
    #: Seconds until the cost would be admitted; 0 if it was.
    retry_after: float

    def __bool__(self) -> bool:
        return self.admitted


def check(limit: str, key: str, cost: int = 1) -> Decision:
    """Takes ``cost`` from what ``key`` has left of ``limit``, all or nothing."""
    if not 0 <= cost < 1 << 32:
        raise Invalid(f"a cost is 1 to 1000000; this one is {cost}")
    return _host.current().rate_limit_check(limit, key, cost)


def require(limit: str, key: str, cost: int = 1) -> int:
    """``check``, with a ``Problem`` in place of a refusal: 429 ``rate_limited`` with ``retry-after``, or 503
    ``limit_unavailable``. What is left."""
    try:
        decision = check(limit, key, cost)
    except Unavailable:
        text = "the limit on this cannot be checked at the moment"
        raise problem.Unavailable(text, code="limit_unavailable") from None
    if decision:
        return decision.remaining
    seconds = str(max(1, math.ceil(decision.retry_after)))
    text = f"too many of these; try again in {seconds} s"
    raise problem.Problem(429, text, code="rate_limited", headers={"retry-after": seconds})
