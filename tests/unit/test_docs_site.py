"""``make docs`` builds a site of all pages, with the API, and without a link that leads nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 900
"""It reads every page and imports half of the toolkit, on a machine with other work."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (command,) = re.findall(
        r"^\t\.venv/bin/sphinx-build (.*) build/site$", the_makefile(), re.MULTILINE
    )
    made = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *command.split(), str(made)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return made


def the_makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


def test_it_has_every_page(site: Path) -> None:
    pages = [*ROOT.glob("docs/*.md"), *ROOT.glob("experiments/*/README.md"), ROOT / "README.md"]
    for page in pages:
        assert (site / page.relative_to(ROOT)).with_suffix(".html").exists(), page


def test_it_has_the_api_and_the_gallery(site: Path) -> None:
    api = (site / "docs/api.html").read_text(encoding="utf-8")
    assert 'id="emu.open_record"' in api
    assert 'id="emu.tables.Record.handovers"' in api
    gallery = (site / "docs/gallery.html").read_text(encoding="utf-8")
    for image in re.findall(r'<img [^>]*src="([^"]+)"', gallery):
        assert (site / "docs" / image).resolve().exists(), image
