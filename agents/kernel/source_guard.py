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

from agents.kernel import nftables
from agents.kernel.netlink_socket import Request
from agents.kernel.new_channels import BEGINNING, CHANNELS, NewChannels
from agents.kernel.nftables import (
    accept,
    at_least,
    back,
    differs,
    drop,
    equals,
    ether_type,
    go,
    is_in,
    is_not_in,
    jump,
    learn,
    link_header,
    network_header,
    output_link,
    protocol,
    transport_header,
)
from agents.wire import ipv6

_TABLE, _ARRIVING, _LEAVING, _FROM, _TO = "emu-guard", "arriving", "leaving", "from", "to"
_HOSTS, _LINK_LOCALS, _PREFIXES, _OWN, _ADDRESSES = (
    "hosts",
    "link-locals",
    "prefixes",
    "own",
    "addresses",
)
_SEEN, _TRIED, _SEEING, _TRYING = "seen", "tried", "seeing", "trying"
"""Addresses that hosts have used, others that are looked for, and how many more of a prefix."""
_GOOD = "good"
"""Hosts with addresses that were found to be theirs: most packets need no other look."""
_SPEAKING = "speaking"
"""How many more messages of control each host may send."""
SOURCE, NEIGHBOUR = "source", "neighbour"
"""Reasons: a source address, or a neighbour's address advertised, that the host has not."""
CONTROL = "control"
"""A message of MLD or Neighbour Discovery, of more than agents look at."""
UNUSED = "unused"
"""A packet to an address that no host has used, of more such than are looked for at a time."""
_PREFIX, _ADDRESS, _LINK_LAYER = 8, 16, 6
"""Octets of a prefix, of an address, and of a link-layer address."""
_SOURCE_OFFSET, _DESTINATION_OFFSET, _SENDER_OFFSET, _TARGET_OFFSET = 8, 24, 6, 8
"""In the headers of IPv6 and Ethernet, and in a Neighbour Advertisement (RFC 4861 section 4.4)."""
_IPV6, _ICMPV6 = b"\x86\xdd", bytes([ipv6.ICMPV6])
_NEIGHBOUR_ADVERTISEMENT = bytes([136])
_FIRST_OF_LINK = bytes([130])
"""The least ICMPv6 type of those on a link alone; below are errors and echo (RFC 4443)."""
_MULTICAST, _LINK_SCOPE = b"\xff", b"\xff\x02"
_SEEN_OF_PREFIX, _SEEN_S = 16, 300
_TRIED_OF_PREFIX, _TRIED_S = 8, 30
"""Of each prefix so many addresses that were used are learnt in so many s, and kept for as long;
and so many others are looked for."""
_NEW_CHANNELS = NewChannels(link_header(_SENDER_OFFSET, _LINK_LAYER), _LINK_LAYER, 64, 60)
"""Of each host, in so many s."""
_CONTROL_OF_HOST, _CONTROL_S = 100, 1
"""Of each host so many messages of MLD and Neighbour Discovery pass at once, and in so many s."""
_MAXIMUM_SEEN, _MAXIMUM_TRIED = 4096, 64
"""Of all prefixes together, at a time."""
_OF_HOSTS = (SOURCE, NEIGHBOUR, CHANNELS, CONTROL)
"""Reasons that are counted by host."""

Counts = dict[tuple[bytes, str], int]
"""Packets by link-layer address and reason."""


class SourceGuard:
    """The guard of one link, until its network namespace ends; OSError where the kernel cannot.

    What one that was killed has left is replaced.
    """

    def __init__(self, link: str) -> None:
        self._netlink = nftables.connect()
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
            table.limiting_set(_SEEING, _PREFIX, 11, _SEEN_OF_PREFIX, _SEEN_S),
            table.limiting_set(_TRYING, _PREFIX, 12, _TRIED_OF_PREFIX, _TRIED_S),
            table.learning_set(_GOOD, _PREFIX + _ADDRESS, 13, _MAXIMUM_SEEN, _SEEN_S),
            table.limiting_set(_SPEAKING, _LINK_LAYER, 14, _CONTROL_OF_HOST, _CONTROL_S),
            table.counting_set(CONTROL, _LINK_LAYER, 15),
            *_NEW_CHANNELS.sets(table, 16),
            table.part(_FROM),
            *(table.rule(_FROM, *rule) for rule in _from()),
            table.part(_TO),
            *(table.rule(_TO, *rule) for rule in _to()),
            table.chain(_ARRIVING, nftables.INGRESS, 0, link),
            *(table.rule(_ARRIVING, *rule) for rule in _arriving()),
            table.chain(_LEAVING, nftables.POSTROUTING, 0),
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
            kept = (*_OF_HOSTS, BEGINNING, _SPEAKING)
            requests += [self._table.add(set_, link_layer) for set_ in kept]
        for prefix in set(prefixes) - self._hosts[link_layer]:
            self._hosts[link_layer].add(prefix)
            requests += [self._table.add(*element) for element in _elements(link_layer, prefix)]
            counted = (UNUSED, _SEEING, _TRYING)
            requests += [self._table.add(set_, _prefix_key(prefix)) for set_ in counted]
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
        removed = [self._table.remove(*element) for element in gone]
        self._commit([*removed, self._table.clear(_GOOD)])

    def counts(self) -> Counts:
        """What was dropped so far; packets to unused addresses by the host that has the prefix."""
        found: Counter[tuple[bytes, str]] = Counter()
        for why in _OF_HOSTS:
            for key, packets in nftables.counted(self._netlink, self._table, why):
                found[key, why] += packets
        owners = {
            _prefix_key(prefix): host
            for host, prefixes in self._hosts.items()
            for prefix in prefixes
        }
        for key, packets in nftables.counted(self._netlink, self._table, UNUSED):
            found[owners.get(key, b""), UNUSED] += packets
        return {key: packets for key, packets in found.items() if packets}

    def close(self) -> None:
        """Close the socket; what it has set up stays."""
        self._netlink.close()

    def _commit(self, requests: list[Request]) -> None:
        if requests:
            nftables.commit(self._netlink, requests)


