"""Handovers in a domain with a key: everything that is said is authenticated, and accepted."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run_side_by_side

pytestmark = pytest.mark.root

SCENARIO = """
name: keyed
duration: 3s
topology: {{kind: dmm-domain, mars: 2, cmd: {{delay: 5ms}}, backhaul: {{delay: 5ms}}}}
mobility: {{variant: {variant}, key: correct horse battery staple}}
multicast: {{scheme: multi-upstream, channel_control: {{at: {at}}}}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  src: {{role: source}}
channels:
  C1: {{group: "ff3e::c1", source: src, rate: 500kbit}}
traffic:
  - {{kind: multicast, channel: C1, to: [mn1]}}
events:
  - {{at: 1s, handover: mn1, to: mar2, gap: 20ms}}
"""


CHANNEL_CONTROL_AT = {"locator": "cmd", "distributed": "mar"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    scenarios = {
        variant: tmp_path_factory.mktemp(variant) / "scenario.yaml"
        for variant in CHANNEL_CONTROL_AT
    }
    for variant, scenario in scenarios.items():
        scenario.write_text(
            SCENARIO.format(variant=variant, at=CHANNEL_CONTROL_AT[variant]), encoding="utf-8"
        )
    return run_side_by_side(scenarios)


@pytest.mark.parametrize(
    ("variant", "kinds"),
    [
        ("locator", {"PBU", "PBA", "Channel Query", "Channel Response"}),
        ("distributed", {"PBU", "PBA"}),
    ],
)
def test_every_message_of_a_handover(runs: dict[str, Run], variant: str, kinds: set[str]) -> None:
    result = runs[variant]
    assert result.ended, result.output
    assert kinds <= set(result.run()["signalling"])
    (handover,) = result.run()["handovers"]
    assert handover["latency_ms"]["binding"] is not None
    (flow,) = handover["flows"]
    assert flow["recovered"]
    centre = "cmd" if variant == "locator" else "ix"
    for mar in ("mar1", "mar2"):
        # The last 19 octets of each message are the option: its type, its length, MN-HA, SPI 256.
        rows = result.packets(
            f"{mar}-{centre}", "mipv6", "mip6.mhtype", "mip6.auth.subtype", "mip6.auth.mobility_spi"
        )
        assert rows
        assert {tuple(row[1:]) for row in rows if row[0] != "11"} == {("1", "256")}
    states = {event["node"] for event in result.events("state") if "signalling" in event}
    assert states >= {"mar1", "mar2"}
    refused = [reason for counts in result.run()["refused"].values() for reason in counts]
    assert not [reason for reason in refused if reason.startswith(("signalling", "malformed"))]
