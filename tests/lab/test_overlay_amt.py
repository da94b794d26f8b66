"""Automatic Multicast Tunneling in the lab: a relay on an island, gateways elsewhere."""

from __future__ import annotations

import pytest

from tests.lab import emu_run
from tests.lab.emu_run import ROOT, Run

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    scenario = ROOT / "experiments/middleware/amt.yaml"
    done = emu_run.run(scenario, tmp_path_factory.mktemp("amt"))
    assert done.ended, done.output
    return done


def test_gateways_get_what_is_sent_on_the_island(run: Run) -> None:
    flows = {flow["flow"]: flow for flow in run.run()["flows"]}
    assert flows.keys() == {"any→h2", "any→m1", "any→m2", "one→m2", "one→m3"}
    for name, flow in flows.items():
        assert flow["received"] > 0, name
        assert (flow["lost"], flow["duplicated"]) == (0, 0), name


def test_who_left_gets_nothing_more(run: Run) -> None:
    """m1 leaves in the middle, m2 listens to both channels."""
    links = {(link["from"], link["to"]): link for link in run.run()["overlay"]["links"]}
    assert 0 < links["r1", "m1"]["data_packets"] < links["r1", "m2"]["data_packets"] / 2
    assert links["m1", "r1"]["data_packets"] == 0


def test_the_messages_are_amts(run: Run) -> None:
    wanted = {"AMT Request", "AMT MembershipQuery", "AMT MembershipUpdate"}
    assert wanted <= run.run()["signalling"].keys()
    types = {fields[0] for fields in run.packets("r1-ix", "amt", "amt.type")}
    assert {"3", "4", "5", "6"} <= types
