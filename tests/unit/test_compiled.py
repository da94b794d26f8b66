"""Machine code is used only if it is that of the sources as they are (``make compiled``)."""

from __future__ import annotations

import shutil
import sys

import pytest

from emu.simulator import compiled


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Sources, and what stands for machine code of them; none of the modules is loaded."""
    for folder in ("agents", "emu/simulator"):
        shutil.copytree(compiled.CHECKOUT / folder, tmp_path / folder)
    for path in compiled.modules(tmp_path):
        module = compiled.place(tmp_path) / path.replace(".py", compiled.EXTENSION_SUFFIXES[0])
        module.parent.mkdir(parents=True, exist_ok=True)
        module.touch()
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    names = {path.removesuffix(".py").replace("/", ".") for path in compiled.modules()}
    monkeypatch.setattr(sys, "modules", {k: v for k, v in sys.modules.items() if k not in names})
    return tmp_path


def test_machine_code_of_these_sources_is_found(checkout):
    compiled.use(checkout)
    spec = sys.meta_path[0].find_spec("agents.i3.member", None)
    assert spec.origin.startswith(f"{compiled.place(checkout)}/agents/i3/member.")
    assert sys.meta_path[0].find_spec("agents.i3.actions", None) is None
    assert sys.meta_path[0].find_spec("agents.core", None) is None


@pytest.mark.parametrize(
    "changed", ["agents/i3/member.py", "agents/core.py", "agents/wire/i3.py", "emu/simulator/i3.py"]
)
def test_machine_code_of_other_sources_is_not_used(checkout, changed):
    before = [*sys.meta_path]
    with (checkout / changed).open("a", encoding="utf-8") as source:
        source.write("# changed\n")
    compiled.use(checkout)
    assert sys.meta_path == before


def test_machine_code_is_not_mixed_with_what_is_loaded(checkout):
    before = [*sys.meta_path]
    sys.modules["agents.i3.server"] = sys
    compiled.use(checkout)
    assert sys.meta_path == before
