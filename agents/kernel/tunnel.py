"""IPv6-in-IPv6 tunnels (RFC 2473) between two routers, as devices of the kernel.

Whatever the backend, a tunnel is a link to route over, with an MTU of its own, multicast, and a
link-local address, and what it sends is a plain outer header with next header 41.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Interface
from typing import Literal, Protocol

from agents.kernel.attributes import address, number, octet
from agents.kernel.bpf_tunnel import HOP_LIMIT, BpfTunnel
from agents.kernel.netlink import Netlink
from agents.kernel.relay_tunnel import RelayTunnel

Backend = Literal["ip6tnl", "bpf", "tun"]

MTU = 1460
"""What an Ethernet underlay leaves beside the outer header, in bytes."""
NESTED_MTU = 1420
"""What such a tunnel leaves to one that goes through it."""
_IPV6_IN_IPV6 = 41
_LOCAL, _REMOTE, _HOP_LIMIT, _FLAGS, _PROTOCOL = 2, 3, 4, 8, 9
"""IFLA_IPTUN_LOCAL, _REMOTE, _TTL, _FLAGS, _PROTO."""
_IGNORE_ENCAPSULATION_LIMIT = 0x1
_LINK_LOCAL = int(IPv6Address("fe80::"))


class _Device(Protocol):
    def reroute(self) -> None: ...
    def close(self) -> None: ...


class Ip6tnlTunnel:
    """The kernel's own tunnel device, without the Tunnel Encapsulation Limit option."""

    def __init__(
        self, netlink: Netlink, name: str, local: IPv6Address, remote: IPv6Address
    ) -> None:
        self._netlink = netlink
        self._name = name
        netlink.add_link(
            name,
            "ip6tnl",
            address(_LOCAL, local)
            + address(_REMOTE, remote)
            + octet(_HOP_LIMIT, HOP_LIMIT)
            + octet(_PROTOCOL, _IPV6_IN_IPV6)
            + number(_FLAGS, _IGNORE_ENCAPSULATION_LIMIT),
        )
        netlink.enable_multicast(name)

    def reroute(self) -> None:
        """Nothing to do: the kernel looks for the way of each packet."""

    def close(self) -> None:
        """Delete the device."""
        self._netlink.delete_link(self._name)


_DEVICES: dict[Backend, Callable[[Netlink, str, IPv6Address, IPv6Address], _Device]] = {
    "ip6tnl": Ip6tnlTunnel,
    "bpf": BpfTunnel,
    "tun": RelayTunnel,
}


class Tunnel:
    """One end of a tunnel; ``name`` is its device."""

    def __init__(
        self,
        name: str,
        local: IPv6Address,
        remote: IPv6Address,
        link_local: IPv6Address,
        device: _Device,
        netlink: Netlink,
    ) -> None:
        self.name = name
        self.local = local
        self.remote = remote
        self.link_local = link_local
        self._device = device
        self._netlink = netlink
        self._open = True
        self._afterwards: list[Callable[[], object]] = []

    def after_closing(self, call: Callable[[], object]) -> None:
        """Call it when the device is gone."""
        self._afterwards.append(call)

    def reroute(self) -> None:
        """Have the underlay that the route between its ends takes now; a closed one has none.

        OSError: there is no such route. Such a tunnel goes on as it was.
        """
        if self._open:
            self._netlink.route_lookup(self.remote, self.local)  # as when it was opened
            self._device.reroute()

    def close(self) -> None:
        """Remove the device and all that it had elsewhere; closing again does nothing."""
        if self._open:
            self._open = False
            self._device.close()
            self._netlink.close()
            for call in self._afterwards:
                call()


def link_local_address(address: IPv6Address) -> IPv6Address:
    """The link-local address that a tunnel end-point has on its tunnels.

    Both halves of the address enter, so that the two ends of a tunnel differ.
    """
    high, low = divmod(int(address), 1 << 64)
    return IPv6Address(_LINK_LOCAL | (high ^ low))


def open_tunnel(
    name: str,
    local: IPv6Address,
    remote: IPv6Address,
    backend: Backend,
    mtu: int = MTU,
    link_local: IPv6Address | None = None,
) -> Tunnel:
    """Create the local end of a tunnel and set it up; it has ``link_local``, or a derived one.

    With "bpf" the underlay device is the one that the route to ``remote`` takes now, in both
    directions, until it is rerouted; it may be another tunnel. OSError when the name is in use,
    when there is no route to the remote end, or when the kernel lacks what the backend needs.
    """
    netlink = Netlink()
    try:
        netlink.route_lookup(
            remote, local
        )  # refuses what could never send, the same for all backends
        device = _DEVICES[backend](netlink, name, local, remote)
    except BaseException:
        netlink.close()
        raise
    link_local = link_local or link_local_address(local)
    tunnel = Tunnel(name, local, remote, link_local, device, netlink)
    try:
        netlink.set_mtu(name, mtu)
        netlink.disable_address_generation(name)
        netlink.up(name)
        netlink.add_address(name, IPv6Interface((link_local, 64)), nodad=True)
    except BaseException:
        tunnel.close()
        raise
    return tunnel
