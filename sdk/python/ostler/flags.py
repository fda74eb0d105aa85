"""Feature flags of the host. Asking never fails: a flag that is missing or of another type gives the default, and ``resolve``
says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

from . import _host, _json

#: What a flag may say: a value of one of four types.
Value = bool | str | float | dict[str, Any]
_T = TypeVar("_T", bound=Value)


class ErrorCode(Enum):
    """Why a flag gave the default, as the OpenFeature specification names it."""

    PROVIDER_NOT_READY = "PROVIDER_NOT_READY"
    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"
    PARSE_ERROR = "PARSE_ERROR"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"
    INVALID_CONTEXT = "INVALID_CONTEXT"
    GENERAL = "GENERAL"


@dataclass(frozen=True)
class Details(Generic[_T]):
    """A flag's answer, with what led to it."""

    #: The value; the default that was passed if there was an error.
    value: _T
    #: Name of the variant; none for the default that was passed.
    variant: str | None
    #: ``STATIC``, ``DEFAULT``, ``TARGETING_MATCH``, ``SPLIT``, ``CACHED``, ``DISABLED``, ``UNKNOWN``, ``STALE`` or ``ERROR``.
    reason: str
    #: What went wrong, if anything did, and the same in words.
    error_code: ErrorCode | None = None
    error_message: str | None = None
    #: What the flag's definition says of itself.
    metadata: dict[str, Any] = field(default_factory=dict)


def get_boolean(key: str, default: bool) -> bool:
    """The boolean flag ``key``, or ``default``."""
    return _host.current().flags_get_boolean(key, default)


def get_string(key: str, default: str) -> str:
    """The string flag ``key``, or ``default``."""
    return _host.current().flags_get_string(key, default)


def get_number(key: str, default: float) -> float:
    """The number flag ``key``, or ``default``."""
    return _host.current().flags_get_number(key, float(default))


def get_object(key: str, default: dict[str, Any]) -> dict[str, Any]:
    """The object flag ``key``, or ``default``."""
    return _host.current().flags_get_object(key, default)


def resolve(key: str, default: _T) -> Details[_T]:
    """The flag ``key`` of the type of ``default``, with variant, reason and what went wrong."""
    return _host.current().flags_resolve(key, default)


def add_context(attributes: Mapping[str, Any]) -> bool:
    """Adds attributes to what the host says of the exchange (``targetingKey``, ``subject``, ``tenant``, ``roles``, ``address``,
    ``route``, ``method``, ``path``, ``host``, ``plugin``, ``release``), for the rest of this exchange; ``targetingKey`` may be
    set as well. False, and nothing added, if they are more than 64 or 16 KiB, or one has no JSON form."""
    try:
        texts = [(name, _json.dumps(value).decode()) for name, value in attributes.items()]
    except (TypeError, ValueError):
        return False
    return _host.current().flags_add_context(texts)
