"""dash.js plays a DASH video in the browser of its host. Config: that of ``gstreamer``, and

folder      of the browser (``emu.services.browser``)

The events are GStreamer's, without ``reloaded``: dash.js asks again by itself for what was cut
short. They come from the page, by the Chrome DevTools Protocol, some milliseconds after the fact.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from agents.roles.daemon import EventLog
from emu.services import devtools

_GRACE_S = 1.0


async def _play(config: dict[str, Any]) -> None:
    from tornado.websocket import WebSocketClosedError

    log = EventLog(config["events"], config["node"])
    async with devtools.attached(Path(config["folder"])) as page:
        await asyncio.sleep((config["start_ns"] - time.monotonic_ns()) / 1e9)
        log.write("player_started", service=config["service"])
        arguments = json.dumps([config["uri"], config["buffer_ns"] / 1e9])
        await page.run(f"play(...{arguments})")
        reason = "stopped"
        left_s = (config["stop_ns"] - time.monotonic_ns()) / 1e9
        with suppress(asyncio.TimeoutError, asyncio.CancelledError):
            reason = await asyncio.wait_for(_follow(page, log, config["service"]), left_s)
        log.write("player_ended", service=config["service"], reason=reason)
        with suppress(asyncio.TimeoutError, ConnectionError, WebSocketClosedError):
            await asyncio.wait_for(page.run("player.reset()"), _GRACE_S)


async def _follow(page: devtools.Page, log: EventLog, service: str) -> str:
    """Log what the page tells, until the video has ended; why it has."""
    while (told := await page.told.get())["kind"] != "player_ended":
        log.write(told.pop("kind"), service=service, **told)
    return str(told["reason"])


async def _main(config: dict[str, Any]) -> None:
    playing = asyncio.create_task(_play(config))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)
    with suppress(asyncio.CancelledError):
        await playing


def main(config: dict[str, Any]) -> None:
    """Play from start to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_main(config))
