"""What is read together from the virtual interface goes where each packet by itself would go."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core import SECOND
from agents.overlay.interface import ROOM
from agents.roles.overlay_link import OverlayLink
from agents.roles.overlay_side import virtual
from agents.wire import ipv4, ipv6

ETHERNET = bytes(14)
GROUPS_V4 = ("239.1.1.1", "232.1.1.2", "224.0.0.251", "224.0.0.1", "192.0.2.9")
GROUPS_V6 = ("ff0e::1", "ff3e::2", "ff02::fb", "ff02::1", "2001:db8::9")


class Interface:
    """Packets that wait to be read, and those that were written."""

    def __init__(self, packets: list[bytes], tap: bool) -> None:
        self._waiting = [ETHERNET + packet if tap else packet for packet in packets]
        self.written: list[bytes] = []

    def fileno(self) -> int:
        return -1

    def read_into(self, buffer: memoryview) -> int:
        if not self._waiting:
            return 0
        packet = self._waiting.pop(0)
        buffer[: len(packet)] = packet
        return len(packet)

    def write(self, packet) -> bool:
        self.written.append(bytes(packet))
        return len(packet) % 7 > 0


class Loop:
    """As much of the daemon as a link needs."""

    def __init__(self) -> None:
        self.malformed = 0
        self.readable = None

    def on(self, action, handler) -> None:
        pass

    def carry_out(self, core, actions) -> None:
        pass

    def count_malformed(self) -> None:
        self.malformed += 1

    def watch(self, descriptor, readable) -> None:
        self.readable = readable


class Link:
    """A link on such an interface, and what it sent."""

    def __init__(self, packets: list[bytes], *, tap: bool, link_scope: bool = False) -> None:
        self.loop, self.interface = Loop(), Interface(packets, tap)
        self.sent: list[tuple[bytes, IPv6Address, IPv6Address]] = []
        self.link = OverlayLink(
            self.loop,
            self.interface,
            virtual([IPv4Interface("10.80.0.1/16"), IPv6Interface("fd80::1/64")], tap=tap),
            lambda packet, source, group, now: self.sent.append((packet, source, group)),
            self._send_run,
            link_scope=link_scope,
            threshold=3,
            query_interval=125 * SECOND,
            oldest={4: 3, 6: 2},
        )

    def _send_run(self, framed, source, group, now) -> None:
        for view in framed:
            view[:ROOM] = b"\xff" * ROOM
            self.sent.append((bytes(view[ROOM:]), source, group))

    def by_channel(self):
        sent: dict[tuple[IPv6Address, IPv6Address, int], list[bytes]] = {}
        for packet, source, group in self.sent:
            mark = packet[1] if packet[0] >> 4 == 4 else packet[0] << 4 & 0xF0 | packet[1] >> 4
            sent.setdefault((source, group, mark), []).append(packet)
        return sent, self.link.counters, self.loop.malformed


def v4(group: str, ttl: int, tos: int, protocol: int, alert: bool, payload: bytes) -> bytes:
    ends = IPv4Address("10.80.0.1"), IPv4Address(group)
    return ipv4.packet(ipv4.IPv4Packet(*ends, protocol, ttl, payload, tos, alert))


def v6(group: str, hops: int, tos: int, protocol: int, alert: bool, payload: bytes) -> bytes:
    ends = IPv6Address("fd80::1"), IPv6Address(group)
    packet = ipv6.packet(*ends, protocol, payload, hop_limit=hops, router_alert=alert)
    return (6 << 28 | tos << 20).to_bytes(4, "big") + packet[4:]


HOPS = st.sampled_from((1, 2, 3, 4, 64, 255))
TOS = st.sampled_from((0, 0, 0xB8))
ALERT = st.sampled_from((False, False, False, True))
PAYLOAD = st.binary(max_size=30)
WHOLE = st.one_of(
    st.builds(
        v4, st.sampled_from(GROUPS_V4), HOPS, TOS, st.sampled_from((17, 17, 2)), ALERT, PAYLOAD
    ),
    st.builds(
        v6, st.sampled_from(GROUPS_V6), HOPS, TOS, st.sampled_from((17, 17, 58)), ALERT, PAYLOAD
    ),
)
PACKETS = st.one_of(
    WHOLE,
    WHOLE,
    st.builds(lambda packet, n: packet[: len(packet) - n] or b"\0", WHOLE, st.integers(1, 60)),
    st.builds(lambda packet, n: packet + bytes(n), WHOLE, st.integers(1, 6)),
    st.binary(min_size=1, max_size=60),
)


@given(st.lists(PACKETS, max_size=90), st.booleans(), st.booleans())
@settings(deadline=None)
def test_packets_that_are_read_together(packets, tap, link_scope):
    together = Link(packets, tap=tap, link_scope=link_scope)
    for _ in range(len(packets) // 64 + 1):
        together.loop.readable()
    alone = Link([], tap=tap, link_scope=link_scope)
    for packet in packets:
        alone.link._other(packet)
    assert together.by_channel() == alone.by_channel()


def test_a_plain_packet_is_not_looked_at_by_itself():
    """Else the test above would compare one thing with itself."""
    packets = [v4("239.1.1.1", 9, 0, 17, False, b"%d" % n) for n in range(50)]
    packets += [v6("ff0e::1", 9, 0, 17, False, b"%d" % n) for n in range(50)]
    link = Link(packets, tap=False)
    link.link._take = None
    link.loop.readable()
    link.loop.readable()
    assert len(link.sent) == 100


def test_the_largest_packets_find_room():
    packets = [v4("239.1.1.1", 9, 0, 17, False, bytes((n,)) * 65515) for n in range(10)]
    link = Link(packets, tap=True)
    for _ in range(5):
        link.loop.readable()
    assert [packet[20:] for packet, _, _ in link.sent] == [packet[20:] for packet in packets]


@given(st.lists(PACKETS.filter(lambda packet: len(packet) >= 20), max_size=20), st.booleans())
@settings(deadline=None)
def test_packets_that_come_in_together(packets, tap):
    together, alone = Link([], tap=tap), Link([], tap=tap)
    together.link.deliver_run([memoryview(packet) for packet in packets])
    for packet in packets:
        alone.link.deliver(packet)
    assert together.interface.written == alone.interface.written
    assert +together.link.counters == +alone.link.counters
