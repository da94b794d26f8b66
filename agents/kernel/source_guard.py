"""What hosts on an access link send is from their own addresses, or goes no further (RFC 7039).

Of a host the link-layer address and the prefixes are known (RFC 2827); its access point has seen to
it that nobody else sends from that link-layer address. The rules are at the link's ingress, before
multicast routing and the sockets of agents, and cost no process anything. What is dropped is
counted by host and reason.

Who is not watched yet has just come: what it sends passes, for the router's other checks.
"""

from __future__ import annotations

import socket
import sys
from collections import Counter
from ipaddress import IPv6Network
from typing import Any

from pyroute2.netlink import NETLINK_NETFILTER
from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_NFTABLES
from pyroute2.netlink.nfnetlink.nftsocket import NFT_MSG_NEWSETELEM, nft_set_elem_list_msg

from agents.kernel import nftables
from agents.kernel.netlink_socket import NetlinkSocket, Request
from agents.kernel.nftables import (
    accept,
    differs,
    drop,
    equals,
    ether_type,
    is_in,
    is_not_in,
    learn,
    link_header,
    network_header,
    output_link,
    protocol,
    transport_header,
)
from agents.wire import ipv6

_TABLE, _ARRIVING, _LEAVING = "emu-guard", "arriving", "leaving"
_HOSTS, _LINK_LOCALS, _PREFIXES, _OWN, _ADDRESSES, _SEEN, _TRIED = (
    "hosts",
    "link-locals",
    "prefixes",
    "own",
    "addresses",
    "seen",
    "tried",
)
SOURCE, NEIGHBOUR = "source", "neighbour"
"""Reasons: a source address, or a neighbour's address advertised, that the host has not."""
UNUSED = "unused"
"""A packet to an address that no host has used, of more such than are looked for at a time."""
_PREFIX_LENGTH, _PREFIX, _ADDRESS, _LINK_LAYER = 64, 8, 16, 6
"""Bits of a prefix; octets of it, of an address, and of a link-layer address."""
_SOURCE_OFFSET, _DESTINATION_OFFSET, _SENDER_OFFSET, _TARGET_OFFSET = 8, 24, 6, 8
"""In the headers of IPv6 and Ethernet, and in a Neighbour Advertisement (RFC 4861 section 4.4)."""
_IPV6, _ICMPV6 = b"\x86\xdd", bytes([ipv6.ICMPV6])
_NEIGHBOUR_ADVERTISEMENT = bytes([136])
_LINK_SCOPE = b"\xff\x02"
_MULTICAST = b"\xff"
_MAXIMUM_SEEN, _SEEN_S = 1024, 300
_MAXIMUM_TRIED, _TRIED_S = 64, 30
"""Addresses that hosts have used, and others that are looked for, at a time; each for so many s."""
_ELEMENTS = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM

Counts = dict[tuple[bytes, str], int]
"""Packets by link-layer address and reason."""


class SourceGuard:
    """The guard of one link, until its network namespace ends; OSError where the kernel cannot.

    What one that was killed has left is replaced.
    """

    def __init__(self, link: str) -> None:
        self._netlink = NetlinkSocket(NETLINK_NETFILTER, {_ELEMENTS: nft_set_elem_list_msg})
        self._table = table = nftables.Table(_TABLE, nftables.ANY_FAMILY)
        self._hosts: dict[bytes, set[IPv6Network]] = {}
        self._watched: set[bytes] = set()
        self._counted: set[bytes] = set()
        requests = [
            table.new(),
            table.delete(),
            table.new(),
            table.set(_HOSTS, _LINK_LAYER, 1),
            table.set(_LINK_LOCALS, _PREFIX + _ADDRESS, 2),
            table.set(_PREFIXES, _PREFIX, 3),
            table.set(_OWN, _PREFIX + _PREFIX, 4),
            table.set(_ADDRESSES, _ADDRESS, 5),
            table.learning_set(_SEEN, _ADDRESS, 6, _MAXIMUM_SEEN, _SEEN_S),
            table.learning_set(_TRIED, _ADDRESS, 7, _MAXIMUM_TRIED, _TRIED_S),
            table.counting_set(SOURCE, _LINK_LAYER, 8),
            table.counting_set(NEIGHBOUR, _LINK_LAYER, 9),
            table.counting_set(UNUSED, _PREFIX, 10),
            table.chain(_ARRIVING, nftables.INGRESS, 0, link),
            *(table.rule(_ARRIVING, *rule) for rule in _arriving()),
            table.chain(_LEAVING, nftables.FORWARD, 0),
            *(table.rule(_LEAVING, *rule) for rule in _leaving(socket.if_nametoindex(link))),
        ]
        try:
            nftables.commit(self._netlink, requests)
        except BaseException:
            self.close()
            raise

    def allow(self, link_layer: bytes, prefixes: list[IPv6Network]) -> None:
        """A host may send from these prefixes of 64 bits, too."""
        requests = []
        if link_layer not in self._hosts:
            self._hosts[link_layer] = set()
            requests.append(self._table.add(_LINK_LOCALS, _link_local_key(link_layer)))
        if link_layer not in self._counted:
            self._counted.add(link_layer)
            requests += [self._table.add(why, link_layer) for why in (SOURCE, NEIGHBOUR)]
        for prefix in set(prefixes) - self._hosts[link_layer]:
            self._hosts[link_layer].add(prefix)
            requests += [self._table.add(*element) for element in _elements(link_layer, prefix)]
            requests.append(self._table.add(UNUSED, _prefix_key(prefix)))
        self._commit(requests)

    def watch(self, link_layer: bytes) -> None:
        """From now on a host, if it is still there, sends from what it is allowed alone."""
        if link_layer in self._hosts and link_layer not in self._watched:
            self._watched.add(link_layer)
            self._commit([self._table.add(_HOSTS, link_layer)])

    def forget(self, link_layer: bytes) -> None:
        """A host has left."""
        prefixes = self._hosts.pop(link_layer, None)
        if prefixes is None:
            return
        watched = [(_HOSTS, link_layer)] if link_layer in self._watched else []
        self._watched.discard(link_layer)
        gone = [
            *watched,
            (_LINK_LOCALS, _link_local_key(link_layer)),
            *(element for prefix in prefixes for element in _elements(link_layer, prefix)),
        ]
        self._commit([self._table.remove(*element) for element in gone])

    def counts(self) -> Counts:
        """What was dropped so far; packets to unused addresses by the host that has the prefix."""
        found: Counter[tuple[bytes, str]] = Counter()
        for why in (SOURCE, NEIGHBOUR):
            for key, packets in self._elements(why):
                found[key, why] += packets
        owners = {
            _prefix_key(prefix): host
            for host, prefixes in self._hosts.items()
            for prefix in prefixes
        }
        for key, packets in self._elements(UNUSED):
            found[owners.get(key, b""), UNUSED] += packets
        return {key: packets for key, packets in found.items() if packets}

    def close(self) -> None:
        """Close the socket; what it has set up stays."""
        self._netlink.close()

    def _commit(self, requests: list[Request]) -> None:
        if requests:
            nftables.commit(self._netlink, requests)

    def _elements(self, set_: str) -> list[tuple[bytes, int]]:
        """The keys of a counting set, and how often each was found."""
        kind, message, flags = self._table.elements(set_)
        answers = self._netlink.request(kind, message, flags)
        return [
            (_key(element), _packets(element))
            for answer in answers
            for element in answer.get_attr("NFTA_SET_ELEM_LIST_ELEMENTS") or ()
        ]


