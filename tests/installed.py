"""A package of somebody else's, as pip would install it."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import pytest

from emu.scenario import Scenario
from emu.scenario.mobility import whole


def install(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, text: str, points: str
) -> None:
    """A module of this text, and its distribution's entry points, on the path for one test."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    distribution = folder / f"{name}-1.dist-info"
    distribution.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
    (distribution / "METADATA").write_text(metadata, encoding="utf-8")
    (distribution / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)


def bring(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, group: str, entry: str, text: str
) -> None:
    """A package that brings one thing, whose declaration is ``THERE`` in a module of this text."""
    (folder / name).mkdir()
    install(monkeypatch, folder / name, name, text, f"[{group}]\n{entry} = {name}:THERE\n")


def as_if_started_anew() -> None:
    """Which schemes are installed is looked up once, when the first scenario is read."""
    whole.cache_clear()
    with suppress(ValueError):  # which is told when a scenario is read
        Scenario.model_rebuild(force=True)
