"""What the principal of the exchange may do, by the same roles and rules that guard routes (``[authorization]``)."""

from __future__ import annotations

from dataclasses import dataclass

from . import _host, context
from .problem import Forbidden


@dataclass(frozen=True)
class Decision:
    """An answer of the host; true if it may."""

    #: Whether it may.
    allowed: bool
    #: What decided; for logs, not for clients.
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


def check(permission: str, resource: str = "") -> Decision:
    """Whether the principal may use ``permission`` on ``resource``, such as ``orders/17`` (empty: none in particular)."""
    return _host.current().authz_check(permission, resource)


def require(permission: str, resource: str = "") -> None:
    """Raises ``Forbidden`` (403, code ``forbidden``) unless it may. Only a principal that is known is told what it lacks."""
    if check(permission, resource):
        return
    if context.principal() is None:
        raise Forbidden("this is not allowed", code="forbidden")
    place = f" on {resource}" if resource else ""
    raise Forbidden(f"this needs the permission {permission}{place}", code="forbidden")
