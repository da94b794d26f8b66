"""A mobile source sends with its first address from wherever it is: local, remote, both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lab.emu_run import ROOT, Run, run

pytestmark = pytest.mark.root

SSM, ASM, BOTH = "ff3e::c3", "ff0e::c2", "ff0e::c4"
SCENARIO = """
name: sources
duration: 6s
topology: {kind: dmm-domain, mars: 3, backhaul: {delay: 5ms}, cmd: {delay: 5ms}, core: {delay: 2ms}}
multicast:
  scheme: multi-upstream
  channel_control: {channels: {C2: local, C3: remote, C4: both}}
nodes:
  s3: {role: mn, attach: mar1, dad: off}
  mn1: {role: mn, attach: mar1, dad: off}
  mn2: {role: mn, attach: mar2, dad: off}
  mn3: {role: mn, attach: mar3, dad: off}
channels:
  C2: {group: "ff0e::c2", source: s3, rate: 250kbit, packet: 1000}
  C3: {group: "ff3e::c3", source: s3, rate: 250kbit, packet: 1000}
  C4: {group: "ff0e::c4", source: s3, rate: 250kbit, packet: 1000}
traffic:
  - {kind: multicast, channel: C2, to: [mn1, mn2, mn3]}
  - {kind: multicast, channel: C3, to: [mn1, mn2, mn3]}
  - {kind: multicast, channel: C4, to: [mn1, mn2, mn3]}
events:
  - {at: 2s, handover: s3, to: mar2, gap: 50ms}
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory: Path = tmp_path_factory.mktemp("sources")
    path = directory / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    result = run(path, directory / "out", "--keep-captures")
    assert result.ended, result.output
    return result


def records(result: Run, router: str) -> set[tuple[Any, ...]]:
    """(upstream, group, listeners, whether it has a local source) when the scenario ended."""
    return {
        (r["upstream"], r["group"], tuple(r["listeners"]), bool(r["local_sources"]))
        for r in result.run()["membership"][router]
    }


def test_the_source_keeps_its_first_address(sources: Run) -> None:
    started = {e["flow"]: e["local"] for e in sources.events("flow_started") if "local" in e}
    for channel in ("C2", "C3", "C4"):
        assert started[channel].startswith("2001:db8:1:")


def test_the_membership_has_the_local_source_at_the_upstreams_it_is_diffused_by(
    sources: Run,
) -> None:
    assert records(sources, "mar2") == {
        ("mar2-core", ASM, ("mn2",), True),
        ("tun-mar1", SSM, ("mn2",), True),
        ("mar2-core", BOTH, ("mn2",), True),
        ("tun-mar1", BOTH, ("mn2",), True),
    }


def test_every_listener_gets_every_channel_once_after_the_move(sources: Run) -> None:
    (handover,) = sources.run()["handovers"]
    assert len(handover["flows"]) == 9
    for flow in handover["flows"]:
        assert flow["recovered"], flow["flow"]
        assert flow["duplicated"] == 0, flow["flow"]
    for flow in sources.run()["flows"]:
        assert flow["received"] > 0.8 * flow["sent"], flow["flow"]


def test_who_is_at_the_same_mar_gets_it_without_a_detour(sources: Run) -> None:
    """MLD-DMM would carry it to mar1 and back: two ways of 5 ms more."""
    (handover,) = sources.run()["handovers"]
    for flow in handover["flows"]:
        if flow["flow"].endswith("mn2"):
            assert flow["delay_after_ms"] < 5, flow["flow"]


def test_only_remote_data_is_in_the_tunnel(sources: Run) -> None:
    """Of about 120 packets; before the decision the local channel is, too."""
    tunnelled = {
        group: len(sources.packets("mar2-ix", f"ipv6.dst == {group} and udp", "frame.number"))
        for group in (ASM, SSM, BOTH)
    }
    assert tunnelled[ASM] < 10
    assert tunnelled[SSM] > 100
    assert tunnelled[BOTH] > 100


def test_mld_dmm_takes_the_detour(tmp_path: Path) -> None:
    """Section IV.A: by the source's anchor, the native network and the listener's previous MAR."""
    result = run(ROOT / "experiments/multicast-sources/scenario.yaml", tmp_path)
    assert result.ended, result.output
    (moved,) = (one for one in result.run()["handovers"] if one["mn"] == "s1")
    seen = {flow["flow"]: flow for flow in moved["flows"]}
    assert seen["C1→mn2"]["delay_after_ms"] >= 2 + 10 + 2 * 5 + 10 + 2
    assert seen["C1→mn1"]["delay_after_ms"] >= 2 + 10 + 2
    for flow in seen.values():
        assert flow["recovered"], flow["flow"]
        assert flow["duplicated"] == 0, flow["flow"]
