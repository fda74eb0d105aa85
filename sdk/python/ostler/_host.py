"""Where capabilities come from: the host's imports inside of Wasm, a stand-in of ``ostler.testing`` everywhere else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .authz import Decision
    from .context import Context, Principal
    from .http import Outbound
    from .kv import Page
    from .log import Level
    from .rate_limit import Decision as LimitDecision
    from .response import Response


class Host(Protocol):
    """What the contract's imports do, with this package's types and exceptions."""

    def log(self, level: Level, message: str, fields: list[tuple[str, str]]) -> None: ...

    def config_get(self, key: str) -> str | None: ...

    def config_all(self) -> dict[str, str]: ...

    def context(self) -> Context: ...

    def deadline_left_ms(self) -> int: ...

    def principal(self) -> Principal | None: ...

    def parameters(self) -> dict[str, Any]: ...

    def authz_check(self, permission: str, resource: str) -> Decision: ...

    def rate_limit_check(self, limit: str, key: str, cost: int) -> LimitDecision: ...

    def cache_get(self, name: str, key: str) -> bytes | None: ...

    def cache_set(self, name: str, key: str, value: bytes, ttl_ms: int | None, tags: list[str]) -> None: ...

    def cache_delete(self, name: str, key: str) -> None: ...

    def cache_delete_tag(self, name: str, tag: str) -> None: ...

    def cache_get_or_compute_lock(self, name: str, key: str, wait_ms: int) -> bytes | None: ...

    def cache_unlock(self, name: str, key: str) -> None: ...

    def send(self, request: Outbound) -> Response: ...

    def kv_get(self, store: str, key: str) -> bytes | None: ...

    def kv_set(self, store: str, key: str, value: bytes, ttl_ms: int | None) -> None: ...

    def kv_delete(self, store: str, key: str) -> bool: ...

    def kv_exists(self, store: str, key: str) -> bool: ...

    def kv_list_keys(self, store: str, prefix: str, cursor: str | None, limit: int) -> Page: ...

    def kv_increment(self, store: str, key: str, delta: int) -> int: ...

    def kv_compare_and_swap(
        self, store: str, key: str, expected: bytes | None, value: bytes | None
    ) -> bool: ...

    def kv_get_many(self, store: str, keys: list[str]) -> list[bytes | None]: ...

    def kv_set_many(self, store: str, entries: list[tuple[str, bytes]]) -> None: ...

    def kv_delete_many(self, store: str, keys: list[str]) -> None: ...


#: The last one counts, so that a test's host may stand within another's.
installed: list[Host] = []


def current() -> Host:
    """The host to ask."""
    if installed:
        return installed[-1]
    if sys.platform == "wasi":
        raise RuntimeError(
            "modules are imported while the component is built, where no host is: "
            "use capabilities inside of the handler, not at the top of a module"
        )
    raise RuntimeError("no host: begin the test with `with ostler.testing.Host() as host:`")
