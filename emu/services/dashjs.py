"""dash.js plays a DASH video in the browser of its host. Config: that of ``gstreamer``, and

folder      of the browser (``emu.services.browser``)

The events are GStreamer's, without ``reloaded``: dash.js asks again by itself for what was cut
short. They come from the page, by the Chrome DevTools Protocol, some milliseconds after the fact.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from agents.roles.daemon import EventLog
from emu.services.browser import ADDRESS, PAGE

_BINDING = "tell"
_LOOK_S = 0.02
_GRACE_S = 1.0
_LOADED = "typeof play === 'function'"
"""Asked of a page that is not there yet, too: it is another one until then."""


class Page:
    """The page of the browser; ``told`` has what it says."""

    def __init__(self, socket: Any) -> None:
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session: str | None = None

    async def attach(self) -> None:
        """Find it, and wait until it is loaded."""
        while (target := await self._find()) is None:
            await asyncio.sleep(_LOOK_S)
        attached = await self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        await self._ask("Runtime.enable")
        await self._ask("Runtime.addBinding", name=_BINDING)
        while not await self.run(_LOADED):
            await asyncio.sleep(_LOOK_S)

    async def run(self, expression: str) -> Any:
        """The value of an expression in it; RuntimeError if there is none."""
        done = await self._ask("Runtime.evaluate", expression=expression)
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"]["exception"]["description"])
        return done.get("result", {}).get("value")

    async def listen(self) -> None:
        """Take what the browser sends, until it ends."""
        while (text := await self._socket.read_message()) is not None:
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message.get("result", {}))
            elif message["method"] == "Runtime.bindingCalled":
                self.told.put_nowait(json.loads(message["params"]["payload"]))
        self.told.put_nowait({"kind": "player_ended", "reason": "the browser ended"})

    async def _find(self) -> str | None:
        targets = (await self._ask("Target.getTargets"))["targetInfos"]
        found = [one["targetId"] for one in targets if one["url"].endswith(PAGE)]
        return found[0] if found else None

    async def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        session = {} if self._session is None else {"sessionId": self._session}
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        await self._socket.write_message(
            json.dumps({"id": number, "method": method, "params": parameters, **session})
        )
        return await answer


async def _play(config: dict[str, Any]) -> None:
    from tornado.websocket import WebSocketClosedError, websocket_connect

    log = EventLog(config["events"], config["node"])
    port, path, *_ = (Path(config["folder"]) / ADDRESS).read_text(encoding="utf-8").split("\n")
    page = Page(await websocket_connect(f"ws://127.0.0.1:{port}{path}"))
    listening = asyncio.create_task(page.listen())
    await page.attach()
    await asyncio.sleep((config["start_ns"] - time.monotonic_ns()) / 1e9)
    log.write("player_started", service=config["service"])
    arguments = json.dumps([config["uri"], config["buffer_ns"] / 1e9])
    await page.run(f"play(...{arguments})")
    reason = "stopped"
    with suppress(asyncio.TimeoutError, asyncio.CancelledError):
        reason = await asyncio.wait_for(
            _follow(page, log, config["service"]), (config["stop_ns"] - time.monotonic_ns()) / 1e9
        )
    log.write("player_ended", service=config["service"], reason=reason)
    with suppress(asyncio.TimeoutError, WebSocketClosedError):  # by a browser that has ended
        await asyncio.wait_for(page.run("player.reset()"), _GRACE_S)
    listening.cancel()


async def _follow(page: Page, log: EventLog, service: str) -> str:
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
