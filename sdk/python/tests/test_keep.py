"""Modules imported late. In a component this is how every one of them is found."""

import importlib
import sys
import tempfile
import unittest
from pathlib import Path

from ostler._keep import Kept


class Keep(unittest.TestCase):
    def test_a_kept_module_is_imported_after_its_file_is_gone(self) -> None:
        kept = Kept()
        with tempfile.TemporaryDirectory() as folder:
            package = Path(folder) / "kept_package"
            (package / "tests").mkdir(parents=True)
            (package / "__init__.py").write_text("from .inner import VALUE\n")
            (package / "inner.py").write_text("VALUE = __name__\n")
            (package / "tests/__init__.py").write_text("")
            kept.keep([folder])
        sys.meta_path.append(kept)
        self.addCleanup(sys.meta_path.remove, kept)
        found = importlib.import_module("kept_package")
        self.assertEqual((found.VALUE, found.__file__), ("kept_package.inner", str(package / "__init__.py")))
        for name in ("kept_package.tests", "kept_package.other"):
            with self.assertRaises(ModuleNotFoundError):
                importlib.import_module(name)
