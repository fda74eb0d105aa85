"""What experiments are decided by: counted for the release that runs, and for the variants of the flags it has asked for."""

from __future__ import annotations

from . import _host


def track(metric: str, value: float = 1) -> bool:
    """Counts ``value`` of ``metric`` (1 to 64 of ``a-z 0-9 - _ .``). False if the name, or a value that is not finite, is refused."""
    return _host.current().experiment_track(metric, float(value))
