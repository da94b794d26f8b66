"""A router whose upstream changes forwards each packet once, and in order, whatever the delays.

The multicast part of a MAR as it is, on a model of its kernel.
"""

from __future__ import annotations

from ipaddress import IPv6Address
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_model import SINK, UDP, Kernel, Loop, Port, Sink, Tap
from proxies import ALLOW, BLOCK, IS_IN, MN1, PEER, S1, G, mac, report

from agents.kernel.sockets import Frame
from agents.multicast.multi_upstream import MultiUpstream
from agents.roles import multicast_part, upstream_changes
from agents.wire import ipv6, mld
from agents.wire.channel import ChannelScope
from agents.wire.mld import AddressRecord

PACKETS, PADDING = 60, 255
MN1_MAC = mac(MN1)


class Mar:
    """A mobile node here gets its channel from MAR1, by a tunnel."""

    def __init__(self, patch: pytest.MonkeyPatch, maximum: int = 10**6) -> None:
        self.kernel = kernel = Kernel()
        self.loop, self.random = Loop(), Random(1)
        self.others: list[bytes] = []
        patch.setattr(multicast_part, "MulticastRouting", lambda: kernel)
        patch.setattr(multicast_part, "LinkPort", lambda daemon, name, types: Port(kernel, name))
        patch.setattr(upstream_changes, "LinkSocket", lambda link, program: Tap(kernel, link))
        loop: Any = self.loop
        self.part = multicast_part.MulticastPart(
            loop, {"explicit_tracking": True}, 1, selection=MultiUpstream
        )
        links = {"radio": (False, True), SINK: (False, True), "core": (True, False)}
        for number, (name, (up, down)) in enumerate(links.items(), 1):
            port: Any = Port(kernel, name)
            address = IPv6Address(f"fe80::{number}")
            self.part.add_port(port, address, upstream=up, downstream=down)
        for number, name in enumerate(("tun-mar1", "tun-mar3"), 8):
            address = IPv6Address(f"fe80::{number}")
            self.part.add_tunnel(name, address, upstream=True, downstream=True)
        sink: Any = Sink(kernel)
        upstream_changes.UpstreamChanges(loop, self.part, sink, maximum, self.others.append)
        self.part.attached(MN1_MAC, "radio")
        self.part.bound(MN1_MAC, "radio", "tun-mar1")
        self.part.context(MN1_MAC, "radio", (AddressRecord(IS_IN, G, (S1,)),))
        self.part.decided(G, S1, ChannelScope.REMOTE)

    def mar3_reports(self, kind: mld.RecordType) -> None:
        to = mld.ALL_MLDV2_ROUTERS
        data = mld.encode(report(kind, S1), PEER, to)
        packet = ipv6.IPv6Packet(PEER, to, ipv6.ICMPV6, 1, data, router_alert=True)
        self.part.receive(Frame(b"", b"", False, 0), packet, "tun-mar3")

    def comes(self, link: str, *numbers: int) -> None:
        """Packets come, natively with fewer hops behind them."""
        hop_limit = 60 if link == "core" else 58
        for number in numbers:
            packet = ipv6.packet(S1, G, UDP, bytes((number,)), hop_limit=hop_limit)
            self.kernel.arrives(link, packet)

    def turn(self) -> None:
        self.loop.turn(self.random)

    def sent(self, link: str) -> list[int]:
        return [packet[-1] for out, packet in self.kernel.sent if out == link]


@pytest.fixture
def mar(monkeypatch: pytest.MonkeyPatch) -> Mar:
    """MAR3 wants the channel as well: it has been asked for natively, and 4 has come that way."""
    mar = Mar(monkeypatch)
    mar.comes("tun-mar1", 0)
    mar.turn()
    mar.mar3_reports(ALLOW)
    mar.comes("tun-mar1", 1)
    mar.comes("core", 4)
    mar.turn()
    return mar


@settings(deadline=None)
@given(
    old=st.integers(0, 200),
    new=st.integers(0, 200),
    turns=st.integers(1, 40),
    seed=st.integers(0, 1000),
)
def test_nothing_is_lost_repeated_or_overtaken(old: int, new: int, turns: int, seed: int) -> None:
    """Packets every 10 ms, two ways of some delay each (ms), and a turn every now and then (ms).

    Some packets are alike.
    """
    with pytest.MonkeyPatch.context() as patch:
        mar = Mar(patch)
        mar.random.seed(seed)
        numbers = [mar.random.choice([number, number, PADDING]) for number in range(PACKETS)]
        joined = mar.random.randrange(250, 400)
        events = [(10 * n + old, "tun-mar1", n) for n in range(PACKETS)]
        events += [(10 * n + new, "core", n) for n in range(PACKETS) if 10 * n + new > joined]
        now = 0
        while now < 10 * PACKETS + 200:
            now += mar.random.randint(1, turns)
            events.append((now, "turn", 0))
        events += [(249, "turn", 0), (joined, "report", 0)]
        for _, what, number in sorted(events):
            if what == "turn":
                mar.turn()
            elif what == "report":
                mar.mar3_reports(ALLOW)
            else:
                mar.comes(what, numbers[number])
        mar.turn()
        assert mar.sent("radio") == numbers
        told = mar.sent("tun-mar3")
        assert told == numbers[-len(told) :]
        assert mar.kernel.now is not None
        assert mar.kernel.now.incoming == "core"
        assert mar.loop.logged.count("spliced") == 1


def test_an_old_upstream_that_is_silent_is_not_waited_for(mar: Mar) -> None:
    mar.comes("core", 5, 6)
    mar.turn()
    assert mar.sent("radio") == [0, 1]
    mar.loop.alarms[-1].call()
    assert mar.sent("radio") == [0, 1, 5, 6]
    mar.comes("core", 7)
    assert mar.sent("radio") == [0, 1, 5, 6, 7]


def test_who_leaves_meanwhile_gets_nothing_that_is_kept(mar: Mar) -> None:
    mar.comes("core", 5, 6, 7, 8, 9)
    mar.mar3_reports(BLOCK)
    mar.comes("tun-mar1", 2, 3, 4, 5, 6, 7)
    mar.turn()
    assert mar.sent("radio") == list(range(10))
    assert mar.sent("tun-mar3") == [1]


def test_the_end_of_the_old_tunnel_ends_it(mar: Mar) -> None:
    mar.comes("core", 5)
    mar.part.remove_link("tun-mar1")
    assert mar.sent("radio") == [0, 1, 5]
    mar.comes("core", 6)
    mar.turn()
    assert mar.sent("radio") == [0, 1, 5, 6]
    assert not any(mar.kernel.taps.values())


def test_the_end_of_the_new_upstreams_link_ends_it(mar: Mar) -> None:
    mar.part.remove_link("core")
    mar.comes("tun-mar1", 2, 3)
    mar.turn()
    mar.comes("tun-mar1", 4)
    assert set(mar.sent("radio")) == {0, 1, 2, 3, 4}
    assert not any(mar.kernel.taps.values())


def test_what_comes_to_the_sink_otherwise_is_for_others(mar: Mar) -> None:
    other = ipv6.packet(S1, IPv6Address("ff0e::c2"), UDP, b"x")
    mar.kernel.sink.append(other)
    mar.turn()
    assert other in mar.others
