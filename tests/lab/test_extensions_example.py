"""The example of docs/extensions.md runs: what an installed package has brought, of each kind."""

from __future__ import annotations

import os

import pytest

from emu.measure.fidelity import undisturbed
from tests.lab.emu_run import run_side_by_side
from tests.page_package import ROADSIDE, install

pytestmark = pytest.mark.root


def test_what_a_package_brings_is_like_the_toolkits_own(tmp_path, monkeypatch):
    place, scenario = install(ROADSIDE, tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(place), prepend=os.pathsep)
    other = tmp_path / "other"
    other.mkdir()
    multicast = scenario.with_name("multicast.yaml").rename(other / "multicast.yaml")
    done, native = run_side_by_side({"dmm": scenario, "pmipv6": multicast}).values()
    for one in (done, native):
        assert one.ended, one.output
    flow = native.flow("C1→mn1")
    assert flow["received"] > flow["sent"] / 2
    assert flow["tunnel_bytes"] == 0, "each access router has the channel natively"
    for handover in done.run()["handovers"]:
        assert handover["metrics"]["silent_ms"] >= 50, "the gap is in it"
    probe = done.flow("probe-mn1-server1")
    assert probe["kind"] == "probe"
    assert probe["received"] > probe["sent"] / 2
    assert probe["tunnel_bytes"] > 0, "its packets are known in captures, as those of a ping are"
    decided = {event["scope"] for event in done.events("channel_decision")}
    assert decided == {"LOCAL"}, "the default is remote"
    counted = undisturbed(done.run()["handovers"])
    assert len(done.run()["handovers"]) == 2
    assert done.record["summary"].get("metrics.silent_ms", {"n": 0})["n"] == len(counted)
