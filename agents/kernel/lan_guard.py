"""What hosts of a LAN send to groups is from the LAN's own addresses, and of few new channels.

The rules are at the LAN's ingress, before multicast routing, so that a flood of upcalls is none
(RFC 2827; the limits of RFC 6636).
"""

from __future__ import annotations

from ipaddress import IPv6Network

from agents.kernel import nftables
from agents.kernel.new_channels import BEGINNING, CHANNELS, NewChannels
from agents.kernel.nftables import (
    accept,
    differs,
    drop,
    equals,
    ether_type,
    is_in,
    is_not_in,
    network_header,
)

SOURCE = "source"
"""The reason: a source address that is not of the LAN."""
_OWN = "own"
_PREFIX, _SOURCE_OFFSET, _DESTINATION_OFFSET = 8, 8, 24
_IPV6, _MULTICAST, _LINK_SCOPE = b"\x86\xdd", b"\xff", b"\xff\x02"
_LINK_LOCAL = IPv6Network("fe80::/64")
_NEW_CHANNELS = NewChannels(network_header(_SOURCE_OFFSET, _PREFIX), _PREFIX, 256, 2, lasts=True)
"""Of each prefix of the LAN, in so many s."""


class LanGuard:
    """The guard of one LAN, with a prefix of 64 bits, until its network namespace ends.

    OSError where the kernel cannot. What one that was killed has left is replaced.
    """

    def __init__(self, link: str, lan: IPv6Network) -> None:
        assert lan.prefixlen == 8 * _PREFIX
        self._netlink = nftables.connect()
        self._table = table = nftables.Table(f"emu-{link}", nftables.ANY_FAMILY)
        prefixes = [prefix.network_address.packed[:_PREFIX] for prefix in (lan, _LINK_LOCAL)]
        requests = [
            table.new(),
            table.delete(),
            table.new(),
            table.set(_OWN, _PREFIX, 1),
            table.counting_set(SOURCE, len(_MULTICAST), 2),
            *_NEW_CHANNELS.sets(table, 3),
            table.add(SOURCE, _MULTICAST),
            *(table.add(set_, key) for set_ in (_OWN, BEGINNING, CHANNELS) for key in prefixes),
            table.chain("arriving", nftables.INGRESS, 0, link),
            *(table.rule("arriving", *rule) for rule in _arriving()),
        ]
        try:
            nftables.commit(self._netlink, requests)
        except BaseException:
            self.close()
            raise

    def counts(self) -> dict[str, int]:
        """What was dropped so far, by reason."""
        found = {
            why: sum(packets for _, packets in nftables.counted(self._netlink, self._table, why))
            for why in (SOURCE, CHANNELS)
        }
        return {why: packets for why, packets in found.items() if packets}

    def close(self) -> None:
        """Close the socket; what it has set up stays."""
        self._netlink.close()


def _arriving() -> list[list[bytes]]:
    """What is no multicast, or stays on the link, passes; then sources, then channels."""
    to, source = _DESTINATION_OFFSET, network_header(_SOURCE_OFFSET, _PREFIX)
    return [
        [ether_type(), differs(_IPV6), accept()],
        [network_header(to, 1), differs(_MULTICAST), accept()],
        [network_header(to, 2), equals(_LINK_SCOPE), accept()],
        [source, is_not_in(_OWN), network_header(to, 1), is_in(SOURCE), drop()],
        *_NEW_CHANNELS.rules(),
    ]
