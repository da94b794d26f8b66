"""Runs a test's body in a sandbox of its own: ``@in_sandbox`` above the test."""

from __future__ import annotations

import functools
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents.kernel.capabilities import probe
from emu import sandbox
from emu.network.build import Backends

ROOT = Path(__file__).parents[2]
PYTHON = {**os.environ, "PYTHONPATH": str(ROOT)}


@functools.cache
def backends() -> Backends:
    """The best that the running kernel offers."""
    capabilities = probe()
    return Backends(capabilities.switch_backend(), capabilities.delay_backend())


def in_sandbox(test: Callable[..., None]) -> Callable[..., None]:
    """The test, whose arguments are all JSON, run by a Python of its own in a fresh sandbox."""

    @functools.wraps(test)
    def outside(**arguments: Any) -> None:
        command = [sys.executable, "-m", __name__, test.__module__, test.__name__]
        process = sandbox.spawn(
            [*command, json.dumps(arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            environment=PYTHON,
        )
        output, _ = process.communicate()
        assert process.returncode == 0, output

    return outside


if __name__ == "__main__":
    outer = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])
    outer.__wrapped__(**json.loads(sys.argv[3]))
