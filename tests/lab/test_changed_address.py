"""A MAC address that changes while the node is attached: it is said, and the run goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.lab.emu_run import run

pytestmark = pytest.mark.root

OTHER = "02:00:00:00:be:ef"
CHANGE = (
    "own=$(ip -br link show mn1-radio | awk '{print $3}'); "
    f"ip link set dev mn1-radio address {OTHER}; sleep 1.5; "
    "ip link set dev mn1-radio address $own; sleep 60"
)
SCENARIO = f"""
name: changed
duration: 4s
topology: {{kind: dmm-domain, mars: 2}}
multicast: {{scheme: none}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: 'off'}}
  server1: {{role: server}}
traffic:
  - {{kind: ping, from: mn1, to: server1}}
  - {{kind: program, node: mn1, start: 1s, command: [sh, -c, "{CHANGE}"]}}
"""


def test_it_is_said_and_the_run_goes_on(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    done = run(scenario, tmp_path / "results")
    assert done.record, done.output
    there, back = done.events("link_layer_changed")
    assert (there["node"], there["link_layer_address"], there["back"]) == ("mn1", OTHER, False)
    assert f"mn1 has another MAC address now, {OTHER}: no access point knows it" in done.output
    assert back["back"]
    (file,) = done.directory.glob("runs/*/arrivals/*@mn1.bin")
    answers = np.fromfile(file, dtype="<i8").reshape(-1, 3)[:, 2]
    silent = (answers > there["t"] + 100_000_000) & (answers < back["t"])
    assert not silent.any()
    assert (answers > back["t"]).sum() > 50
