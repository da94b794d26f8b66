"""A page in a headless browser, by the Chrome DevTools Protocol."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

PROFILE = "profile"
PAGE = "dashjs.html"
_BINDING = "tell"
_LOOK_S = 0.02
_LOADED = "typeof play === 'function'"
"""Asked of a page that is not there yet, too: it is another one until then."""
_ENDED = "the browser ended"


def address(folder: Path) -> str | None:
    """Where the browser with a folder can be told what to do; None: nowhere yet."""
    try:
        text = (folder / PROFILE / "DevToolsActivePort").read_text(encoding="utf-8")
        port, path = text.split("\n")[:2]
    except (FileNotFoundError, ValueError):
        return None
    return f"ws://127.0.0.1:{port}{path}"


@asynccontextmanager
async def attached(folder: Path) -> AsyncIterator[Page]:
    """The page of the browser with a folder, once it is loaded; ConnectionError if it ends."""
    from tornado.websocket import websocket_connect

    place = address(folder)
    if place is None:
        raise ConnectionError(_ENDED)
    socket = await websocket_connect(place)
    page = Page(socket)
    listening = asyncio.create_task(page.listen())
    try:
        await page.attach()
        yield page
    finally:
        listening.cancel()
        socket.close()


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
        self.told.put_nowait({"kind": "player_ended", "reason": _ENDED})
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionError(_ENDED))

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
