"""The loop that every agent runs: sockets and deadlines in, log lines out."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ipaddress
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from agents.core import Action, Core, Log
from agents.transitions import NoSuchTransition

Handler = Callable[[Any], None]

BUDGET = 32
"""The packets read from a socket before the others get their turn: a flood starves nobody."""


class EventLog:
    """The run's event file, to which every node appends; one JSON object a line.

    It may be a descriptor that is open already: standard error, which may be a socket of systemd's
    and so has no path by which it could be opened again.
    """

    def __init__(self, path: str | int, node: str) -> None:
        self._node = node
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._fd = path if isinstance(path, int) else os.open(path, flags, 0o644)

    def write(self, kind: str, **fields: Any) -> None:
        """Append one event, stamped with CLOCK_MONOTONIC in ns."""
        event = {"t": time.monotonic_ns(), "node": self._node, "kind": kind, **fields}
        # One write a line: with O_APPEND the lines of many nodes never mix.
        os.write(self._fd, json.dumps(event, default=as_json).encode() + b"\n")


def as_json(value: Any) -> Any:
    """How the log writes what JSON has no word for."""
    if isinstance(value, bytes):
        return value.hex(":")
    if isinstance(value, (ipaddress.IPv6Address, ipaddress.IPv6Network)):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if hasattr(value, "_asdict"):
        return value._asdict()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _named(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in the event log")


def _named(value: Any) -> Any:
    """Named tuples by their names; of itself JSON would make lists of them."""
    if not isinstance(value, tuple):
        return value
    if hasattr(value, "_asdict"):
        return {name: _named(part) for name, part in value._asdict().items()}
    return [_named(part) for part in value]


class Daemon:
    """Feeds cores from descriptors and timers, and carries out the actions they answer with."""

    def __init__(self, node: str, log_path: str | int) -> None:
        self.log = EventLog(log_path, node)
        self._loop = asyncio.new_event_loop()
        self._handlers: dict[type[Action], list[Handler]] = {Log: [self._write_log]}
        self._timers: dict[Core, tuple[int, asyncio.TimerHandle]] = {}
        self._malformed = 0
        self._unexpected = 0
        self._failure: BaseException | None = None
        self._thread = ThreadPoolExecutor(1)
        self._server: asyncio.Task[asyncio.AbstractServer]

    def on(self, action: type[Action], handler: Handler) -> None:
        """Carry out every action of this type with ``handler``, after those that were given."""
        self._handlers.setdefault(action, []).append(handler)

    def need_not(self, *actions: type[Action]) -> None:
        """Nobody needs to carry out actions of these types; of any other type somebody must."""
        for action in actions:
            self._handlers.setdefault(action, [])

    def carry_out(self, core: Core, actions: Iterable[Action]) -> None:
        """Carry out a core's answer and set the alarm for its next deadline.

        What another core is told by an action, and does not expect, keeps no other action back.
        """
        for action in actions:
            for handler in self._handlers[type(action)]:
                try:
                    handler(action)
                except NoSuchTransition as unexpected:
                    self._ignore(unexpected)
        self._set_alarm(core)

    def watch(self, fd: int, readable: Callable[[], None]) -> None:
        """Call ``readable`` whenever ``fd`` has something to read."""
        self._loop.add_reader(fd, readable)

    def unwatch(self, fd: int) -> None:
        """Stop watching ``fd``."""
        self._loop.remove_reader(fd)

    def on_signal(self, number: signal.Signals, call: Callable[[], None]) -> None:
        """Call it whenever the signal comes."""
        self._loop.add_signal_handler(number, call)

    def soon(self, call: Callable[[], None]) -> None:
        """Call it once what is being carried out now is done: a core is never asked in between."""
        self._loop.call_soon(call)

    def after(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Call it so much later, unless the handle is cancelled."""
        return self._loop.call_later(seconds, call)

    def aside(self, call: Callable[[], None]) -> Future[None]:
        """Do what the kernel takes long for, in a thread, while the loop goes on."""
        done = self._thread.submit(call)
        done.add_done_callback(self._done_aside)
        return done

    def answer(self, path: str, state: Callable[[], dict[str, Any]]) -> None:
        """Tell whoever connects to the socket at ``path`` how the node is, as JSON."""
        listening = socket.socket(socket.AF_UNIX)
        Path(path).unlink(missing_ok=True)  # of an agent that was killed
        listening.bind(path)
        listening.listen()

        async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            answer = {"malformed": self._malformed, "unexpected": self._unexpected, **state()}
            writer.write(json.dumps(answer, default=as_json).encode())
            with contextlib.suppress(ConnectionError):  # who asked does not wait for the answer
                await writer.drain()
            writer.close()

        self._server = self._loop.create_task(asyncio.start_unix_server(tell, sock=listening))

    def count_malformed(self) -> None:
        """A packet that no parser accepts is counted and dropped."""
        self._malformed += 1

    def run(self, closing: Callable[[], None]) -> None:
        """Serve until SIGTERM; then ``closing`` writes the node's last words.

        Raises what a callback raised, or what was done aside: an agent that fails half-way must not
        go on as if nothing had happened, which asyncio would have it do. An event for which a state
        machine has no way is none of these: it is logged, counted and ignored.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._loop.stop)
        self._loop.set_exception_handler(self._fail)
        self.log.write("ready")
        began = time.process_time_ns()
        self._loop.run_forever()
        if not self._failure:
            closing()
        self._thread.shutdown()
        if self._failure:
            raise self._failure
        used = time.process_time_ns() - began
        counted = {"malformed": self._malformed, "unexpected": self._unexpected}
        self.log.write("stopped", **counted, processor_ns=used)

    def _fail(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A callback has raised: the first such exception is the reason to end."""
        raised = context.get("exception") or RuntimeError(context["message"])
        if isinstance(raised, NoSuchTransition):
            self._ignore(raised)
            return
        self._failure = self._failure or raised
        loop.stop()

    def _ignore(self, unexpected: NoSuchTransition) -> None:
        """A core was told what does not go with its state, which it has kept."""
        self._unexpected += 1
        self.log.write("unexpected", why=str(unexpected))

    def _done_aside(self, done: Future[None]) -> None:
        """In the thread: what was done there has ended, perhaps with an exception."""
        failure = done.exception()
        if failure is not None:
            self._failure = self._failure or failure
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _set_alarm(self, core: Core) -> None:
        deadline = core.next_deadline()
        alarm = self._timers.get(core)
        if alarm is not None:
            if alarm[0] == deadline:  # as after most packets
                return
            alarm[1].cancel()
            del self._timers[core]
        if deadline is not None:
            delay = max(0, deadline - time.monotonic_ns()) / 1e9
            self._timers[core] = deadline, self._loop.call_later(delay, self._ring, core)

    def _ring(self, core: Core) -> None:
        del self._timers[core]
        try:
            actions = core.timer(time.monotonic_ns())
        except NoSuchTransition as unexpected:
            self._ignore(unexpected)
            actions = []
        self.carry_out(core, actions)

    def _write_log(self, action: Log) -> None:
        self.log.write(action.kind, **action.fields)
