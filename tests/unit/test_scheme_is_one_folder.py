"""A scheme is added in files of its own; three others change at most (docs/schemes.md)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from emu.schemes.registry import SCHEMES

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
).stdout.split("\0")[:-1]
NEWEST = ("fpmipv6", "hmipv6")
HERE = Path(__file__).resolve().relative_to(ROOT).as_posix()
OTHERS = {"README.md", "CHANGELOG.md", "docs/schemes.md"}


@pytest.mark.parametrize("name", NEWEST)
def test_three_files_besides_its_own_know_it(name: str) -> None:
    own = [path for path in TRACKED if name in path]
    assert {path.split("/")[0] for path in own} == {"agents", "docs", "emu", "experiments", "tests"}
    others = {path for path in TRACKED if path not in (*own, HERE) and (ROOT / path).is_file()}
    text = {path: (ROOT / path).read_bytes().lower() for path in others}
    assert {path for path in others if name.encode() in text[path]} == OTHERS


@pytest.mark.parametrize("name", NEWEST)
def test_agents_that_no_other_scheme_has_are_in_its_folder(name: str) -> None:
    def agents(scheme: str) -> set[str]:
        return {one for those in SCHEMES.find(scheme).programs.values() for one in those}

    shared = {one for other in SCHEMES.names() if other != name for one in agents(other)}
    alone = agents(name) - shared
    assert alone
    assert all(module.startswith(f"agents.roles.{name}.") for module in alone)
