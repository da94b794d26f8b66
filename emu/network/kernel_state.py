"""What the kernels of a network's nodes have configured, and what became different.

What kernels make and remove by themselves does not count: addresses and routes with a lifetime, as
hosts learn them from Router Advertisements, the routes that come with an address, and a host's
link-local addresses, which it has from the first time that a link is up.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from emu.network.namespace import entered

KernelState = dict[str, dict[str, frozenset[str]]]
"""{node: {kind: entries, as ip(8) writes them}}."""


def _entry(line: str) -> str:
    own = " expires " in line or " proto kernel " in line
    return "" if own else " ".join(line.split())


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
    "multicast": ("-6 mroute show table all", _entry),
}


def snapshot(processes: Mapping[str, int], hosts: Collection[str] = ()) -> KernelState:
    """The state of each node, given the pid of a process in its network namespace.

    ``hosts`` are those of the nodes that are no routers.
    """
    state = {name: _of_namespace(Path(f"/proc/{pid}/ns/net")) for name, pid in processes.items()}
    for name in hosts:
        addresses = state[name]["addresses"]
        state[name]["addresses"] = frozenset(a for a in addresses if not a.startswith("fe80:"))
    return state


def _of_namespace(namespace: Path) -> dict[str, frozenset[str]]:
    state = {}
    with entered(namespace):
        for kind, (command, entry) in _KINDS.items():
            done = subprocess.run(
                ["ip", *command.split()], capture_output=True, text=True, check=True
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
