"""Section IV.B: a tunnel stays while unicast or multicast needs it, and goes when neither does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import ROOT, run

pytestmark = pytest.mark.root

ENDS = ("mar1", "mar2")


def test_a_tunnel_goes_when_neither_unicast_nor_multicast_needs_it(tmp_path: Path) -> None:
    result = run(ROOT / "experiments/multicast-tunnels/scenario.yaml", tmp_path)
    assert result.ended, result.output
    tunnels = {(t["router"], t["peer"]): t for t in result.run()["tunnels"]}
    for here, there in (ENDS, ENDS[::-1]):
        tunnel = tunnels[here, there]
        assert set(tunnel["held_by"]) == {"unicast", "multicast"}
        assert tunnel["removed_s"] > 8
        first = next(e for e in result.events("tunnel_created") if e["node"] == here)
        let_go = [e["holder"] for e in result.events("tunnel_released")
                  if (e["node"], e["peer"]) == (here, first["peer"])]  # fmt: skip
        assert let_go == ["unicast:mn1", "multicast"]
    flows = {flow["flow"]: flow for flow in result.run()["flows"]}
    assert flows["C1→mn4"]["received"] > 0.9 * flows["C1→mn4"]["sent"]
    assert all(flow["duplicated"] == 0 for flow in flows.values())
