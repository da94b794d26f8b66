"""How an end host has its triggers there, and knows that they are."""

from __future__ import annotations

from random import Random

import pytest

from agents.core import SECOND
from agents.i3.config import GroupConfig
from agents.i3.identifiers import chained
from agents.i3.keeping import PATIENCE, RETRY, Keeper
from agents.i3.ring import Ring
from agents.wire.i3 import Challenge, Endpoint, Identifier, Insert, Packet

SERVER, ME = Endpoint(b"s" * 18), Endpoint(b"m" * 18)
UPPER = Identifier(b"u" * 32)
LOWER = chained(UPPER, bytes(8), bytes(8))
MINE, SHARED = (LOWER, ME), (UPPER, LOWER)


class Servers(Ring):
    """One server that has everything, and what was said of it."""

    def __init__(self) -> None:
        super().__init__({0: SERVER})
        self.were_silent: list[Identifier] = []

    def silent(self, identifier: Identifier) -> None:
        self.were_silent.append(identifier)


@pytest.fixture
def servers():
    return Servers()


@pytest.fixture
def keeper(servers):
    return Keeper(servers, Random(1), GroupConfig())


def sent(keeper: Keeper, now: int) -> list[type]:
    return [type(action.message) for action in keeper.timer(now)]


def test_what_the_server_has_is_refreshed_in_time(keeper):
    keeper.keep(MINE, 0)
    assert keeper.accepted(MINE, 0)
    assert not keeper.accepted(MINE, 0)
    due = keeper.deadlines.next()
    assert 5 * SECOND <= due <= 10 * SECOND
    assert sent(keeper, due) == [Insert]


def test_a_refresh_that_nobody_answers_is_sent_again(keeper):
    keeper.keep(MINE, 0)
    keeper.accepted(MINE, 0)
    due = keeper.deadlines.next()
    for number in range(4):
        assert sent(keeper, due + number * RETRY) == [Insert]
    keeper.accepted(MINE, due + 4 * RETRY)
    assert keeper.deadlines.next() >= due + 5 * SECOND


def test_a_server_that_does_not_answer_is_told_of_to_the_directory(keeper, servers):
    keeper.keep(MINE, 0)
    for number in range(1, PATIENCE):
        sent(keeper, number * RETRY)
    assert servers.were_silent == []
    sent(keeper, PATIENCE * RETRY)
    assert servers.were_silent == [LOWER]


def test_others_hear_of_a_refresh_once(keeper):
    keeper.expect(SHARED, 1, 0)
    due = keeper.deadlines.next()
    assert sent(keeper, due) == [Insert, Packet]
    assert sent(keeper, due + RETRY) == [Insert]


def test_what_waits_for_its_server_is_inserted_once_that_is_known(keeper):
    keeper.keep(MINE, 0)
    assert keeper.located(0, 0, 1) != []
    keeper.accepted(MINE, 2)
    assert keeper.located(0, 0, 3) == []


def test_a_server_that_wants_proof_gets_it(keeper):
    keeper.keep(MINE, 0)
    (proved,) = keeper.challenged(Challenge(*MINE, b"t" * 16), SERVER)
    assert proved.message == Insert(*MINE, b"t" * 16)
    assert keeper.challenged(Challenge(*MINE, b"t" * 16), ME) == []
