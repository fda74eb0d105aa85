"""Finds the SDK, and what a build has installed, so that the tests need no environment of their own."""

import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent
sys.path[:0] = [str(PROJECT / {{sdk}}), str(PROJECT / ".ostler/packages")]
