"""``make compiled``: the cores and the simulator of i3 as machine code (emu.simulator.compiled)."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from mypyc.build import mypycify
from setuptools import Distribution
from setuptools.command.build_ext import build_ext

from emu.simulator.compiled import CHECKOUT, modules, place


def main() -> None:
    """Compile the sources as they are, unless that is done; what is of others goes."""
    os.chdir(CHECKOUT)
    target = place()
    if target.is_dir():
        return
    print("setup: compiling the simulator of i3, which takes a minute or more", flush=True)
    shutil.rmtree(target.parent, ignore_errors=True)
    target.parent.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = _compiled(Path(folder))
        if place() != target:
            raise SystemExit("setup: sources have changed meanwhile; make compiled again")
        made.rename(target)  # whole, or not at all


def _compiled(folder: Path) -> Path:
    """Compiles in a folder; where the modules are then."""
    options = ["--config-file=setup.cfg", f"--cache-dir={folder / 'types'}"]
    extensions = mypycify(
        [*options, *modules()], group_name="emu_compiled", target_dir=str(folder / "c")
    )
    command = build_ext(Distribution({"name": "emu", "ext_modules": extensions}))
    command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "objects")
    command.ensure_finalized()
    command.run()
    return folder / "lib"


if __name__ == "__main__":
    main()
