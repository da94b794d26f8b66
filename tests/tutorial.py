"""docs/tutorial.md as something to do: the files that it has one save, the commands to type."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tutorial.md"
_STEP = re.compile(
    r"(?:Save this as `(?P<path>[^`]+)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Step:
    """A file to save (``path``), or a command with what it prints, if the page says so."""

    text: str
    path: str | None = None
    prints: str | None = None


def steps() -> list[Step]:
    """All of the page, in order."""
    found: list[Step] = []
    for block in _STEP.finditer(PAGE.read_text(encoding="utf-8")):
        if block["path"]:
            found.append(Step(block["text"], path=block["path"]))
        elif block["kind"] == "sh":
            found.append(Step(block["text"]))
        else:
            assert block["kind"] == "text", block["kind"]
            found[-1].prints = block["text"]
    return found


def follow(
    directory: Path, *, as_root: bool
) -> Iterator[tuple[Step, subprocess.CompletedProcess[str]]]:
    """Do each step in a folder that is like the checkout; without root what needs no run."""
    (directory / ".venv").symlink_to(sys.prefix)
    sudo = directory / "bin" / "sudo"  # the tests are root's already
    sudo.parent.mkdir()
    sudo.write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
    sudo.chmod(0o755)
    environment = {**os.environ, "PATH": f"{sudo.parent}:{os.environ['PATH']}", "COLUMNS": "200"}
    for step in steps():
        if step.path is not None:
            (directory / step.path).write_text(step.text, encoding="utf-8")
        elif as_root or not re.search("^sudo|figure|emu list", step.text, re.MULTILINE):
            yield (
                step,
                subprocess.run(
                    ["bash", "-ec", step.text],
                    cwd=directory,
                    env=environment,
                    capture_output=True,
                    encoding="utf-8",
                    timeout=600,
                ),
            )
