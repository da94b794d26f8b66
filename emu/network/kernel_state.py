"""What the kernels of a network's nodes have configured, and what became different.

What kernels make and remove by themselves does not count: addresses and routes with a lifetime, as
hosts learn them from Router Advertisements, the routes that come with an address, and a host's
link-local addresses, which it has from the first time that a link is up. Neither do multicast
entries that forward nothing.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path

from emu.network.namespace import entered

KernelState = dict[str, dict[str, frozenset[str]]]
"""{node: {kind: entries, as ip(8) writes them}}."""


def _entry(line: str) -> str:
    own = " expires " in line or " proto kernel " in line
    return "" if own else " ".join(line.split())


def _forwarding(line: str) -> str:
    return _entry(line) if " Oifs: " in line else ""


def _address(line: str) -> str:
    _, device, _, address, *_ = line.split()
    return f"{address} dev {device}"


def _name(line: str) -> str:
    return line.split()[0].split("@")[0]


_KINDS: dict[str, tuple[str, Callable[[str], str]]] = {
    "devices": ("-brief link show", _name),
    "addresses": ("-6 -oneline address show permanent", _address),
    "routes": ("-6 route show table all", _entry),
    "rules": ("-6 rule show", _entry),
    "neighbours": ("-6 neighbour show nud permanent", _entry),
    "multicast": ("-6 mroute show table all", _forwarding),
}


@dataclass(frozen=True)
class Nodes:
    """Whose kernels to look at."""

    processes: Mapping[str, int]
    """A process in the network namespace of each."""
    hosts: Collection[str]
    """Those that are no routers."""
    groups: Collection[IPv6Address]
    """The multicast groups that users send to; agents have one of their own."""

    def snapshot(self) -> KernelState:
        """What they have configured now."""
        return {name: self._of(name, process) for name, process in self.processes.items()}

    def _of(self, name: str, process: int) -> dict[str, frozenset[str]]:
        state = _of_namespace(Path(f"/proc/{process}/ns/net"))
        if name in self.hosts:
            state["addresses"] = frozenset(a for a in state["addresses"] if a[:5] != "fe80:")
        ours = tuple(f",{group}) " for group in self.groups)
        state["multicast"] = frozenset(e for e in state["multicast"] if any(g in e for g in ours))
        return state


def _of_namespace(namespace: Path) -> dict[str, frozenset[str]]:
    state = {}
    with entered(namespace):
        for kind, (command, entry) in _KINDS.items():
            done = subprocess.run(
                ["ip", *command.split()], capture_output=True, encoding="utf-8", check=True
            )
            state[kind] = frozenset(filter(None, map(entry, done.stdout.splitlines())))
    return state


def differences(before: KernelState, after: KernelState) -> dict[str, dict[str, list[str]]]:
    """{node: {"left_over", "missing": ["kind: entry"]}}; empty when all is as it was."""
    found = {}
    for name, kinds in before.items():
        changed = {
            "left_over": _beyond(after[name], kinds),
            "missing": _beyond(kinds, after[name]),
        }
        if any(changed.values()):
            found[name] = changed
    return found


def _beyond(more: dict[str, frozenset[str]], less: dict[str, frozenset[str]]) -> list[str]:
    return [f"{kind}: {entry}" for kind in more for entry in sorted(more[kind] - less[kind])]
