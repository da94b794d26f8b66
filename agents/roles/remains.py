"""What an access router's agent that was killed has left in the kernel, and the next one clears."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Interface

from agents.kernel import tc
from agents.kernel.netlink import Netlink
from agents.roles.ingress_filter import SOURCE_ROUTE_PRIORITY
from agents.roles.tunnel_devices import device_name


def clear(access: str, link_local: IPv6Address, peers: Iterable[str]) -> None:
    """Take away routes and source routes of mobile nodes, DLIF addresses, and tunnels to peers.

    ``link_local`` is the router's own address on the access link, which stays.
    """
    with Netlink() as netlink:
        netlink.rules_delete(SOURCE_ROUTE_PRIORITY)
        for prefix in netlink.routes(access):
            netlink.route_delete(prefix)
        for address in netlink.addresses(access):
            if address.ip.is_link_local and address.ip != link_local:
                netlink.remove_address(access, IPv6Interface(address))
        for peer in peers:
            netlink.delete_link(device_name(peer))
            netlink.rules_delete_of(device_name(peer))
        for index, _ in socket.if_nameindex():
            tc.detach_all(netlink.rtnetlink, index, tc.INGRESS)
