"""When the last flow of a prefix is over, its tunnel and routes go, and a handover costs less."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import pytest

from tests.lab.emu_run import run

pytestmark = pytest.mark.root

SCENARIO = """\
name: idle
duration: 9s
leftovers: true
topology: {kind: dmm-domain, mars: 3, backhaul: {delay: 5ms}, cmd: {delay: 10ms}}
mobility: {scheme: dmm, idle_release: 2s}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  server1: {role: server}
traffic:
  - {kind: ping, from: mn1, to: server1, name: old, stop: 3s}     # has the prefix of mar1
  - {kind: ping, from: mn1, to: server1, name: new, start: 2s}    # has that of mar2
events:
  - {at: 1s, handover: mn1, to: mar2}
  - {at: 8s, handover: mn1, to: mar3}
"""


def test_the_last_flow_of_a_prefix_ends_its_anchor(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    result = run(scenario, tmp_path / "results")
    assert result.ended, result.output
    (idle,) = result.events("prefix_idle")
    assert idle["node"] == "mar2"
    assert IPv6Address(result.flow("old")["local_address"]) in IPv6Network(idle["prefix"])
    # Pings were answered until the end, and a while later all was gone, at both ends.
    assert result.flow("old")["received"] > 0.8 * result.flow("old")["sent"]
    assert result.flow("old")["tunnel_bytes"] > 0
    removed = [e for e in result.events("tunnel_removed") if e["t"] > idle["t"]][:2]
    assert {event["node"] for event in removed} == {"mar1", "mar2"}
    # The handover to mar3 has mar2 to tell only: 2n + 2 messages, n = 1.
    handover = result.run()["handovers"][1]["signalling"]
    assert handover["PBU"]["messages"] + handover["PBA"]["messages"] == 4
    assert result.run()["leftovers"]["kernel"] == {}
