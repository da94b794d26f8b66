"""What ``--help`` shows can be typed, and a shell completes it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from emu.cli import commands
from tests.patience import PATIENCE_S

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
EMU = Path(sys.executable).parent / "emu"


def leaves(group: click.Group, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*way, name))
        else:
            yield (*way, name)


def help_of(way: tuple[str, ...]) -> str:
    return CliRunner().invoke(commands, [*way, "--help"]).stdout


@pytest.mark.parametrize("way", [*leaves(commands)], ids=" ".join)
def test_every_command_shows_examples_that_it_takes(way: tuple[str, ...]) -> None:
    _, _, after = help_of(way).partition("Examples:\n")
    lines = [line.strip() for line in after.splitlines() if line.strip()]
    assert lines
    for line in lines:
        words = shlex.split(line.partition(" > ")[0].partition(" < ")[0])
        assert tuple(words[: len(way) + 1]) == ("emu", *way)
        command: click.Command = commands
        for word in way:
            assert isinstance(command, click.Group)
            command = command.commands[word]
        command.make_context(way[-1], words[len(way) + 1 :])  # raises for what it does not take


def test_every_command_is_in_the_readme() -> None:
    for way in leaves(commands):
        assert f"`emu {way[0]}" in README, way


def completed(directory: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words, with the script that emu makes for it."""
    quoted = " ".join(map(shlex.quote, (str(EMU), *words)))
    script = f"""
        eval "$(_EMU_COMPLETE=bash_source {EMU})" || exit 1
        COMP_WORDS=({quoted}); COMP_CWORD={len(words)}
        _emu_completion {EMU}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=True,
    )
    return done.stdout.split()


def test_bash_completes_commands_options_and_records(tmp_path: Path) -> None:
    assert shutil.which("bash")
    record = tmp_path / "results/tv/20260101T000000Z-1"
    record.mkdir(parents=True)
    assert completed(tmp_path, "s") == ["schema", "shell", "show", "simulate", "sweep"]
    assert completed(tmp_path, "sweep", "--d") == ["--dry-run"]
    assert completed(tmp_path, "report", "r") == ["results/tv/20260101T000000Z-1"]
    assert completed(tmp_path, "schema", "m") == ["matrix"]


def test_the_readme_says_how_a_shell_is_told() -> None:
    assert 'eval "$(_EMU_COMPLETE=bash_source emu)"' in README
