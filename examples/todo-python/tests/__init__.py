"""Finds the SDK, so that the tests need no environment of their own."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / "../../sdk/python")]
