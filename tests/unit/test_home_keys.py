"""Mobile IPv6 under keys (RFC 4285): who has the key of a home address binds it, nobody else."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest

from agents.core import SECOND, Action
from agents.error_limit import BURST
from agents.mipv6.actions import Send
from agents.mipv6.config import HomeAgentConfig, MobileNodeConfig
from agents.mipv6.home_agent import HomeAgentCore
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.packets import Packet
from agents.mobility.authentication import Replayed
from agents.roles.home_keys import HomeKeys
from agents.wire import ipv6, mobility
from agents.wire.authentication import ntp_time
from agents.wire.errors import Unauthentic
from agents.wire.mobile_packet import MobilePacket
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingAcknowledgementFlag,
    BindingUpdate,
    BindingUpdateFlag,
    Status,
)
from agents.wire.mobility_options import AlternateCareOfAddress, MobileNodeIdentifier, spans

AGENT, POOL = IPv6Address("2001:db8:ffff::8:1"), IPv6Network("2001:db8:a000::/48")
HOME1, HOME2 = POOL[1], POOL[2]
CARE_OF = IPv6Address("2001:db8:1:1::7")
NOW = 1_790_000_000 * SECOND
KEYS = {str(HOME1): ("mn1", "11" * 16), str(HOME2): ("mn2", "22" * 16)}
MESSAGE_ID = 10
"""MESG-ID-OPTION-TYPE (RFC 4285 section 8)."""
FLAGS = BindingUpdateFlag.A | BindingUpdateFlag.H


class Agent:
    """A home agent that has the keys of two mobile nodes."""

    def __init__(self) -> None:
        self.keys = HomeKeys((AGENT,), KEYS, NOW - 60 * SECOND)
        self.core = HomeAgentCore(HomeAgentConfig(AGENT, POOL))

    def hears(self, packet: MobilePacket, now: int = NOW) -> None:
        self.says(packet, now)

    def says(self, packet: MobilePacket, now: int = NOW) -> list[Packet]:
        """What it answers of itself to a message that does not count."""
        try:
            payload = self.keys.open(packet, now)
        except Unauthentic as error:
            refusal = self.keys.refusal(packet, error, now)
            return [refusal] if refusal is not None else []
        message = mobility.decode(payload, packet.sender, packet.receiver)
        self.core.receive(Packet(message, packet.source, AGENT, packet.home_address), 0)
        return []


def node(home: IPv6Address) -> HomeKeys:
    return HomeKeys((AGENT,), {str(home): KEYS[str(home)]}, NOW - 60 * SECOND)


def update(home: IPv6Address, care_of: IPv6Address = CARE_OF, sequence: int = 1) -> Packet:
    options = (AlternateCareOfAddress(care_of),)
    return Packet(BindingUpdate(sequence, 60, FLAGS, options), care_of, AGENT, home)


def on_the_wire(packet: Packet, keys: HomeKeys | None, now: int = NOW) -> MobilePacket:
    if keys is None:
        payload = mobility.encode(packet.message, packet.sender, packet.receiver)
    else:
        payload = keys.seal(packet, now)
    ends = packet.source, packet.destination
    return MobilePacket(*ends, ipv6.MOBILITY, payload, packet.home_address, packet.routed_to)


def time_of(packet: MobilePacket) -> int:
    """The NTP time of a sealed message, whoever made its code."""
    (span,) = (s for s in spans(packet.payload, 12) if s[0] == MESSAGE_ID)
    return int.from_bytes(packet.payload[span[1] + 2 : span[2]], "big")


def test_the_owner_binds_and_is_named() -> None:
    agent, packet = Agent(), on_the_wire(update(HOME1), node(HOME1))
    sealed = mobility.decode(packet.payload, packet.sender, packet.receiver)
    assert isinstance(sealed, BindingUpdate)
    assert sealed.option(MobileNodeIdentifier) == MobileNodeIdentifier("mn1")
    agent.hears(packet)
    assert agent.core.bindings() == {HOME1: CARE_OF}
    assert agent.keys.counters == {"unauthentic": 0, "replayed": 0}


def resent_from_elsewhere(packet: MobilePacket) -> MobilePacket:
    """With the checksum that it needs there: none, as the home address is counted."""
    return MobilePacket(POOL[99], AGENT, ipv6.MOBILITY, packet.payload, packet.home_address)


@pytest.mark.parametrize(
    "forged",
    [
        on_the_wire(update(HOME1), None),
        on_the_wire(update(HOME1), HomeKeys((AGENT,), {str(HOME1): KEYS[str(HOME2)]}, NOW)),
        on_the_wire(update(POOL[3]), None),
        on_the_wire(update(POOL[3]), HomeKeys((AGENT,), {str(POOL[3]): KEYS[str(HOME2)]}, NOW)),
        resent_from_elsewhere(on_the_wire(update(HOME1), node(HOME1))),
    ],
    ids=["unsigned", "another's key", "of nobody", "of nobody, a key", "from elsewhere"],
)
def test_nobody_else_binds_it(forged: MobilePacket) -> None:
    agent = Agent()
    agent.hears(forged)
    assert agent.core.bindings() == {}
    assert agent.keys.counters == {"unauthentic": 1, "replayed": 0}


def test_what_is_sent_again_counts_once() -> None:
    agent, packet = Agent(), on_the_wire(update(HOME1), node(HOME1))
    agent.hears(packet)
    agent.hears(packet)
    agent.hears(packet, NOW + 8 * SECOND)
    assert agent.keys.counters == {"unauthentic": 0, "replayed": 2}


def test_20_000_updates_of_one_sender_bind_its_own_home_address() -> None:
    """With its own key, and care-of addresses on as many links; each is one look into a table."""
    agent, mine = Agent(), node(HOME2)
    agent.hears(on_the_wire(update(HOME1), node(HOME1)))
    key = KEYS[str(HOME2)]
    for number in range(20_000):
        home, care_of = POOL[1 + number], IPv6Address(int(CARE_OF) + (number << 64))
        keys = mine if home == HOME2 else HomeKeys((AGENT,), {str(home): key}, NOW)
        agent.hears(on_the_wire(update(home, care_of, number + 2), keys))
    assert agent.core.bindings().keys() == {HOME1, HOME2}
    assert agent.core.bindings()[HOME1] == CARE_OF
    assert agent.keys.counters["unauthentic"] == 20_000 - 1


def test_a_mobile_node_has_a_key_for_each_agent_of_its_own() -> None:
    """Its home agent, and a mobility anchor point (RFC 5380), of another address."""
    anchor, regional = IPv6Address("2001:db8:b001::1"), IPv6Address("2001:db8:b001::7")
    keys = {str(HOME1): KEYS[str(HOME1)], str(regional): ("mn1", "33" * 16)}
    mine = HomeKeys((AGENT, anchor), keys, NOW - 60 * SECOND)
    theirs = HomeKeys((anchor,), {str(regional): keys[str(regional)]}, NOW - 60 * SECOND)
    local = Packet(BindingUpdate(1, 60, BindingUpdateFlag.A), CARE_OF, anchor, regional)
    theirs.open(on_the_wire(local, mine), NOW)
    agent = Agent()
    agent.hears(on_the_wire(update(HOME1, regional), mine))
    assert agent.core.bindings() == {HOME1: regional}
    with pytest.raises(Unauthentic):
        theirs.open(on_the_wire(local, None), NOW)


def acknowledgement(sequence: int = 1) -> Packet:
    answer = BindingAcknowledgement(0, sequence, 60, BindingAcknowledgementFlag(0))
    return Packet(answer, AGENT, CARE_OF, routed_to=HOME1)


def test_an_acknowledgement_is_believed_from_the_home_agent_only() -> None:
    """And of an update that was sent: it has its time (section 6)."""
    agent, mine = Agent(), node(HOME1)
    with pytest.raises(Replayed):
        mine.open(on_the_wire(acknowledgement(), agent.keys), NOW)
    agent.hears(on_the_wire(update(HOME1), mine))
    good = on_the_wire(acknowledgement(), agent.keys)
    assert time_of(good) == ntp_time(NOW)
    opened = mobility.decode(mine.open(good, NOW + SECOND), good.sender, good.receiver)
    assert isinstance(opened, BindingAcknowledgement)
    with pytest.raises(Unauthentic):
        mine.open(on_the_wire(acknowledgement(), None), NOW)
    assert mine.counters == {"unauthentic": 1, "replayed": 1}


def test_a_wrong_code_is_told_of() -> None:
    """Section 5.3; not what nobody has a key of, nor what has no code. It has the update's time."""
    agent = Agent()
    forger = HomeKeys((AGENT,), {str(HOME1): KEYS[str(HOME2)]}, NOW)
    forged = on_the_wire(update(HOME1, sequence=7), forger)
    (refusal,) = agent.says(forged)
    assert refusal.message.status == Status.AUTHENTICATION_FAILED
    assert (refusal.message.sequence, refusal.destination, refusal.routed_to) == (7, CARE_OF, HOME1)
    assert time_of(on_the_wire(refusal, agent.keys, NOW + SECOND)) == time_of(forged)
    for silent in (on_the_wire(update(HOME1), None), on_the_wire(update(POOL[3]), node(HOME1))):
        assert agent.says(silent) == []


