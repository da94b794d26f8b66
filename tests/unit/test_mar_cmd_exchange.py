"""Figure 7 of the paper: a handover between real cores, message by message."""

import pytest

from agents.core import MILLISECOND, SECOND
from emu.simulator.domain import CMD_ADDRESS, Domain, DomainConfig
from emu.simulator.network import Quality

DELAY = 10 * MILLISECOND


@pytest.fixture(params=["objects", "octets"])
def domain(request):
    quality = Quality(delay=DELAY)
    return Domain(DomainConfig(mars=6, quality=quality, encoded=request.param == "octets"), seed=1)


def hand_over(domain, *mars):
    """Move a mobile node from MAR to MAR; the log of the last move."""
    for number in mars:
        left = domain.detach("mn1")
        if left is not None:
            domain.link_down("mn1", left)
        start = domain.engine.now
        domain.events.clear()
        domain.attach("mn1", number)
        domain.engine.run(start + SECOND)
    return [(event.time - start, event.node, event.log) for event in domain.events]


def messages(log, kind="sent"):
    end = "destination" if kind == "sent" else "source"
    return [
        (time, node, entry.fields["message"], str(entry.fields[end]))
        for time, node, entry in log
        if entry.kind == kind
    ]


def address(domain, number):
    return str(domain.mar(number).config.address)


def test_the_order_of_figure_7(domain):
    log = hand_over(domain, 1, 2, 3)
    cmd = str(CMD_ADDRESS)
    assert messages(log) == [
        (0, "mar3", "PBU", cmd),
        (DELAY, "cmd", "PBA", address(domain, 3)),
        (DELAY, "cmd", "PBU", address(domain, 1)),
        (DELAY, "cmd", "PBU", address(domain, 2)),
        (2 * DELAY, "mar1", "PBA", cmd),
        (2 * DELAY, "mar2", "PBA", cmd),
    ]


def test_the_serving_mar_waits_for_nobody_but_the_cmd(domain):
    log = hand_over(domain, 1, 2, 3, 4)
    done = [(time, node) for time, node, entry in log if entry.kind == "binding_complete"]
    assert done == [(2 * DELAY, "mar4")]


def test_both_ends_of_a_tunnel_come_up_at_the_same_time(domain):
    log = hand_over(domain, 1, 2)
    created = [
        (time, node, entry.fields["peer"])
        for time, node, entry in log
        if entry.kind == "tunnel_created"
    ]
    wanted = [(2 * DELAY, "mar2", address(domain, 1)), (2 * DELAY, "mar1", address(domain, 2))]
    assert sorted(created) == sorted(wanted)


@pytest.mark.parametrize("previous", range(6))
def test_2n_plus_2_messages(domain, previous):
    log = hand_over(domain, *range(1, previous + 2))
    assert len(messages(log)) == 2 * previous + 2
    assert len(messages(log, "received")) == 2 * previous + 2


def test_a_return_to_a_previous_mar(domain):
    log = hand_over(domain, 1, 2, 1)
    assert [(node, kind) for _, node, kind, _ in messages(log)] == [
        ("mar1", "PBU"),
        ("cmd", "PBA"),
        ("cmd", "PBU"),
        ("mar2", "PBA"),
    ]
    prefix = domain.mar(1).core.bindings()["mn1"].prefix
    assert domain.mar(1).router.routes[prefix] is None
    assert not [entry for _, _, entry in log if entry.kind == "prefix_assigned"]
