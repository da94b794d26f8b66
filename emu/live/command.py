"""``emu replay``: serve a record until who started it has seen enough."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from emu.live.replay import Replay
from emu.live.server import serving


def replay(record: Replay, port: int, tell: Callable[[str], None]) -> None:
    """Serve a record until Ctrl-C, SIGTERM or SIGHUP; ``tell`` gets the page's address."""
    asyncio.run(_replay(record, port, tell))


async def _replay(record: Replay, port: int, tell: Callable[[str], None]) -> None:
    enough = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, enough.set)
    async with serving(record, port) as address:
        tell(address)
        await enough.wait()
