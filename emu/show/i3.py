"""The i3 servers and clients of a running lab: triggers, and places in the tree."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from agents.wire.i3 import ENDPOINT_LENGTH, Endpoint, address_and_port
from emu.running import RunningLab
from emu.show.tables import new_table

_SHOWN = 8
"""Octets of an identifier that are shown; the last ones, by which those of a set differ."""


def show_i3(console: Console, lab: RunningLab) -> None:
    """Prints a row for each trigger of each server, and one for each client."""
    states = lab.states()
    clients = {name: state["i3_client"] for name, state in states.items() if "i3_client" in state}
    servers = {name: state["i3_server"] for name, state in states.items() if "i3_server" in state}
    if not servers and not clients:
        console.print("no i3 server or client runs here")
        return
    # Of two who had an identifier it is that of who is in the tree, and has moved up.
    in_turn = sorted(clients.items(), key=lambda one: one[1]["phase"] == "in tree")
    owners = {state["identifier"]: name for name, state in in_turn if state["identifier"]}
    console.print(_triggers(servers, owners, lab.names))
    console.print()
    console.print(_places(clients, owners))


def _triggers(
    servers: dict[str, dict[str, Any]], owners: dict[str, str], names: dict[str, str]
) -> Table:
    table = new_table(("server", "identifier", "of", "points to", "put there by"))
    for server, state in servers.items():
        rows = sorted((one["identifier"], one["target"], one["owner"]) for one in state["triggers"])
        for identifier, target, owner in rows:
            whose = owners.get(identifier, "")
            table.add_row(
                server, _short(identifier), whose, _target(target, owners, names),
                _target(owner, owners, names),
            )  # fmt: skip
        if not rows:
            table.add_row(server, "-", "", "", "")
    return table


def _places(clients: dict[str, dict[str, Any]], owners: dict[str, str]) -> Table:
    table = new_table(("client", "phase", "level", "parent", "identifier", "others can join"))
    for name, state in clients.items():
        path = state["path"]
        parent = owners.get(path[-1], _short(path[-1])) if path else "-"
        identifier = _short(state["identifier"]) if state["identifier"] else "-"
        joinable = "yes" if state["joinable"] else "no"
        table.add_row(name, state["phase"], str(len(path)), parent, identifier, joinable)
    return table


def _target(octets: str, owners: dict[str, str], names: dict[str, str]) -> str:
    """A node by its name, or an identifier by whose it is."""
    data = bytes.fromhex(octets.replace(":", ""))
    if len(data) != ENDPOINT_LENGTH:
        return f"id {_short(octets)} ({owners.get(octets, '?')})"
    address, port = address_and_port(Endpoint(data))
    return names.get(str(address), f"[{address}]:{port}")


def _short(identifier: str) -> str:
    return "…" + identifier.replace(":", "")[-2 * _SHOWN :]
