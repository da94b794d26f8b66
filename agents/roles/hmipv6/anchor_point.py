"""A mobility anchor point of Hierarchical Mobile IPv6 (RFC 5380): a home agent of RCoAs."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from typing import Any

from agents.kernel.netlink import Netlink
from agents.mipv6.hmipv6.anchor_point import AnchorPointCore
from agents.roles.daemon import Daemon
from agents.roles.home_agent_part import HomeAgentPart


class AnchorPoint:
    """Joins an ``AnchorPointCore`` to its messages, and to tunnels and routes of RCoAs."""

    def __init__(self, config: dict[str, Any]) -> None:
        """``config``: what a home agent has, and the prefixes (links) that LCoAs may have. Its
        address is one of the pool, and no link's.
        """
        self._daemon = Daemon(config["node"], config["log"])
        with Netlink() as netlink:
            address = IPv6Interface(IPv6Address(config["address"]))
            netlink.add_address("lo", address, nodad=True)
        links = [IPv6Network(link) for link in config["links"]]
        self._agent = HomeAgentPart(self._daemon, config, partial(AnchorPointCore, links=links))

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(lambda: self._daemon.log.write("state", **self._agent.close()))


def main(config: dict[str, Any]) -> None:
    """Be a mobility anchor point."""
    AnchorPoint(config).run()
