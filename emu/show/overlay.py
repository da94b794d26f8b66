"""The members of an overlay: who is there, and how each group flows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from emu.running import RunningLab


def show_overlay(console: Console, lab: RunningLab) -> None:
    """Prints what each member of a running lab says of itself."""
    members = [state for state in lab.states().values() if "link" in state]
    for member in members:
        show_member(console, member)
        console.print()
    if not members:
        console.print("no member of an overlay runs here")


def show_member(console: Console, status: dict[str, Any]) -> None:
    """Prints whom a member knows, and how each group flows; what its protocol tells of that."""
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
    if status.get("relay"):
        seen = " and ".join(status["seen_as"]) or "nowhere yet"
        console.print(f"relay {status['relay']}; it sees this gateway at {seen}")
    if status.get("tunnels"):
        console.print(_tunnels(status["tunnels"]))
    groups = ", ".join(link["groups"]) or "nothing"
    console.print(f"wanted here: {groups}")
    if "kernel" in status:
        console.print(_carried(status["kernel"], link))
    dropped = {reason: count for reason, count in status.get("dropped", {}).items() if count}
    if dropped:
        console.print("dropped: " + ", ".join(f"{n} {reason}" for reason, n in dropped.items()))


def _carried(kernel: dict[str, int], link: dict[str, Any]) -> str:
    """What programs in the kernel carried, and what they left to the member."""
    sent, delivered = kernel["sent"], kernel["delivered"]
    return (
        f"carried in the kernel: {sent} sent, {delivered} delivered, {kernel['branches']} trees; "
        f"by the member: {link.get('sent', 0)} sent, {link.get('delivered', 0)} delivered; "
        f"{kernel['duplicates']} duplicates"
    )


def _members(members: list[dict[str, Any]]) -> Table:
    """Who else there is."""
    table = Table("member", "delay", "way", "groups")
    for member in members:
        delay = "" if member["rtt_ms"] is None else f"{member['rtt_ms']:.1f} ms"
        way = "direct" if member["direct"] else "by a hub"
        table.add_row(member["name"], delay, way, ", ".join(member["groups"]))
    return table


def _tunnels(tunnels: list[dict[str, Any]]) -> Table:
    """Which gateways get what from this relay of AMT."""
    table = Table("gateway", "groups")
    for tunnel in tunnels:
        table.add_row(tunnel["gateway"], ", ".join(tunnel["groups"]))
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
