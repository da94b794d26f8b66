"""DSCP and ECN of a packet in a tunnel (RFC 6040): copied outwards, combined on the way in."""

from __future__ import annotations

_ECN = 0x03
_SHORTEST = 20
_NOT_ECT, _ECT_1, _CE = 0, 1, 3


def traffic_class(packet: bytes | memoryview) -> int:
    """The DSCP and the ECN field of an IP packet, which its datagram has, too (section 4.1).

    What is too short to be a packet has none.
    """
    if len(packet) < _SHORTEST:
        return 0
    if packet[0] >> 4 == 4:
        return packet[1]
    return (packet[0] & 0x0F) << 4 | packet[1] >> 4


def is_marked(ecn: int) -> bool:
    """Whether ``received`` may change a packet, or drop it."""
    return ecn in (_ECT_1, _CE)


def received(packet: bytes, ecn: int) -> bytes | None:
    """An IP packet that came in a datagram with this ECN field (section 4.2, figure 4).

    None: a router marked it for congestion, and its sender would not notice: it is dropped.
    """
    inner = traffic_class(packet) & _ECN
    if ecn == _CE:
        if inner == _NOT_ECT:
            return None
        return _marked(packet, _CE)
    if ecn == _ECT_1 and inner not in (_NOT_ECT, _CE):
        return _marked(packet, _ECT_1)
    return packet


def _marked(packet: bytes, ecn: int) -> bytes:
    """The packet with another ECN field; IPv4's header checksum follows (RFC 1624)."""
    if packet[0] >> 4 == 6:
        return packet[:1] + bytes((packet[1] & 0xCF | ecn << 4,)) + packet[2:]
    before, after = packet[1], packet[1] & ~_ECN | ecn
    checksum = int.from_bytes(packet[10:12], "big") + before - after
    checksum %= 0xFFFF
    return packet[:1] + bytes((after,)) + packet[2:10] + checksum.to_bytes(2, "big") + packet[12:]
