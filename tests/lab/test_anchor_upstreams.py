"""MLD-DMM by the MAR just left, or by each anchor: the copies that a single listener costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import ROOT, run

pytestmark = pytest.mark.root

SCENARIO = ROOT / "experiments/multicast-upstreams/scenario.yaml"


@pytest.mark.parametrize(("upstream", "copies"), [("previous", [1, 1, 1]), ("anchors", [1, 2, 3])])
def test_a_copy_comes_from_each_mar_that_is_asked(
    upstream: str, copies: list[int], tmp_path: Path
) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        SCENARIO.read_text(encoding="utf-8").replace("upstream: anchors", f"upstream: {upstream}"),
        encoding="utf-8",
    )
    result = run(path, tmp_path / "out")
    assert result.ended, result.output
    flows = [flow for handover in result.run()["handovers"] for flow in handover["flows"]]
    assert [flow["copies"] for flow in flows] == copies
    assert all(flow["recovered"] and not flow["duplicated"] for flow in flows)
    asked = {record["upstream"] for record in result.run()["membership"]["mar4"]}
    anchors = {"tun-mar1", "tun-mar2", "tun-mar3"}
    assert asked == (anchors if upstream == "anchors" else {"tun-mar3"})
