"""The labs that run on this machine now, and what the agents in them say about themselves.

A lab announces itself by a file in its sandbox, which others reach by /proc, as root.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.kernel.tunnel import link_local_address
from emu import files
from emu.sandbox import RUN_DIRECTORY

if TYPE_CHECKING:
    from emu.network.build import Network

_ANNOUNCEMENT = RUN_DIRECTORY / "lab.json"
_QUERY = ".query"
_LABS = (b"emu.conductor", b"emu.shell")
"""The modules that have a lab, one each."""
_PATIENCE_S = 5.0


def query_path(node: str) -> Path:
    """The socket at which a node's agent answers, inside the sandbox."""
    return RUN_DIRECTORY / f"{node}{_QUERY}"


def application_path(node: str) -> Path:
    """The socket at which an i3 client has its applications, inside the sandbox."""
    return RUN_DIRECTORY / f"{node}.i3"


def announce(scenario: str, seed: int, network: Network) -> None:
    """Say, inside the sandbox, that a lab runs here, and whose each address is."""
    names = {}
    for node in network.plan.values():
        own = [address for end in node.interfaces for address in (end.link_local, end.lan)]
        if node.address:
            own += [node.address, link_local_address(node.address)]  # that of its tunnels' ends
        names.update({str(address).partition("/")[0]: node.name for address in own if address})
    content = {"scenario": scenario, "seed": seed, "names": names}
    files.replace(_ANNOUNCEMENT, json.dumps(content))


@dataclass(frozen=True)
class RunningLab:
    """A lab that runs; ``root`` is the sandbox's root directory, as seen from here."""

    root: Path
    scenario: str
    seed: int
    names: dict[str, str]
    """Nodes by their addresses."""

    def states(self) -> dict[str, dict[str, Any]]:
        """What each agent that answers says about itself, by node; who has just ended does not."""
        states = {}
        for path in sorted(_below(self.root, RUN_DIRECTORY).glob(f"*{_QUERY}")):
            with suppress(ConnectionError, FileNotFoundError):
                states[path.name.removesuffix(_QUERY)] = _ask(path)
        return states


def this_lab() -> RunningLab:
    """The lab in whose sandbox this process is."""
    return _lab(Path("/"))


def running_labs() -> Iterator[RunningLab]:
    """All labs of this machine; PermissionError without root."""
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended, or is not ready yet
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            if arguments[1:2] == [b"-m"] and arguments[2] in _LABS:
                yield _lab(process / "root")


def _lab(root: Path) -> RunningLab:
    return RunningLab(root, **json.loads(_below(root, _ANNOUNCEMENT).read_text(encoding="utf-8")))


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _ask(path: Path) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PATIENCE_S)
        connection.connect(str(path))
        with connection.makefile("rb") as answer:
            state: dict[str, Any] = json.loads(answer.read())
    return state