def test_a_flood_of_wrong_codes_gets_few_answers() -> None:
    agent = Agent()
    forger = HomeKeys((AGENT,), {str(HOME1): KEYS[str(HOME2)]}, NOW)
    said = [agent.says(on_the_wire(update(HOME1, sequence=n), forger)) for n in range(1000)]
    assert sum(map(len, said)) == BURST


@pytest.mark.parametrize("ahead", [-30, -8, 8, 3600])
def test_a_node_whose_clock_is_wrong_is_told_the_time(ahead: int) -> None:
    """Section 6: the high half of it; then its updates are taken."""
    agent, mine, here = Agent(), node(HOME1), NOW + ahead * SECOND
    late = on_the_wire(update(HOME1, sequence=7), mine, here)
    (refusal,) = agent.says(late)
    assert agent.core.bindings() == {}
    assert refusal.message.status == Status.ID_MISMATCH
    sealed = on_the_wire(refusal, agent.keys, NOW)
    assert time_of(sealed) & 0xFFFFFFFF == time_of(late) & 0xFFFFFFFF
    assert time_of(sealed) >> 32 == ntp_time(NOW) >> 32
    mine.open(sealed, here)
    assert agent.says(on_the_wire(update(HOME1, sequence=8), mine, here + 1)) == []
    assert agent.core.bindings() == {HOME1: CARE_OF}


