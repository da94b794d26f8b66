"""Connections of users to a server come to a transparent proxy on this host (TPROXY).

Of the packets that this host forwards, those go to the socket that listens on the proxy's port that
are from one of the prefixes, to the server's address, TCP and port 80, and begin a connection; or
that belong to one of the proxy's connections, whichever way they come. The socket has the server's
address, and the server is asked from the user's (IPV6_TRANSPARENT): neither sees the proxy. If
nobody listens, packets go on as if this was not there.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from pyroute2.netlink import NETLINK_NETFILTER

from agents.kernel import nftables
from agents.kernel.netlink import Netlink
from agents.kernel.netlink_socket import NetlinkSocket

PREFIX_LENGTH = 64
HTTP = 80
_TABLE, _CHAIN, _PREFIXES = "emu-cache", "prerouting", "prefixes"
_MANGLE = -150
_TCP = bytes([6])
_SOURCE, _DESTINATION, _ADDRESS, _KEY = 8, 24, 16, PREFIX_LENGTH // 8
"""Offsets in an IPv6 header, and lengths."""
_PORT_OFFSET, _FLAGS_OFFSET, _SYN, _ACK = 2, 13, 0x02, 0x10
_MARK = 0x5213
_ROUTES = 5213
_PRIORITY = 900
"""Before those of mobile nodes' prefixes (``RULE_PRIORITY``)."""


class Interception:
    """In the network namespace that the caller is in, until that ends; OSError where it cannot.

    What one that was killed has left is replaced.
    """

    def __init__(self, server: IPv6Address, port: int) -> None:
        self._netlink = NetlinkSocket(NETLINK_NETFILTER, {})
        self._table = table = nftables.Table(_TABLE)
        self._prefixes: set[IPv6Network] = set()
        with Netlink() as netlink:
            netlink.take_marked(_MARK, table=_ROUTES, priority=_PRIORITY)
        ours = [nftables.of_transparent_socket(), nftables.equals(b"\1")]
        begins = [
            nftables.network_header(_SOURCE, _KEY),
            nftables.is_in(_PREFIXES),
            nftables.network_header(_DESTINATION, _ADDRESS),
            nftables.equals(server.packed),
            nftables.transport_header(_PORT_OFFSET, 2),
            nftables.equals(HTTP.to_bytes(2, "big")),
            nftables.transport_header(_FLAGS_OFFSET, 1),
            nftables.masked(bytes([_SYN | _ACK])),
            nftables.equals(bytes([_SYN])),
            *nftables.to_transparent_listener(port),
        ]
        tcp = [nftables.protocol(), nftables.equals(_TCP)]
        taken = [*nftables.mark(_MARK), nftables.accept()]
        requests = [
            table.new(),
            table.delete(),
            table.new(),
            table.set(_PREFIXES, _KEY, 1),
            table.chain(_CHAIN, nftables.PREROUTING, _MANGLE),
            table.rule(_CHAIN, *tcp, *ours, *taken),
            table.rule(_CHAIN, *tcp, *begins, *taken),
        ]
        try:
            nftables.commit(self._netlink, requests)
        except BaseException:
            self.close()
            raise

    def add(self, prefix: IPv6Network) -> None:
        """New connections from here on, from a prefix of 64 bits, come to the proxy."""
        if prefix not in self._prefixes:
            self._prefixes.add(prefix)
            nftables.commit(self._netlink, [self._table.add(_PREFIXES, _key(prefix))])

    def remove(self, prefix: IPv6Network) -> None:
        """They do not any more; those that have come go on."""
        if prefix in self._prefixes:
            self._prefixes.remove(prefix)
            nftables.commit(self._netlink, [self._table.remove(_PREFIXES, _key(prefix))])

    def close(self) -> None:
        """Close the socket; what it has set up stays."""
        self._netlink.close()


def _key(prefix: IPv6Network) -> bytes:
    assert prefix.prefixlen == PREFIX_LENGTH
    return prefix.network_address.packed[:_KEY]
