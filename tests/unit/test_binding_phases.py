"""The rare ways between the phases of a mobile node's binding (agents/mipv6/update_list.py)."""

from __future__ import annotations

from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.update_list import Phase
from tests.unit.test_mobile_node import (
    AGENT,
    HOME,
    OTHER_AGENT,
    OTHER_HOME,
    T0,
    answer,
    answered,
    away,
    sent,
    with_return_routability,
)


def bound() -> MobileNodeCore:
    core, actions = away()
    core.receive(answer(sent(actions)[0]), T0)
    return core


def phase(core: MobileNodeCore) -> Phase:
    return core.bindings()[HOME].phase


def test_who_leaves_before_the_home_agent_has_answered_returns_again():
    core = bound()
    core.moved(HOME, T0, AGENT)
    assert phase(core) is Phase.RETURNING
    core.moved(None, T0)
    assert phase(core) is Phase.AWAY
    (packet,) = (p for p in sent(core.moved(HOME, T0, AGENT)) if p.destination == AGENT)
    assert phase(core) is Phase.RETURNING
    assert packet.message.lifetime == 0
    core.receive(answer(packet), T0)
    assert phase(core) is Phase.HOME


def test_a_home_address_may_be_released_where_there_is_no_care_of_address():
    core = bound()
    core.moved(HOME, T0, AGENT)
    core.moved(None, T0)
    assert sent(core.release(HOME, T0)) == []
    assert phase(core) is Phase.RELEASING
    (packet,) = (p for p in sent(core.moved(OTHER_HOME, T0)) if p.home_address == HOME)
    assert packet.message.lifetime == 0


def test_who_comes_home_while_its_address_is_released_returns():
    core = bound()
    core.release(HOME, T0)
    assert phase(core) is Phase.RELEASING
    core.moved(HOME, T0, AGENT)
    assert phase(core) is Phase.RETURNING


def test_a_home_address_may_be_released_while_the_network_takes_over():
    core = bound()
    core.served(None, OTHER_AGENT, T0)
    assert phase(core) is Phase.RETURNING
    core.release(HOME, T0)
    assert phase(core) is Phase.RELEASING


def test_who_comes_home_before_it_has_told_its_home_agent_has_nothing_to_tell():
    core, agent = with_return_routability()
    answered(core, agent, sent(core.timer(T0)), T0)
    core.moved(OTHER_HOME, T0, OTHER_AGENT)  # its care-of address has to be tested first
    assert phase(core) is Phase.UPDATING
    assert sent(core.moved(HOME, T0, AGENT)) == []
    assert phase(core) is Phase.HOME
