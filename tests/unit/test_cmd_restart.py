"""A CMD that is killed, at whatever step, and started again goes on where it was.

Nobody is told what is not stored; what is stored and was not told is told; what the CMD said before
counts for less than what it says afterwards.
"""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from agents.core import MILLISECOND, SECOND
from agents.mobility.actions import Forget, Send, Store
from agents.mobility.config import Variant
from agents.wire.mld import AddressRecord, RecordType
from emu.simulator.domain import Domain, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.oracle import Oracle
from emu.simulator.playing import SETTLE
from tests.unit.mobility_nodes import T0, cmd, mar_address, pbu, sent

GROUP = AddressRecord(RecordType.MODE_IS_EXCLUDE, IPv6Address("ff1e::c2"))
VISITS = (1, 2, 3, 1)


def walk(variant: Variant, transfers: bool, crash_at: int | None, down: int) -> Domain:
    """A node visits some MARs and leaves; the CMD crashes once, and is down for so long."""
    quality = Quality(delay=5 * MILLISECOND)
    config = DomainConfig(3, quality, variant=variant, context_transfer=transfers, encoded=True)
    domain = Domain(config, seed=0)
    oracle = Oracle(domain)
    (cmd,) = domain.cmds
    note = cmd.on_crash

    def crashed() -> None:
        note()
        domain.engine.after(down, cmd.restart)

    cmd.on_crash = crashed
    cmd.crash_at = crash_at
    for number in VISITS:
        leave(domain)
        domain.attach("mn1", number)
        domain.engine.run(domain.engine.now + 500 * MILLISECOND)
        domain.report("mn1", number, (GROUP,))
    domain.engine.run(domain.engine.now + SETTLE)
    assert oracle.faults() == []
    leave(domain)
    domain.engine.run(domain.engine.now + SETTLE)
    assert oracle.faults() == []
    return domain


def leave(domain: Domain) -> None:
    left = domain.detach("mn1")
    if left is not None:
        domain.link_down("mn1", left)


@pytest.mark.parametrize("down", [100 * MILLISECOND, 20 * SECOND], ids=["briefly", "long"])
@pytest.mark.parametrize("transfers", [False, True], ids=["", "context"])
@pytest.mark.parametrize("variant", Variant)
def test_killed_at_any_step_of_any_exchange(variant, transfers, down):
    steps = walk(variant, transfers, None, down).cmds[0].actions
    assert steps > 20
    for step in range(1, steps + 1):
        domain = walk(variant, transfers, step, down)
        assert domain.cmds[0].stored == {}, f"killed before step {step}"
        assert domain.cmd.next_deadline() is None
        for mar in domain.mars:
            assert mar.router.tunnels == set()
            assert mar.router.routes == {}


@pytest.mark.parametrize("variant", Variant)
def test_the_change_is_stored_before_anything_is_sent(variant):
    core = cmd(variant=variant)
    for number in (1, 2, 3):
        now = T0 + number * SECOND
        actions = core.receive(pbu(number, 1, now), mar_address(number), now)
        stored = [index for index, action in enumerate(actions) if isinstance(action, Store)]
        messages = [index for index, action in enumerate(actions) if isinstance(action, Send)]
        assert len(stored) == 1
        assert max(stored) < min(messages)


def test_whom_it_owed_an_update_is_told_at_once_and_in_order():
    core = cmd()
    first = core.receive(pbu(1, 1, T0), mar_address(1), T0)
    second = core.receive(pbu(2, 1, T0 + SECOND), mar_address(2), T0 + SECOND)
    (_, before) = sent(second)
    again = core.timer(T0 + 2 * SECOND)
    assert sent(again)[0].message.sequence == before.message.sequence + 1
    stored = {a.identifier: a.record for a in first + second + again if isinstance(a, Store)}
    restarted = cmd()
    (told,) = sent(restarted.restore(stored.items(), T0 + 60 * SECOND))
    assert told.destination == mar_address(1)
    assert told.message.sequence == before.message.sequence + 2
    assert told.message.options == before.message.options
    assert restarted.bindings() == core.bindings()


def test_an_entry_lives_for_another_lifetime_and_no_longer():
    core = cmd()
    (store, *_) = (
        a for a in core.receive(pbu(1, 1, T0), mar_address(1), T0) if isinstance(a, Store)
    )
    restarted = cmd()
    now = T0 + 1000 * SECOND
    restarted.restore([(store.identifier, store.record)], now)
    assert restarted.timer(now + 300 * SECOND - 1) == []
    restarted.timer(now + 300 * SECOND)
    assert restarted.bindings() == {}
    forgotten = restarted.timer(now + 310 * SECOND)
    assert forgotten == [Forget("mn1")]
    assert restarted.next_deadline() is None


def test_without_state_it_is_told_by_the_mars_themselves():
    """The store was lost: the refreshes bring back who is where, but not what was before."""
    quality = Quality(delay=5 * MILLISECOND)
    domain = Domain(DomainConfig(2, quality, binding_lifetime_s=20), seed=0)
    domain.attach("mn1", 1)
    domain.engine.run(SECOND)
    (store,) = domain.cmds
    store.crash()
    store.stored.clear()
    store.restart()
    assert domain.cmd.bindings() == {}
    domain.engine.run(12 * SECOND)
    assert domain.cmd.bindings()["mn1"].serving == domain.mar(1).config.address
