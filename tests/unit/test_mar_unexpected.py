"""A MAR ignores and counts what is malformed, unexpected, or from one that has no say."""

from dataclasses import replace

import pytest
from mobility_nodes import (
    CMD,
    MACS,
    MN,
    T0,
    anchor,
    link_local,
    mar,
    mar_address,
    pbu,
    prefix,
    serve,
    the_request,
    update,
)

from agents.core import SECOND
from agents.mobility.anchors import Anchor
from agents.mobility.messages import acknowledgement, anchor_update
from agents.wire.mobility import (
    BindingAcknowledgementFlag,
    BindingError,
    BindingUpdateFlag,
    Status,
)
from agents.wire.mobility_options import (
    AnchoredPrefix,
    DlifLinkLocalAddress,
    MobileNodeIdentifier,
    ServingMaar,
    Timestamp,
)

WIDER = Anchor(mar_address(1), prefix(1).supernet(), link_local(1), MACS)


def lacking(message, kind):
    options = tuple(option for option in message.options if not isinstance(option, kind))
    return replace(message, options=options)


def counts(core):
    counters = core.counters
    return counters.malformed, counters.unauthentic, counters.ignored


@pytest.mark.parametrize("source", [mar_address(2), mar_address(1)])
def test_only_the_cmd_has_a_say(source):
    core = mar()
    serve(core, T0)
    assert core.receive(update(2, 1, T0 + SECOND), source, T0) == []
    assert counts(core) == (0, 1, 0)


@pytest.mark.parametrize("kind", [MobileNodeIdentifier, AnchoredPrefix, ServingMaar, Timestamp])
def test_a_pbu_that_lacks_an_option(kind):
    core = mar()
    assert core.receive(lacking(update(2, 1, T0), kind), CMD, T0) == []
    assert counts(core) == (1, 0, 0)
    assert core.bindings() == {}


@pytest.mark.parametrize(
    "message",
    [
        update(1, 1, T0),  # that it serves the node itself
        update(2, 1, T0, own=3),  # that it anchors another MAR's prefix
        update(2, 1, 1 << 64),  # that it is the year 2554
        anchor_update("mn1", WIDER, CMD, 1, 300, T0),
    ],
)
def test_a_pbu_that_cannot_be_true(message):
    core = mar()
    assert core.receive(message, CMD, T0) == []
    assert counts(core) == (1, 0, 0)


def test_a_pba_that_answers_nothing():
    core = mar()
    request = the_request(core.attach(MN, T0))
    right = acknowledgement(request, Status.ACCEPTED, 300)
    wrong = [
        replace(right, sequence=2),
        replace(right, options=(*lacking(right, Timestamp).options, Timestamp(T0 + SECOND))),
        replace(
            right,
            options=(MobileNodeIdentifier("mn9"), *lacking(right, MobileNodeIdentifier).options),
        ),
    ]
    for message in wrong:
        assert core.receive(message, CMD, T0) == []
    assert counts(core) == (0, 0, 3)
    assert core.receive(right, CMD, T0)
    assert core.receive(right, CMD, T0) == []
    assert counts(core) == (0, 0, 4)


def test_a_pba_with_half_an_anchor_or_itself_as_anchor():
    core = mar()
    request = the_request(core.attach(MN, T0))
    whole = acknowledgement(request, Status.ACCEPTED, 300, [anchor(2)])
    assert core.receive(lacking(whole, DlifLinkLocalAddress), CMD, T0) == []
    itself = acknowledgement(request, Status.ACCEPTED, 300, [anchor(1)])
    assert core.receive(itself, CMD, T0) == []
    assert counts(core) == (2, 0, 0)


def test_messages_of_other_protocols():
    core = mar()
    request = the_request(core.attach(MN, T0))
    answer = acknowledgement(request, Status.ACCEPTED, 300)
    for message in (
        BindingError(1, mar_address(1)),
        replace(update(2, 1, T0), flags=BindingUpdateFlag.A | BindingUpdateFlag.P),
        replace(answer, flags=BindingAcknowledgementFlag(0)),
    ):
        assert core.receive(message, CMD, T0) == []
    assert counts(core) == (0, 0, 3)


def test_a_registration_is_no_business_of_a_mar():
    core = mar()
    assert core.receive(pbu(2, 1, T0), CMD, T0) == []
    assert counts(core) == (1, 0, 0)


def test_a_refused_registration_leaves_nothing():
    core = mar()
    request = the_request(core.attach(MN, T0))
    core.receive(acknowledgement(request, Status.REASON_UNSPECIFIED, 0), CMD, T0)
    assert core.bindings() == {}
    core.timer(T0 + 10 * SECOND)
    assert core.next_deadline() is None


@pytest.mark.parametrize("seconds", [0, -4, 6, 4 * 65536])
def test_a_lifetime_that_cannot_be_sent(seconds):
    with pytest.raises(ValueError, match="multiple of 4"):
        mar(binding_lifetime_s=seconds)
