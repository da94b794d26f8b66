"""A receiver that is refused wherever it could join."""

from __future__ import annotations

from random import Random

from agents.core import Action
from agents.i3.config import GroupConfig
from agents.i3.identifiers import above_root, j_hash
from agents.i3.member import Member
from agents.i3.ring import Ring
from agents.i3.seeking import AGAIN
from agents.wire import i3_group
from agents.wire.i3 import Endpoint, Identifier, Insert, Packet, Reason, Refused
from agents.wire.i3_group import Distance, QueryDistance

SERVER, ME, OWNER = (Endpoint(bytes([n]) * 18) for n in (1, 2, 3))
ROOT = Identifier(b"r" * 32)


def queries(actions: list[Action]) -> list[QueryDistance]:
    packets = [one.message for one in actions if isinstance(one.message, Packet)]
    found = [i3_group.decode(packet.data) for packet in packets]
    return [one for one in found if isinstance(one, QueryDistance)]


def test_it_asks_again_after_a_while_and_not_as_fast_as_answers_come():
    """On one host, where answers come at once, that would have no end."""
    member = Member(ME, ROOT, Ring({0: SERVER}), lambda: bytes(8), Random(1), GroupConfig())
    query, _ = queries(member.join(0))
    answer = i3_group.encode(Distance(query.nonce, ROOT, 0, 0))
    level = j_hash(above_root(ROOT))
    (insertion,) = member.receive(Packet(level, answer), OWNER, 0)
    assert isinstance(insertion.message, Insert)
    trigger = insertion.message.identifier, insertion.message.target
    told = member.receive(Refused(*trigger, Reason.IDENTIFIER_FULL), SERVER, 0)
    assert queries(told) == []
    late = member.receive(Packet(level, answer), OWNER, 1)
    assert late == []
    due = member.next_deadline()
    assert AGAIN // 2 <= due <= AGAIN
    assert len(queries(member.timer(due))) == 2
