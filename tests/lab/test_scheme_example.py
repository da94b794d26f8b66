"""The example of docs/schemes.md runs: a scheme that an installed package has brought."""

from __future__ import annotations

import os

import pytest

from tests.lab.emu_run import run
from tests.page_package import HUB, install

pytestmark = pytest.mark.root


def test_a_node_keeps_its_address_wherever_the_hub_routes_it(tmp_path, monkeypatch):
    place, scenario = install(HUB, tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(place), prepend=os.pathsep)
    done = run(scenario, tmp_path / "results")
    assert done.ended, done.output
    handovers = done.run()["handovers"]
    assert [(one["from"], one["to"]) for one in handovers] == [("mar1", "mar2"), ("mar2", "mar3")]
    for handover in handovers:
        assert handover["latency_ms"]["binding"] >= 20  # a round trip, twice 10 ms
        assert handover["latency_ms"]["address"] == 0  # it has the one that it had
        assert {"Hub here", "Hub ok", "Hub gone"} <= handover["signalling"].keys()
    flow = done.flow("ping-mn1-server1")
    assert flow["received"] > flow["sent"] - 100
    assert flow["duplicated"] == 0
