"""A router of the native multicast infrastructure: a node of an MLD proxy tree (RFC 4605)."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import Any

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
    for name, lan in config["downstream"].items():
        hosts = IPv6Network(lan) if lan else None
        multicast.add_link(name, upstream=False, downstream=True, hosts=hosts)

    def state() -> dict[str, Any]:
        return {"multicast": multicast.counters()}

    def last_words() -> None:
        multicast.write_membership()
        daemon.log.write("state", **state())

    daemon.answer(config["query"], lambda: {**state(), **multicast.tables()})
    daemon.run(last_words)
