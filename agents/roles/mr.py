"""A router of the native multicast infrastructure: a node of an MLD proxy tree (RFC 4605)."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import Any

from agents.kernel.lan_guard import LanGuard
from agents.multicast.config import OF_ROUTERS
from agents.roles.daemon import Daemon
from agents.roles.multicast_part import MulticastPart


def main(config: dict[str, Any]) -> None:
    """Be a multicast router: ``upstream`` leads to the tree's root, None at the root itself.

    ``downstream`` has the other links, each with the prefix of its LAN, None where there is none.
    """
    daemon = Daemon(config["node"], config["log"])
    proxy = OF_ROUTERS | config["multicast"]
    multicast = MulticastPart(daemon, proxy, config["seed"])
    if config["upstream"]:
        multicast.add_link(config["upstream"], upstream=True, downstream=False)
    lans = {name: IPv6Network(lan) for name, lan in config["downstream"].items() if lan}
    for name in config["downstream"]:
        multicast.add_link(name, upstream=False, downstream=True, hosts=lans.get(name))
    guarded = lans if config["source_guard"] else {}
    guards = {name: LanGuard(name, lan) for name, lan in guarded.items()}

    def refused() -> dict[str, int]:
        return {
            f"{name}.{why}": packets
            for name, guard in guards.items()
            for why, packets in guard.counts().items()
        }

    def state() -> dict[str, Any]:
        return {"multicast": multicast.counters(), "guard": refused()}

    def last_words() -> None:
        multicast.write_membership()
        daemon.log.write("state", **state())

    daemon.answer(config["query"], lambda: {**state(), **multicast.tables()})
    daemon.run(last_words)
