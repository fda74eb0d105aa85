"""Path patterns: ``{id}`` stands for one segment, a final ``{*rest}`` for all that follows."""

from __future__ import annotations

from urllib.parse import unquote


def match_path(pattern: str, path: str) -> dict[str, str] | None:
    """What the names stand for, decoded; None if the path differs. Everything else must be equal, trailing slashes too."""
    found: dict[str, str] = {}
    wanted, given = pattern.split("/"), path.split("/")
    for at, part in enumerate(wanted):
        name = part[1:-1] if part.startswith("{") and part.endswith("}") else None
        if name is not None and name.startswith("*"):
            if at >= len(given):
                return None
            found[name[1:]] = unquote("/".join(given[at:]))
            return found
        if at >= len(given):
            return None
        if name is None:
            if part != given[at]:
                return None
        elif given[at]:
            found[name] = unquote(given[at])
        else:
            return None
    return found if len(wanted) == len(given) else None
