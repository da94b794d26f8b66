"""The stream over NEMO: what its table counts, and that it tells one protocol from the other."""

from __future__ import annotations

import pytest

from agents.core import MILLISECOND, SECOND
from agents.overlay.actions import SendDatagram
from agents.overlay.interface import Overlay
from emu.simulator.uplinks import Hosts, Network
from tests.unit.scripts import script

stream = script("nemo-stream/stream.py")


def came(*numbers: int, after: int = MILLISECOND) -> list[tuple[int, bytes]]:
    return [(number * SECOND // 2 + after, number.to_bytes(4, "big")) for number in numbers]


@pytest.mark.parametrize(
    ("packets", "seen"),
    [
        (came(0, 1, 2, 3), (0, 0, 0, 0, 0)),
        (came(0, 1, 3), (0.25, 0, 0, 0.5, 0.5)),
        (came(0, 2, 1, 3), (0, 0.25, 0, 0.5, 0)),
        (came(0, 1, 2, 3, after=201 * MILLISECOND), (0, 0, 1, 0, 1)),
        ([], (1, 0, 0, 1, 1)),
    ],
    ids=["all", "lost", "disordered", "late", "nothing"],
)
def test_what_a_receiver_sees(packets, seen):
    """Two packets a second, for two seconds."""
    sent = [number * SECOND // 2 for number in range(4)]
    assert stream.watch(packets, sent, SECOND // 2) == seen


class Sender(Overlay):
    """Sends what it is told to the other host, at once."""

    def __init__(self, place):
        self.others = place.seeds

    def send(self, packet, source, group, now):
        return [SendDatagram(packet, self.others)]

    def receive(self, datagram, sender, now, ecn=0):
        return []


def test_an_uplink_takes_one_datagram_after_another_and_has_so_much_room():
    world = Hosts(1, 2, Network(8_000_000, queue=2 * MILLISECOND), Sender)
    _, host = world.hosts
    for _ in range(10):
        world.act(host, lambda core, now: core.send(bytes(972), None, None, now))
    assert (host.sent, host.overflown) == (3000, 7)
    assert host.free == 3 * MILLISECOND
    world.run(10 * MILLISECOND)
    world.act(host, lambda core, now: core.send(bytes(972), None, None, now))
    assert (host.sent, host.overflown) == (4000, 7)


def test_what_is_drawn_for_each_packet_disorders_and_what_is_asked_for_comes():
    def play(protocol, network):
        return stream.play(protocol, network, 1, 6, 2)

    plain = play("NEMO, without retransmissions", "100 Mbit/s, 1 %")
    asking = play("NEMO, asks after 50 ms", "100 Mbit/s, 1 %")
    own = play("own", "100 Mbit/s, no loss")
    assert plain.lost > 0.005 > asking.lost
    assert asking.copies > plain.copies
    assert (own.lost, own.disordered, own.spoilt) == (0, 0, 0)
