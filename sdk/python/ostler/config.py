"""Values of the plugin's definition: ``grant = { config = { greeting = "hi" } }``."""

from __future__ import annotations

from typing import overload

from . import _host


@overload
def get(key: str) -> str | None: ...


@overload
def get(key: str, default: str) -> str: ...


def get(key: str, default: str | None = None) -> str | None:
    """The value under ``key``, or ``default`` if the definition has no such key."""
    value = _host.current().config_get(key)
    return default if value is None else value


def require(key: str) -> str:
    """The value under ``key``; ``LookupError`` that names what to add to the definition if there is none."""
    value = get(key)
    if value is None:
        raise LookupError(f"the plugin's definition lacks grant.config.{key}")
    return value


def all() -> dict[str, str]:
    """All of them, by key."""
    return _host.current().config_all()
