"""Log lines. The host adds plugin, release and request id to each.

    log.info("link made", slug="abc", visits=3)

Python's own ``logging`` arrives at the same place, from level warning on unless a program sets another.
"""

from __future__ import annotations

import enum
import logging

from . import _host


class Level(enum.Enum):
    """How much a line matters."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


def write(level: Level, message: str, /, **fields: object) -> None:
    """Writes one line with fields."""
    texts = [(name, str(value)) for name, value in fields.items()]
    _host.current().log(level, message, texts)


def trace(message: str, /, **fields: object) -> None:
    """Writes one line at level trace."""
    write(Level.TRACE, message, **fields)


def debug(message: str, /, **fields: object) -> None:
    """Writes one line at level debug."""
    write(Level.DEBUG, message, **fields)


def info(message: str, /, **fields: object) -> None:
    """Writes one line at level info."""
    write(Level.INFO, message, **fields)


def warn(message: str, /, **fields: object) -> None:
    """Writes one line at level warn."""
    write(Level.WARN, message, **fields)


def error(message: str, /, **fields: object) -> None:
    """Writes one line at level error."""
    write(Level.ERROR, message, **fields)


class Handler(logging.Handler):
    """Carries records of Python's ``logging`` to the host's log. ``ostler build`` sets it up as the root's only handler."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            write(_level(record.levelno), self.format(record), logger=record.name)
        except Exception:  # As everywhere in `logging`: a line that fails must not fail the program.
            self.handleError(record)


def _level(number: int) -> Level:
    if number < logging.DEBUG:
        return Level.TRACE
    steps = [(logging.ERROR, Level.ERROR), (logging.WARNING, Level.WARN), (logging.INFO, Level.INFO)]
    return next((level for least, level in steps if number >= least), Level.DEBUG)
