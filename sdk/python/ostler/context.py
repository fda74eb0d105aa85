"""Facts about the exchange being answered: who asks, with which parameters, until when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from . import _host

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Context:
    """By which route the request came, and which release answers it."""

    #: ``x-request-id`` of the reply.
    request_id: str
    #: Path pattern of the route that matched.
    route: str
    #: Name of this plugin.
    plugin: str
    #: Digest of the component that runs: ``sha256:...``.
    release: str
    #: Address of the client, without port.
    client_address: str


@dataclass(frozen=True)
class Principal:
    """Who was proved to ask, by the route's ``auth``. Nothing here is taken from what a client claims of itself."""

    #: Its identifier, such as a token's ``sub``.
    subject: str
    #: The tenant it belongs to.
    tenant: str | None = None
    #: Names of its roles. What they may do is the configuration's to say: ``authz`` asks that.
    roles: list[str] = field(default_factory=list)
    #: Scopes it was granted.
    scopes: list[str] = field(default_factory=list)
    #: How it proved itself: ``jwt``, ``introspection``, ``session``, ``api-key``, ``mtls`` or ``basic``.
    method: str = "jwt"
    #: When it proved itself, to the millisecond, in UTC.
    authenticated_at: datetime = _EPOCH
    #: The other claims of its token.
    claims: dict[str, Any] = field(default_factory=dict)


def current() -> Context:
    """The exchange being answered."""
    return _host.current().context()


def deadline_left() -> float:
    """Seconds until the host ends the call."""
    return _host.current().deadline_left_ms() / 1000


def principal() -> Principal | None:
    """Who asks; None on a route that lets everybody in."""
    return _host.current().principal()


def parameters() -> dict[str, Any]:
    """Parameters of path, query, header and cookies by name, as the route's OpenAPI document types them. Empty without one."""
    return _host.current().parameters()


def parameter(name: str, default: Any = None) -> Any:
    """One of them, or ``default`` if the request has none."""
    return parameters().get(name, default)
