"""An end host on a ring: its triggers go where their identifiers are."""

from __future__ import annotations

from random import Random

import pytest

from agents.core import SECOND, Action
from agents.i3.config import GroupConfig
from agents.i3.directory import Entries
from agents.i3.host import EndHost
from agents.i3.positions import position
from agents.wire.i3 import (
    Accepted,
    Endpoint,
    Identifier,
    Insert,
    Locate,
    Reason,
    Refused,
    Responsible,
)

ME, ENTRY, ONE, TWO = (Endpoint(bytes([n]) * 18) for n in range(1, 5))
ROOT = Identifier(b"r" * 32)
EVERYTHING = position(ROOT)
MINE = (ROOT, ME)
REFRESHED = GroupConfig().refresh_period
"""By then all triggers have been refreshed."""


@pytest.fixture
def host():
    """The founder of a group, who does not know yet whose its identifiers are."""
    founder = EndHost(
        ME, ROOT, Entries([ENTRY], Random(1)), lambda: bytes(8), Random(1), GroupConfig()
    )
    founder.member.found(0)
    return founder


def sent(actions: list[Action], kind: type) -> list[tuple[object, Endpoint]]:
    return [(one.message, one.destination) for one in actions if type(one.message) is kind]


def answer(host: EndHost, actions: list[Action], server: Endpoint, now: int) -> list[Action]:
    """A server has all positions: the host hears so, as it has asked whose the root is."""
    (question,) = [one for one, _ in sent(actions, Locate) if one.position == position(ROOT)]
    return host.receive(Responsible(question.nonce, EVERYTHING, EVERYTHING), server, now)


def settle(host: EndHost) -> list[tuple[object, Endpoint]]:
    """All its triggers are at the first server; what it has sent for that."""
    inserted = sent(answer(host, host.timer(0), ONE, 0), Insert)
    for insert, _ in inserted:
        host.receive(Accepted(insert.identifier, insert.target, 30), ONE, 0)
    return inserted


def test_triggers_go_to_a_server_as_soon_as_it_is_known(host):
    inserted = settle(host)
    assert (Insert(*MINE), ONE) in inserted
    assert {to for _, to in inserted} == {ONE}


def test_an_identifier_that_is_elsewhere_is_asked_for_and_its_trigger_goes_there(host):
    settle(host)
    host.receive(Refused(*MINE, Reason.ELSEWHERE), ONE, SECOND)
    refreshed = host.timer(REFRESHED)
    assert (Insert(*MINE), ENTRY) in sent(refreshed, Insert)
    assert (Insert(*MINE), TWO) in sent(answer(host, refreshed, TWO, REFRESHED), Insert)


def test_what_a_stranger_says_of_servers_moves_no_trigger(host):
    settle(host)
    assert host.receive(Responsible(7, EVERYTHING, EVERYTHING), TWO, SECOND) == []
    host.receive(Refused(*MINE, Reason.ELSEWHERE), TWO, SECOND)
    refreshed = sent(host.timer(REFRESHED), Insert)
    assert (Insert(*MINE), ONE) in refreshed
    assert {to for _, to in refreshed} == {ONE}