def _arriving() -> list[list[bytes]]:
    """What comes in by the link: the source of what was found good needs no other look.

    Of all else the source is looked at, then how many messages of control agents hear.
    """
    sender = link_header(_SENDER_OFFSET, _LINK_LAYER)
    control = [protocol(), equals(_ICMPV6), transport_header(0, 1), at_least(_FIRST_OF_LINK)]
    return [
        [protocol(), differs(_ICMPV6), *_own_address(), is_in(_GOOD), go(_TO)],
        [ether_type(), differs(_IPV6), accept()],
        [jump(_FROM)],
        [*control, sender, is_in(_SPEAKING), accept()],
        [*control, sender, is_in(CONTROL), drop()],
        [go(_TO)],
    ]


def _from() -> list[list[bytes]]:
    """Newcomers; then neighbours; then sources."""
    sender, source = link_header(_SENDER_OFFSET, _LINK_LAYER), _SOURCE_OFFSET
    own_prefix = [sender, network_header(source, _PREFIX, second=True)]
    own_address, address = _own_address(), network_header(source, _ADDRESS)
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
        [sender, is_not_in(_HOSTS), back()],
        [*advertises, sender, is_in(NEIGHBOUR), drop()],
        [*own_prefix, is_in(_OWN), address, is_in(_SEEN), *own_address, learn(_GOOD), back()],
        [*own_prefix, is_in(_OWN), *_learns(source, _SEEING, _SEEN), back()],
        [*own_prefix, is_in(_OWN), back()],
        [*own_address, is_in(_LINK_LOCALS), back()],
        [*from_nowhere, back()],
        [sender, is_in(SOURCE), drop()],
    ]


def _to() -> list[list[bytes]]:
    """Where to: unicast, what stays on the link, and few new channels."""
    known, *begins = _NEW_CHANNELS.rules()
    return [
        [network_header(_DESTINATION_OFFSET, 1), differs(_MULTICAST), accept()],
        known,
        [network_header(_DESTINATION_OFFSET, 2), equals(_LINK_SCOPE), accept()],
        *begins,
    ]


def _own_address() -> list[bytes]:
    """Load who sends: the link-layer address, and the source address."""
    sender = link_header(_SENDER_OFFSET, _LINK_LAYER)
    return [sender, network_header(_SOURCE_OFFSET, _ADDRESS, second=True)]


def _leaving(link: int) -> list[list[bytes]]:
    """What leaves by the link, forwarded or this router's own, to where nobody is known to be.

    Each has the kernel look for a neighbour, in a table that all of the machine shares.
    """
    to = _DESTINATION_OFFSET
    return [
        [output_link(), differs(link.to_bytes(4, sys.byteorder)), accept()],
        [network_header(to, 1), equals(_MULTICAST), accept()],
        [network_header(to, _PREFIX), is_not_in(_PREFIXES), accept()],
        [network_header(to, _ADDRESS), is_in(_ADDRESSES), accept()],
        [network_header(to, _ADDRESS), is_in(_SEEN), accept()],
        [network_header(to, _ADDRESS), is_in(_TRIED), accept()],
        [*_learns(to, _TRYING, _TRIED), accept()],
        [network_header(to, _PREFIX), is_in(UNUSED), drop()],
    ]


def _learns(offset: int, limit: str, set_: str) -> list[bytes]:
    """Put the address there into a set, unless too many of its prefix were."""
    address = network_header(offset, _ADDRESS)
    return [network_header(offset, _PREFIX), is_in(limit), address, learn(set_)]


def _elements(link_layer: bytes, prefix: IPv6Network) -> list[tuple[str, bytes]]:
    """What is known of a host's prefix; the address that it makes of it is one that it has."""
    return [
        (_PREFIXES, _prefix_key(prefix)),
        (_OWN, _padded(link_layer) + _prefix_key(prefix)),
        (_ADDRESSES, ipv6.of_interface(prefix, link_layer).packed),
    ]


def _prefix_key(prefix: IPv6Network) -> bytes:
    assert prefix.prefixlen == 8 * _PREFIX
    return prefix.network_address.packed[:_PREFIX]


def _link_local_key(link_layer: bytes) -> bytes:
    return _padded(link_layer) + ipv6.link_local(link_layer).packed


def _padded(link_layer: bytes) -> bytes:
    """In whole registers, which have four octets each."""
    return link_layer + bytes(2)
