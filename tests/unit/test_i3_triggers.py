"""The triggers of one server: the match, the bounds, the lifetime."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.core import SECOND
from agents.i3.config import ServerConfig
from agents.i3.triggers import TriggerTable
from agents.wire.i3 import Endpoint, Identifier, Reason

CONFIG = ServerConfig(triggers_per_identifier=3, triggers_per_owner=5, triggers=12)
GROUP = bytes(range(24))
ONE, TWO, THREE, FOUR = (Endpoint(bytes([n]) * 18) for n in range(1, 5))


def identifier(suffix: int, group: bytes = GROUP) -> Identifier:
    return Identifier(group + suffix.to_bytes(8, "big"))


def test_a_packet_goes_to_every_trigger_of_its_identifier():
    table = TriggerTable(CONFIG)
    for who in (ONE, TWO):
        assert table.insert(identifier(7), who, who, 0) is None
    assert set(table.match(identifier(7))) == {ONE, TWO}


def test_a_packet_goes_to_the_longest_match_of_the_last_64_bits():
    table = TriggerTable(CONFIG)
    for suffix, who in ((0b0001, ONE), (0b0100, TWO), (0b0111, THREE)):
        table.insert(identifier(suffix), who, who, 0)
    assert table.match(identifier(0b0110)) == (THREE,)
    assert table.match(identifier(0b0101)) == (TWO,)
    assert table.match(identifier(0)) == (ONE,)


def test_the_first_192_bits_have_to_match():
    table = TriggerTable(CONFIG)
    table.insert(identifier(7), ONE, ONE, 0)
    assert table.match(identifier(7, GROUP[:-1] + b"\xff")) == ()


def test_an_identifier_has_so_many_triggers_and_no_more():
    table = TriggerTable(CONFIG)
    for who in (ONE, TWO, THREE):
        assert table.insert(identifier(7), who, who, 0) is None
    assert table.insert(identifier(7), FOUR, FOUR, 0) is Reason.IDENTIFIER_FULL
    assert table.insert(identifier(7), TWO, TWO, 0) is None  # a refresh
    assert table.remove(identifier(7), ONE, ONE)
    assert table.insert(identifier(7), FOUR, FOUR, 0) is None


def test_an_owner_has_so_many_triggers_and_takes_nothing_from_others():
    table = TriggerTable(CONFIG)
    refused = [table.insert(identifier(n), ONE, ONE, 0) for n in range(8)]
    assert refused == [None] * 5 + [Reason.SERVER_FULL] * 3
    assert table.insert(identifier(9), TWO, TWO, 0) is None
    assert len(table) == 6


def test_a_full_server_keeps_what_it_has():
    table = TriggerTable(CONFIG)
    for who in (ONE, TWO, THREE):
        for n in range(4):
            assert table.insert(identifier(n, who + bytes(6)), who, who, 0) is None
    assert table.insert(identifier(50), FOUR, FOUR, 0) is Reason.SERVER_FULL
    assert table.match(identifier(0, ONE + bytes(6))) == (ONE,)


def test_a_trigger_lasts_30_seconds_from_its_last_refresh():
    table = TriggerTable(CONFIG)
    table.insert(identifier(7), ONE, ONE, 0)
    table.insert(identifier(7), ONE, TWO, 20 * SECOND)  # anybody may refresh
    assert table.expire(49 * SECOND) == []
    assert table.next_expiry() == 50 * SECOND
    assert table.expire(50 * SECOND) == [(identifier(7), ONE)]
    assert table.match(identifier(7)) == ()
    assert len(table) == 0


def test_only_the_owner_takes_a_trigger_away():
    table = TriggerTable(CONFIG)
    table.insert(identifier(7), ONE, ONE, 0)
    assert not table.remove(identifier(7), ONE, TWO)
    assert not table.remove(identifier(8), ONE, ONE)
    assert table.match(identifier(7)) == (ONE,)


CALLS = st.tuples(
    st.sampled_from(["insert", "remove", "expire"]),
    st.integers(0, 3),
    st.sampled_from([ONE, TWO, THREE]),
    st.sampled_from([ONE, TWO]),
    st.integers(0, 100),
)


@given(st.lists(CALLS, max_size=60))
def test_counts_and_matches_are_those_of_a_plain_list(calls):
    table, model, now = TriggerTable(CONFIG), {}, 0
    for call, suffix, target, owner, time in calls:
        now = max(now, time * SECOND)
        for key in table.expire(now):
            assert model.pop(key)[1] <= now
        key = (identifier(suffix), target)
        if call == "insert" and table.insert(*key, owner, now) is None:
            first = model.get(key, (owner, 0))[0]
            model[key] = (first, now + CONFIG.lifetime)
        elif call == "remove":
            assert table.remove(*key, owner) == (model.get(key, (None,))[0] == owner)
            if model.get(key, (None,))[0] == owner:
                del model[key]
    assert len(table) == len(model)
    assert set(table.owners) == {owner for owner, _ in model.values()}
    for suffix in range(4):
        there = {target for at, target in model if at == identifier(suffix)}
        assert set(table.at(identifier(suffix))) == there
