"""Directories of the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "files"
"""Files as vendors send them, each beside its expected outcome in `<file>.json`."""
OUTCOMES = sorted(CORPUS.glob("*.json"))
