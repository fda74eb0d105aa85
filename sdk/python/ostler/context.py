"""Facts about the exchange being answered."""

from __future__ import annotations

from dataclasses import dataclass

from . import _host


@dataclass(frozen=True)
class Context:
    """Who asked, by which route, and which release answers."""

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


def current() -> Context:
    """The exchange being answered."""
    return _host.current().context()


def deadline_left() -> float:
    """Seconds until the host ends the call."""
    return _host.current().deadline_left_ms() / 1000
