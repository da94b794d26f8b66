"""Islands with multicast of their own, joined by an overlay: hosts there know nothing of it."""

from __future__ import annotations

import pytest

from tests.lab import emu_run
from tests.lab.emu_run import ROOT, Run

pytestmark = pytest.mark.root

BY_THE_GATEWAY = {"out→m1", "out→h3", "in→h1", "in→h2"}
"""What crosses the gateway that is killed; it may be above another member, too: in→h3."""
TAKEN_OVER_MS = 6000
"""A gateway is missed after 3.5 s."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    scenario = ROOT / "experiments/middleware/islands.yaml"
    done = emu_run.run(scenario, tmp_path_factory.mktemp("islands"))
    assert done.ended, done.output
    return done


def test_packets_cross_once_with_two_gateways(run: Run) -> None:
    flows = {flow["flow"]: flow for flow in run.run()["flows"]}
    assert flows.keys() == {*BY_THE_GATEWAY, "out→h2", "in→h3"}
    for name, flow in flows.items():
        assert flow["received"] > 0, name
        assert flow["duplicated"] == 0, name
    assert flows["out→h2"]["lost"] == 0


def test_the_other_gateway_takes_over(run: Run) -> None:
    repairs = {repair["flow"]: repair for repair in run.run()["overlay"]["repairs"]}
    assert BY_THE_GATEWAY <= repairs.keys() <= {*BY_THE_GATEWAY, "in→h3"}
    for repair in repairs.values():
        assert (repair["event"], repair["node"]) == ("crash", "g1")
        assert repair["repair_ms"] is not None, repair
        assert repair["repair_ms"] < TAKEN_OVER_MS, repair


def test_gateways_keep_themselves_known(run: Run) -> None:
    """By general queries to routers alone, which tshark reads."""
    queries = run.packets("g2-a", "icmpv6.type == 130 && ipv6.dst == ff02::16", "ipv6.src")
    assert len(queries) > 5
