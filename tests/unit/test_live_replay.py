"""What cannot be replayed is said in a line; what can is shown, also with one damaged run."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result

from emu import records
from emu.cli import commands
from emu.live.replay import Replay
from emu.measure import record
from tests.live_page import browser_page, replaying
from tests.synthetic_record import write_record


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = write_record(tmp_path / "record", runs=2)
    record.build(directory)
    return directory


def replay(*arguments: object) -> Result:
    return CliRunner().invoke(commands, ["replay", *map(str, arguments)])


def test_a_record_that_is_not_there_is_named(tmp_path):
    result = replay(tmp_path / "nowhere")
    assert result.exit_code == 2
    assert str(tmp_path / "nowhere") in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_run_that_goes_on_is_watched_otherwise(directory):
    with records.being_written(directory):
        result = replay(directory)
    assert (result.exit_code, result.stderr) == (2, f"{directory}: is still running\n")


def test_a_record_without_the_files_of_its_runs_says_so(directory):
    shutil.rmtree(directory / "runs")
    result = replay(directory)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{directory}: is without its runs")


def test_a_port_that_is_taken_is_named(directory):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = replay(directory, "--port", port)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"port {port} of 127.0.0.1: ")


def test_a_damaged_run_is_said_to_be_so_and_the_others_are_shown(directory):
    meta = directory / "runs/1/meta.json"
    meta.write_text(meta.read_text(encoding="utf-8")[:500], encoding="utf-8")
    with replaying(directory) as address:
        with browser_page(address) as page:
            page.locator("#state", has_text="run 1 cannot be read: ").wait_for()
            page.locator("#run").select_option("2")
            page.locator("#state", has_text="replay of run 2").wait_for()
        about = json.loads(urlopen(address + "runs.json", timeout=10).read())
        assert about == {"name": "tv-on-the-move", "live": False, "runs": [1, 2]}


def test_a_run_is_read_once_however_many_ask(directory):
    show = Replay(directory)

    async def ask() -> None:
        first, second = await asyncio.gather(show.feed(1), show.feed(1))
        assert first is second is not None
        assert await show.feed(7) is None

    asyncio.run(ask())