def _arriving() -> list[list[bytes]]:
    """What comes in by the link: other protocols and newcomers; then neighbours; then sources."""
    sender, source = link_header(_SENDER_OFFSET, _LINK_LAYER), _SOURCE_OFFSET
    own_prefix = [sender, network_header(source, _PREFIX, second=True)]
    own_link_local = [sender, network_header(source, _ADDRESS, second=True)]
    advertises = [
        protocol(),
        equals(_ICMPV6),
        transport_header(0, 1),
        equals(_NEIGHBOUR_ADVERTISEMENT),
        sender,
        transport_header(_TARGET_OFFSET, _PREFIX, second=True),
        is_not_in(_OWN),
        transport_header(_TARGET_OFFSET, _ADDRESS, second=True),
        is_not_in(_LINK_LOCALS),
    ]
    from_nowhere = [
        network_header(source, _ADDRESS),
        equals(bytes(_ADDRESS)),
        network_header(_DESTINATION_OFFSET, 2),
        equals(_LINK_SCOPE),
    ]
    return [
        [ether_type(), differs(_IPV6), accept()],
        [sender, is_not_in(_HOSTS), accept()],
        [*advertises, sender, is_in(NEIGHBOUR), drop()],
        [*own_prefix, is_in(_OWN), network_header(source, _ADDRESS), learn(_SEEN), accept()],
        [*own_prefix, is_in(_OWN), accept()],
        [*own_link_local, is_in(_LINK_LOCALS), accept()],
        [*from_nowhere, accept()],
        [sender, is_in(SOURCE), drop()],
    ]


def _leaving(link: int) -> list[list[bytes]]:
    """What is forwarded to the link, to an address that no host is known to have.

    Each has the kernel look for a neighbour, in a table that all of the machine shares.
    """
    to = _DESTINATION_OFFSET
    return [
        [output_link(), differs(link.to_bytes(4, sys.byteorder)), accept()],
        [network_header(to, 1), equals(_MULTICAST), accept()],
        [network_header(to, _PREFIX), is_not_in(_PREFIXES), accept()],
        [network_header(to, _ADDRESS), is_in(_ADDRESSES), accept()],
        [network_header(to, _ADDRESS), is_in(_SEEN), accept()],
        [network_header(to, _ADDRESS), learn(_TRIED), accept()],
        [network_header(to, _PREFIX), is_in(UNUSED), drop()],
    ]


def _elements(link_layer: bytes, prefix: IPv6Network) -> list[tuple[str, bytes]]:
    """What is known of a host's prefix; the address that it makes of it is one that it has."""
    return [
        (_PREFIXES, _prefix_key(prefix)),
        (_OWN, _padded(link_layer) + _prefix_key(prefix)),
        (_ADDRESSES, ipv6.of_interface(prefix, link_layer).packed),
    ]


def _prefix_key(prefix: IPv6Network) -> bytes:
    assert prefix.prefixlen == _PREFIX_LENGTH
    return prefix.network_address.packed[:_PREFIX]


def _link_local_key(link_layer: bytes) -> bytes:
    return _padded(link_layer) + ipv6.link_local(link_layer).packed


def _padded(link_layer: bytes) -> bytes:
    """In whole registers, which have four octets each."""
    return link_layer + bytes(2)


def _key(element: Any) -> bytes:
    return bytes(element.get_attr("NFTA_SET_ELEM_KEY").get_attr("NFTA_DATA_VALUE"))


def _packets(element: Any) -> int:
    counter = element.get_attr("NFTA_SET_ELEM_EXPR")
    return int(counter.get_attr("NFTA_EXPR_DATA").get_attr("NFTA_COUNTER_PACKETS"))
