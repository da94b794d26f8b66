"""``emu overlay``: a member of an overlay in the foreground, and what those here have to tell."""

from __future__ import annotations

import errno
import json
import socket
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.roles.overlay import OverlayDaemon
from emu.overlay_file import RUN, load, reloading, status_path

_WAIT_S = 5.0


class Unable(Exception):
    """The command cannot be done; the text says why, and what would help."""


def be_member(path: Path) -> None:
    """Serve until told to stop; raises ``ScenarioError`` for a file that cannot be used."""
    options = load(path)
    try:
        daemon = OverlayDaemon(options, reloading(path, _complain))
    except OSError as error:
        raise Unable(f"{path}: {_reason(error, options.interface, options.port)}") from None
    daemon.run()


def show_status(console: Console) -> None:
    """Show every member that runs in this network namespace."""
    statuses = [
        status for path in sorted(RUN.glob(status_path("*").name)) if (status := _ask(path))
    ]
    if not statuses:
        raise Unable("no overlay runs here; emu overlay CONFIG starts one")
    for status in statuses:
        _show(console, status)


def _show(console: Console, status: dict[str, Any]) -> None:
    """What a protocol does not tell is left out."""
    link, parts = status["link"], [status["protocol"]]
    if "behind_nat" in status:
        parts.append("behind a NAT" if status["behind_nat"] else "reachable")
    console.print(f"{status['name']} on {link['interface']}, {', '.join(parts)}", style="bold")
    members = status.get("members", [])
    if members:
        console.print(_members(members))
    names = {member["member"]: member["name"] for member in members}
    names[status.get("member", "")] = status["name"]
    if status.get("roots"):
        console.print(_sent(status["roots"], names))
    if status.get("branches"):
        console.print(_received(status["branches"], names))
    groups = ", ".join(link["groups"]) or "nothing"
    console.print(f"wanted here: {groups}")
    dropped = {reason: count for reason, count in status.get("dropped", {}).items() if count}
    if dropped:
        console.print("dropped: " + ", ".join(f"{n} {reason}" for reason, n in dropped.items()))


def _members(members: list[dict[str, Any]]) -> Table:
    """Who else there is."""
    table = Table("member", "delay", "way", "groups")
    for member in members:
        delay = "" if member["rtt_ms"] is None else f"{member['rtt_ms']:.1f} ms"
        way = "direct" if member["direct"] else "by a hub"
        table.add_row(member["name"], delay, way, ", ".join(member["groups"]))
    return table


def _sent(roots: list[dict[str, Any]], names: dict[str, str]) -> Table:
    """Who passes on to whom what is sent here."""
    table = Table("sent here", "by", "to")
    for root in roots:
        channel = f"{root['source']} → {root['group']}"
        fed = Counter(root["parents"].values())
        for parent in fed:
            children = [names.get(c, c) for c, p in root["parents"].items() if p == parent]
            table.add_row(channel, names.get(parent, parent), ", ".join(sorted(children)))
            channel = ""
        if not fed:
            table.add_row(channel, "", "nobody wants it")
    return table


def _received(branches: list[dict[str, Any]], names: dict[str, str]) -> Table:
    """From whom comes what is sent elsewhere, and who gets it from here."""
    table = Table("sent by", "comes from", "packets", "goes on to")
    for branch in branches:
        children = ", ".join(names.get(child, child) for child in branch["children"])
        root, parent = (names.get(branch[key], branch[key]) for key in ("root", "parent"))
        table.add_row(root, parent, str(branch["received"]), children)
    return table


def _ask(path: Path) -> dict[str, Any] | None:
    """The status that a member tells; None: it does not run any more."""
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(_WAIT_S)
            asking.connect(str(path))
            octets = b"".join(iter(lambda: asking.recv(1 << 16), b""))
    except OSError:
        return None
    status: dict[str, Any] = json.loads(octets)
    return status


def _complain(problem: str) -> None:
    print(problem, file=sys.stderr, flush=True)


def _reason(error: OSError, interface: str, port: int) -> str:
    """What the kernel did not let us do."""
    if error.errno == errno.EADDRINUSE:
        return f"UDP port {port} is in use; write another port, or stop what uses it"
    if error.errno == errno.EBUSY:
        return f"interface {interface} exists already; write another name, or stop what uses it"
    if error.errno in (errno.ENOENT, errno.ENODEV):
        return "this kernel has no /dev/net/tun; load the module tun"
    return f"{interface}: {(error.strerror or str(error)).lower()}"
