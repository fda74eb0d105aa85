"""A rate limit in memory: a number for each key, and the same again when its time is over."""

from __future__ import annotations

from ..rate_limit import Decision, Invalid


class Limit:
    """What each key has taken, and since when."""

    def __init__(self, admits: int, per: float) -> None:
        self._admits = admits
        self._per = per
        self._taken: dict[str, tuple[int, float]] = {}

    def check(self, key: str, cost: int, now: float) -> Decision:
        """The decision, as the host would give it."""
        length = len(key.encode())
        if not 1 <= length <= 512:
            raise Invalid(f"a key has 1 to 512 bytes; this one has {length}")
        if not 1 <= cost <= 1_000_000:
            raise Invalid(f"a cost is 1 to 1000000; this one is {cost}")
        taken, since = self._taken.get(key, (0, now))
        if now >= since + self._per:
            taken, since = 0, now
        admitted = taken + cost <= self._admits
        if admitted:
            taken += cost
        self._taken[key] = (taken, since)
        return Decision(admitted, self._admits - taken, 0 if admitted else since + self._per - now)
