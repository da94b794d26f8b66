"""The conductor's side of the radio: starts the OpenFlow controller and asks it for handovers."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from emu.network.addressing import ROUTER_PREFIXES
from emu.network.build import Network
from emu.sandbox import RUN_DIRECTORY
from topologies.base import RADIO

PORT = 6653
"""OpenFlow's registered port; the sandbox's loopback is the run's own."""


class RadioError(Exception):
    """The radio could not do what it was asked for."""


@dataclass(frozen=True)
class L2Event:
    """A mobile node has found, got, lost, or is about to lose its link to an access point."""

    event: Literal["associated", "l2_up", "l2_down", "link_going_down"]
    mn: str
    mar: str
    time: int
    """CLOCK_MONOTONIC in ns: when the switch had confirmed it."""
    delivered: bool
    """Whether the MAR's agent got the trigger."""
    to: str | None = None
    """``link_going_down``: the MAR at which the node will have its next link."""


class Radio:
    """The controller process. Every call below ``connect`` may run concurrently with others."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        channel: socket.socket,
        on_event: Callable[[L2Event], None] | None,
    ) -> None:
        """Use ``launch``."""
        self.process = process
        self._ended: RadioError | None = None
        self._channel = channel
        self._on_event = on_event
        self._numbers = itertools.count(1)
        self._pending: dict[int, tuple[asyncio.Future[Any], list[L2Event]]] = {}
        self._reading: asyncio.Task[None]
        self._writer: asyncio.StreamWriter
        self._log: Path

    @classmethod
    def launch(cls, log: Path, on_event: Callable[[L2Event], None] | None = None) -> Radio:
        """Start the controller, which gets ready while the caller builds the network.

        ``log`` gets what it prints. ``on_event`` is called with every event as it happens.
        """
        ours, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        command = [sys.executable, "-m", "emu.radio.launcher", str(PORT), str(descriptor)]
        with theirs, log.open("wb") as output:
            process = subprocess.Popen(
                command, stderr=output, stdout=output, pass_fds=[descriptor], start_new_session=True
            )
        radio = cls(process, ours, on_event)
        radio._log = log
        return radio

    async def connect(
        self,
        network: Network,
        directory: Path = RUN_DIRECTORY,
        authentication_ns: int = 0,
        *,
        source_guard: bool = True,
    ) -> None:
        """Put the network's switch under control; triggers go to ``directory/<mar>.trigger``.

        ``authentication_ns`` is how long a node is authenticated before its link can be used; with
        ``source_guard`` nodes send from their own addresses, and never as a router.
        """
        reader, self._writer = await asyncio.open_connection(sock=self._channel)
        if not await reader.readline():
            raise self._gone()
        controller = f"tcp:127.0.0.1:{PORT}"
        subprocess.run(["ovs-vsctl", "set-controller", RADIO, controller], check=True)
        self._reading = asyncio.ensure_future(self._read(reader))
        ports = network.interfaces(RADIO)
        await self._request(
            "configure",
            directory=os.fspath(directory),
            mobile_nodes={
                port.peer: [
                    port.name,
                    network.interface(port.peer, "wireless").link_layer_address,
                ]
                for port in ports
                if port.kind == "wireless"
            },
            access_points={port.peer: port.name for port in ports if port.kind == "access"},
            authentication_ns=authentication_ns,
            routers=[str(prefix) for prefix in ROUTER_PREFIXES] if source_guard else None,
        )

    async def attach(self, mn: str, mar: str) -> L2Event:
        """Attach a mobile node that is not attached; answers with its ``l2_up``."""
        *_, up = await self._request("attach", mn=mn, mar=mar)
        return up

    async def announce(self, mn: str, to: str) -> L2Event:
        """Tell the MAR where a node is attached that it will move; answers ``link_going_down``."""
        (announced,) = await self._request("announce", mn=mn, to=to)
        return announced

    async def move(
        self, mn: str, to: str, gap_ns: int, carrier: Literal["drop", "keep"] = "drop"
    ) -> tuple[L2Event, L2Event]:
        """Hand over; answers with ``l2_down`` at the old and ``l2_up`` at the new MAR."""
        down, *_, up = await self._request("move", mn=mn, to=to, gap_ns=gap_ns, carrier=carrier)
        return down, up

    async def detach(self, mn: str) -> L2Event:
        """Take a mobile node out of coverage; answers with its ``l2_down``."""
        (down,) = await self._request("detach", mn=mn)
        return down

    async def report(self, mar: str) -> None:
        """Tell a MAR that has just come up which nodes are attached to it."""
        await self._request("report", mar=mar)

    async def refused(self) -> dict[str, int]:
        """How many packets the source guard has dropped, by ``node.reason``."""
        done, _ = self._ask("refused")
        return cast(dict[str, int], await done)

    async def close(self) -> None:
        """End the controller."""
        self._writer.close()
        await self._reading
        self.process.wait()

    async def _request(self, request: str, **arguments: Any) -> list[L2Event]:
        done, events = self._ask(request, **arguments)
        await done
        return events

    def _ask(self, request: str, **arguments: Any) -> tuple[asyncio.Future[Any], list[L2Event]]:
        if self._ended is not None:
            raise self._ended
        number = next(self._numbers)
        events: list[L2Event] = []
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[number] = (done, events)
        message = {"id": number, "request": request, **arguments}
        self._writer.write(json.dumps(message).encode() + b"\n")
        return done, events

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Take answers until the controller ends."""
        while line := await reader.readline():
            self._take(json.loads(line))
        self._ended = self._gone()
        self._fail(self._ended)

    def _take(self, message: dict[str, Any]) -> None:
        if "failure" in message:
            self._fail(RadioError(message["failure"]))
            return
        done, events = self._pending[message["id"]]
        if "event" in message:
            event = L2Event(**message["event"])
            events.append(event)
            if self._on_event is not None:
                self._on_event(event)
            return
        del self._pending[message["id"]]
        if "error" in message:
            done.set_exception(RadioError(message["error"]))
        else:
            done.set_result(message["done"])

    def _fail(self, error: RadioError) -> None:
        for done, _ in self._pending.values():
            done.set_exception(error)
        self._pending.clear()

    def _gone(self) -> RadioError:
        said = self._log.read_text(errors="replace", encoding="utf-8").strip().splitlines()[-5:]
        return RadioError("the OpenFlow controller ended: " + "\n".join(said))
