"""A headless Chromium in a host, with a page that plays DASH videos by dash.js. Config:

service, node, events   names and the event log
folder                  for all that it writes: its profile, the page

It is ready when the page is loaded.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from agents.kernel import libc
from agents.roles.daemon import EventLog
from emu.requirements import CHROMIUM, DASHJS
from emu.services import devtools
from emu.services.devtools import PAGE, PROFILE
from emu.traffic.process import prepare, release_signals, wait_until

_LOOK_NS = 50_000_000
_GRACE_S = 2
_OPTIONS = (
    "--headless",
    "--log-level=3",  # nothing of the desktop that it misses
    "--no-sandbox",  # which it refuses to root
    "--remote-debugging-port=0",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-web-security",  # the page is not of the server whose videos it plays
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-renderer-backgrounding",
    "--disable-sync",
    "--mute-audio",
    "--no-first-run",
)


def main(config: dict[str, Any]) -> None:
    """Run the browser until told to stop; SystemExit, with a line, if it ends before."""
    folder = Path(config["folder"])
    prepare()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    try:
        process = _start(folder)
        log = EventLog(config["events"], config["node"])
        _serve(process, folder, partial(log.write, "service_ready", service=config["service"]))
        if process.poll() is not None:
            sys.exit(f"{CHROMIUM.name} of {config['service']} ended: {process.returncode}")
        process.terminate()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    assert CHROMIUM.path is not None
    assert DASHJS.path is not None
    shutil.copy(DASHJS.path, folder)
    page = folder / PAGE
    page.write_bytes(resources.files("emu.services").joinpath(PAGE).read_bytes())
    return subprocess.Popen(
        [CHROMIUM.path, *_OPTIONS, f"--user-data-dir={folder / PROFILE}", page.as_uri()],
        stdin=subprocess.DEVNULL,
        preexec_fn=_begin,
        env={"HOME": str(folder), "TMPDIR": str(folder), "PATH": "/usr/bin:/bin"},
    )


def _begin() -> None:
    """In the child: end when the parent does."""
    release_signals()
    libc.set_parent_death_signal(signal.SIGTERM)


def _serve(process: subprocess.Popen[bytes], folder: Path, tell: Callable[[], None]) -> None:
    """Until it ends or SIGTERM comes; ``tell`` when its page is loaded."""
    is_ready = False
    while process.poll() is None:
        deadline = None if is_ready else time.monotonic_ns() + _LOOK_NS
        if wait_until(deadline, also=(signal.SIGCHLD,)) == signal.SIGTERM:
            return
        if not is_ready and devtools.address(folder) is not None:
            with suppress(ConnectionError):
                asyncio.run(_load(folder))
                is_ready = True
                tell()


async def _load(folder: Path) -> None:
    async with devtools.attached(folder):
        pass
