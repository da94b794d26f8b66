"""Packages that a page of docs/ shows: copied as a reader does, and installed by pip."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
_BLOCK = re.compile(r"^```(?:python|toml|yaml)\n(.*?)^```$", re.S | re.M)
HUB = ("schemes.md", "hub.py", "hub_agent.py", "pyproject.toml", "scenario.yaml")
ROADSIDE = (
    "extensions.md",
    "roadside.py",
    "roadside_ring.py",
    "pyproject.toml",
    "scenario.yaml",
    "multicast.yaml",
)
"""The page, and the names of its files, in their order."""


def install(package: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """The package as pip installs it, in a place of its own; that, and the first scenario."""
    source, place = folder / "package", folder / "installed"
    source.mkdir()
    page, *files = package
    blocks = _BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    for name, text in zip(files, blocks, strict=True):
        (source / name).write_text(text, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *offline, "--target", place, source], check=True, timeout=300)
    return place, source / "scenario.yaml"
