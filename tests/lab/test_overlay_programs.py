"""Programs of the machine's own over an overlay: session announcements, a chat, and Avahi."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lab import emu_run
from tests.unit.scripts import script

pytestmark = pytest.mark.root

programs = script("middleware/programs.py")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each host got."""
    place: Path = tmp_path_factory.mktemp("programs")
    done = emu_run.run(programs.prepare(place), place)
    assert done.ended, done.output
    folder = done.directory / "runs/1/programs"
    return {name: programs.row(folder, name) for name in programs.HOSTS}


def test_an_announced_session_is_played(rows: dict[str, dict[str, Any]]) -> None:
    """Up to the end of the packet that has the last of it."""
    played = {name: row["session_s"] for name, row in rows.items()}
    assert played.pop("m1") is None
    for seconds in played.values():
        assert programs.PLAYED_S <= seconds < programs.PLAYED_S + 1


def test_each_hears_what_all_say(rows: dict[str, dict[str, Any]]) -> None:
    assert {row["heard"] for row in rows.values()} == {"m1 m2 m3"}


def test_each_finds_the_services_of_all(rows: dict[str, dict[str, Any]]) -> None:
    assert {row["services"] for row in rows.values()} == {"m1 m2 m3"}
