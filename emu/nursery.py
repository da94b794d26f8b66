"""The warm parent: with every agent and traffic module imported, it forks them into hosts.

Forking costs milliseconds and a few MB where starting an interpreter costs half a second and
forty: that is what makes a network of a hundred hosts start in seconds. The conductor talks to the
nursery over a socket pair, one JSON object a line: it asks with ``{"name", "netns", "target",
"config"}`` and is told ``{"started": name, "pid"}`` and, later, ``{"exited": name, "pid",
"status"}``.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from agents.kernel import libc
from agents.kernel.scheduling import AGENT, be_realtime
from emu.scenario.traffic_kind import TRAFFIC
from emu.schemes.registry import SCHEMES

_OF_ALL = (
    "agents.roles.watched_node",
    "agents.roles.mr",
    "agents.roles.i3_server",
    "agents.roles.i3_client",
    "emu.overlay_node",
    "emu.amt_relay_node",
)
"""The agents that go with every mobility scheme; those of a scheme it declares."""
TARGETS = (
    "emu.measure.capture",
    "emu.services.nginx",
    "emu.services.browser",
    "emu.services.dashjs",
    "emu.services.gstreamer",
    "emu.services.sipp",
)
"""Those who measure and play."""


class Nursery:
    """Forks the processes that the conductor asks for and reports their ends."""

    def __init__(self, control: socket.socket, errors: Path) -> None:
        self._control = control
        self._errors = errors
        self._names: dict[int, str] = {}
        self._buffer = b""

    def serve(self) -> None:
        """Serve until the conductor closes its end."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == wake_read:
                    os.read(wake_read, 4096)
                    self._reap()
                elif not self._answer_requests():
                    return

    def _answer_requests(self) -> bool:
        try:
            data = self._control.recv(65536)
        except ConnectionResetError:  # the conductor ended with news unread
            return False
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._start(json.loads(line))
        return bool(data)

    def _start(self, request: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            self._become(request)
        self._names[pid] = request["name"]
        self._tell({"started": request["name"], "pid": pid})

    def _become(self, request: dict[str, Any]) -> None:
        """In the child: enter the host's network and run the target's ``main``; never returns."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            errors = os.open(
                self._errors / f"{request['name']}.err",
                os.O_WRONLY | os.O_CREAT | os.O_APPEND,
                0o644,
            )
            os.dup2(errors, 2)
            os.dup2(errors, 1)
            enter_network_of(request["netns"])
            Path("/proc/self/comm").write_bytes(request["name"].encode())  # what ps and top show
            if request["target"] in agents():
                be_realtime(AGENT)  # or a packet would wait for whoever measures, plays or captures
            load(request["target"])(request["config"])
            status = 0
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
            if isinstance(stop.code, str):
                print(stop.code, file=sys.stderr)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        while self._names:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self._names.pop(pid, "")
            self._tell({"exited": name, "pid": pid, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")


@cache
def targets() -> frozenset[str]:
    """The modules of all processes."""
    sending = (one for kind in TRAFFIC.all().values() for one in kind.programs)
    return frozenset((*TARGETS, *sending, *agents()))


@cache
def agents() -> frozenset[str]:
    """The modules of all agents."""
    schemes = SCHEMES.all().values()
    declared = (one for scheme in schemes for those in scheme.programs.values() for one in those)
    return frozenset((*_OF_ALL, *declared))


def load(target: str) -> Callable[[dict[str, Any]], None]:
    """The ``main`` function of the module named ``target``; only the listed modules are run."""
    if target not in targets():
        raise ValueError(f"{target} is not one of {', '.join(sorted(targets()))}")
    main: Callable[[dict[str, Any]], None] = importlib.import_module(target).main
    return main


def enter_network_of(pid: int) -> None:
    """Move this process into the network namespace of the process ``pid``."""
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    libc.enter_network(namespace)
    os.close(namespace)


def main() -> None:
    """Entry of ``python -m emu.nursery CONTROL_FD ERRORS_DIRECTORY``."""
    for target in sorted(targets()):
        importlib.import_module(target)
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, the shared pages
    Nursery(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])).serve()


if __name__ == "__main__":
    main()