def test_the_time_that_others_are_told_sets_no_clock() -> None:
    agent, mine, elsewhere = Agent(), node(HOME1), node(HOME1)
    (refusal,) = agent.says(on_the_wire(update(HOME1), elsewhere, NOW + 60 * SECOND + 5))
    on_the_wire(update(HOME1), mine)
    with pytest.raises(Replayed):
        mine.open(on_the_wire(refusal, agent.keys, NOW), NOW)


def test_an_update_that_was_overtaken_does_not_count() -> None:
    """The time of what counts is later than all before (section 6)."""
    agent, mine = Agent(), node(HOME1)
    first, second = (on_the_wire(update(HOME1, CARE_OF + n, n + 1), mine, NOW + n) for n in (0, 1))
    agent.hears(second)
    agent.hears(first)
    assert agent.core.bindings() == {HOME1: CARE_OF + 1}
    assert agent.keys.counters == {"unauthentic": 0, "replayed": 1}


def test_a_mobile_node_that_is_told_the_time_asks_again_at_once() -> None:
    core = MobileNodeCore(MobileNodeConfig("mn1"))
    core.add_home(HOME1, AGENT, 0)
    sequence = the_update(core.moved(CARE_OF, 0)).sequence
    told = BindingAcknowledgement(Status.ID_MISMATCH, sequence, 0, BindingAcknowledgementFlag(0))
    again = the_update(core.receive(Packet(told, AGENT, CARE_OF, routed_to=HOME1), 1))
    assert again.sequence == sequence + 1


def the_update(actions: list[Action]) -> BindingUpdate:
    (message,) = (action.packet.message for action in actions if isinstance(action, Send))
    assert isinstance(message, BindingUpdate)
    return message


def test_all_else_passes_as_it_is() -> None:
    """What is for correspondents, and tests, which go by the home agent, are not its own."""
    mine, server = node(HOME1), IPv6Address("2001:db8:5e00:1::2")
    for packet in (
        Packet(BindingUpdate(1, 60, BindingUpdateFlag.A), CARE_OF, server, HOME1),
        Packet(mobility.HomeTestInit(b"12345678"), HOME1, AGENT),
    ):
        plain = mobility.encode(packet.message, packet.sender, packet.receiver)
        assert mine.seal(packet, NOW) == plain
        assert mine.open(on_the_wire(packet, None), NOW) == plain
