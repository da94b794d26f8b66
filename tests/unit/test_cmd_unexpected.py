"""The CMD ignores and counts what is malformed, unexpected, or from one that has no say."""

from dataclasses import replace

import pytest
from mobility_nodes import CMD, T0, anchor, cmd, mar_address, pbu, sent, update

from agents.mobility.cmd import CmdCore
from agents.mobility.config import CmdConfig
from agents.mobility.messages import acknowledgement
from agents.wire.mobility import BindingError, BindingUpdateFlag, Status
from agents.wire.mobility_options import (
    DlifLinkLayerAddress,
    DlifLinkLocalAddress,
    LocalPrefix,
    MobileNodeIdentifier,
    Timestamp,
)

STRANGER = mar_address(77)


def counts(core):
    counters = core.counters
    return counters.malformed, counters.unauthentic, counters.ignored


def test_a_pbu_from_an_address_that_is_no_mar():
    core = cmd()
    assert core.receive(pbu(1, 1, T0), STRANGER, T0) == []
    assert counts(core) == (0, 1, 0)
    assert core.bindings() == {}


def test_without_a_list_of_mars_everyone_may_register():
    core = CmdCore(CmdConfig(CMD))
    assert len(sent(core.receive(pbu(1, 1, T0), STRANGER, T0))) == 1


@pytest.mark.parametrize(
    "kind",
    [
        MobileNodeIdentifier,
        LocalPrefix,
        Timestamp,
        DlifLinkLocalAddress,
        DlifLinkLayerAddress,
    ],
)
def test_a_pbu_that_lacks_an_option(kind):
    core = cmd()
    whole = pbu(1, 1, T0)
    options = tuple(option for option in whole.options if not isinstance(option, kind))
    assert core.receive(replace(whole, options=options), mar_address(1), T0) == []
    assert counts(core) == (1, 0, 0)


def test_a_pbu_with_an_impossible_time_or_link_layer_address():
    core = cmd()
    core.receive(pbu(1, 1, 1 << 64), mar_address(1), T0)
    options = tuple(
        DlifLinkLayerAddress(bytes(200)) if isinstance(option, DlifLinkLayerAddress) else option
        for option in pbu(1, 1, T0).options
    )
    core.receive(replace(pbu(1, 1, T0), options=options), mar_address(1), T0)
    assert counts(core) == (2, 0, 0)
    assert core.bindings() == {}


def test_messages_of_other_protocols():
    core = cmd()
    for message in (
        BindingError(1, mar_address(1)),
        replace(pbu(1, 1, T0), flags=BindingUpdateFlag.A | BindingUpdateFlag.H),
    ):
        assert core.receive(message, mar_address(1), T0) == []
    assert counts(core) == (0, 0, 2)


def test_a_pbu_for_a_previous_mar_is_no_business_of_the_cmd():
    core = cmd()
    assert core.receive(update(2, 1, T0), mar_address(1), T0) == []
    assert counts(core) == (1, 0, 0)


def test_a_pba_that_nobody_waits_for():
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    _, send = sent(core.receive(pbu(2, 1, T0 + 10**9), mar_address(2), T0))
    right = acknowledgement(send.message, Status.ACCEPTED, 300)
    assert core.receive(replace(right, sequence=9), mar_address(1), T0) == []
    assert core.receive(right, mar_address(3), T0) == []
    assert core.receive(replace(right, options=right.options[:1]), mar_address(1), T0) == []
    assert counts(core) == (1, 0, 2)
    assert core.receive(right, mar_address(1), T0)
    assert core.receive(right, mar_address(1), T0) == []
    assert counts(core) == (1, 0, 3)
    assert core.bindings()["mn1"].previous == (anchor(1),)
