"""A small sweep of the good scenario, in a folder."""

from __future__ import annotations

from pathlib import Path

from tests.unit.scenarios import GOOD

MATRIX = """\
name: small
scenario: base.yaml
seeds: 2
attempts: 3
axes:
  gap: {key: "events[handover].gap", values: [0, 50ms, 1s]}
  reach:
    choices:
      near: {topology.backhaul.delay: 1ms, topology.cmd.delay: 2ms}
      far: {topology.backhaul.delay: 30ms}
"""


def write_matrix(directory: Path, text: str = MATRIX) -> Path:
    """Write a matrix and the scenario that it names; the matrix's file."""
    (directory / "base.yaml").write_text(GOOD, encoding="utf-8")
    path = directory / "matrix.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def spoiled_matrix(old: str, new: str) -> str:
    """The matrix with one thing replaced."""
    assert MATRIX.count(old) == 1, f"{old!r} is not in the matrix once"
    return MATRIX.replace(old, new)
