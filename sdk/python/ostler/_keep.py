"""Modules that a program imports late, kept in memory: once a component is built there are no files to import from.

Inside of Wasm only. What is kept is the source of every module beside those that the build has imported already.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

#: Parts of the standard library that no handler can use: tests, windows, installers, the IDE.
_USELESS = {
    "__phello__",
    "__pycache__",
    "_pyrepl",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
    "venv",
}


class Kept:
    """Finds and loads what is kept, after everyone else has failed."""

    def __init__(self) -> None:
        self._modules: dict[str, tuple[str, bool, bytes]] = {}

    def keep(self, folders: Iterable[str]) -> None:
        """Keeps all modules below the folders, of two with one name the first."""
        for folder in folders:
            for name, path, package in _modules(folder):
                if name not in sys.modules and name not in self._modules:
                    with open(path, "rb") as file:
                        self._modules[name] = (path, package, zlib.compress(file.read()))

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Called by Python's import."""
        if name not in self._modules:
            return None
        file, package, _ = self._modules[name]
        spec = spec_from_loader(name, self, origin=file, is_package=package)  # type: ignore[arg-type]
        if spec is not None:
            # Modules expect to have a `__file__`, if only to build paths from it.
            spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Called by Python's import: an ordinary module."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Called by Python's import: runs the module."""
        file, _, packed = self._modules[module.__name__]
        exec(compile(zlib.decompress(packed), file, "exec", dont_inherit=True), module.__dict__)


def _modules(folder: str) -> Iterator[tuple[str, str, bool]]:
    """Names and files of the modules below a folder, and whether they are packages."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _USELESS and name.isidentifier())
        above = place[len(folder) :].strip("/").split("/") if place != folder else []
        for file in sorted(files):
            stem, end = os.path.splitext(file)
            if end != ".py":
                continue
            path = f"{place}/{file}"
            if stem != "__init__":
                yield ".".join([*above, stem]), path, False
            elif above:
                yield ".".join(above), path, True
