"""What other packages bring by entry points, and what is told of those that are not right."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from emu.channel_control import ChannelControlPlan
from emu.measure import record
from emu.measure.metrics import WrongMetric
from emu.records import RecordError
from emu.report.again import again
from emu.scenario import ScenarioError, parse
from tests.installed import as_if_started_anew, bring
from tests.synthetic_record import write_record

SHORTEST = "name: a\nduration: 1s\ntopology: {{kind: {kind}, mars: 2}}\n"
METRIC = "from emu.measure.metrics import Metric\nTHERE = Metric(lambda run, handover: {value})\n"
POLICY = """
from emu.scenario.channel_policies import ChannelPolicy
THERE = ChannelPolicy(made_by="agents.control.policies:Load")
"""
MULTICAST = "multicast: {{scheme: multi-upstream, channel_control: {control}}}\n"
TRAFFIC = """
from typing import Literal
from emu.scenario.errors import Problem
from emu.scenario.traffic import Flow
from emu.scenario.traffic_kind import TrafficKind

class Beacon(Flow):
    kind: Literal["beacon"]
    every: int

def check(scenario, flow, path):
    if flow.every > 9:
        yield Problem((*path, "every"), "is too often; write less")

THERE = TrafficKind(keys=Beacon, plan="mine:check", programs=("emu.traffic.ping",), check=check)
"""
SCHEME = """
from emu.scenario.multicast_scheme import MulticastScheme
THERE = MulticastScheme(
    natively=True,
    goes_with=("pmipv6",),
    defaults={"explicit_tracking": True, "query_interval": "20s"},
    prediction="emu.analysis.multicast_schemes:RFC7028",
)
"""
TOPOLOGY = """
from topologies.kind import Topology
THERE = Topology(topo="nowhere:Ring", hops=lambda one, other, mars: 1)
"""


@pytest.fixture(autouse=True)
def _forgotten():
    yield
    as_if_started_anew()


def scenario(kind: str = "line") -> None:
    parse(SHORTEST.format(kind=kind).encode(), "f")


@pytest.mark.parametrize(
    ("group", "entry", "text", "says"),
    [
        ("emu.metrics", "x_ms", "THERE = 3", r"1: metrics: x_ms has no metric in it; .*Metric"),
        ("emu.metrics", "x_ms", "", r"x_ms cannot be loaded \(AttributeError: .*THERE"),
        ("emu.metrics", "x_ms", "1 / 0", r"x_ms cannot be loaded \(ZeroDivisionError"),
        ("emu.schemes", "dmm", "", "mobility: the mobility scheme dmm is there twice, from the "
         "toolkit and mine; uninstall or rename one"),
        ("emu.topologies", "line", TOPOLOGY, "3: topology: the topology line is there twice"),
    ],
)  # fmt: skip
def test_a_declaration_that_is_not_right_is_told_at_the_start(
    tmp_path, monkeypatch, group, entry, text, says
):
    bring(monkeypatch, tmp_path, "mine", group, entry, text)
    as_if_started_anew()
    with pytest.raises(ScenarioError, match=says):
        scenario()


def test_two_packages_that_bring_one_name_are_both_named(tmp_path, monkeypatch):
    for name in ("mine", "yours"):
        bring(monkeypatch, tmp_path, name, "emu.metrics", "x_ms", METRIC.format(value=1))
    with pytest.raises(ScenarioError, match=r"x_ms is there twice, from (mine|yours) and "):
        scenario()


def test_a_topology_is_among_the_choices_and_its_class_is_looked_for(tmp_path, monkeypatch):
    bring(monkeypatch, tmp_path, "mine", "emu.topologies", "ring", TOPOLOGY)
    with pytest.raises(ScenarioError, match="one of dmm-domain, line, internet, ring"):
        scenario("x")
    with pytest.raises(ScenarioError, match=r"ring is not whole: .* module nowhere"):
        scenario("ring")


def test_a_multicast_scheme_goes_with_a_mobility_scheme_of_the_toolkit(tmp_path, monkeypatch):
    bring(monkeypatch, tmp_path, "mine", "emu.multicast_schemes", "quick", SCHEME)
    text = SHORTEST.format(kind="line") + "mobility: {scheme: pmipv6}\nmulticast: {scheme: quick}\n"
    multicast = parse(text.encode(), "f").multicast
    assert (multicast.explicit_tracking, multicast.query_interval) == (True, 20_000_000_000)
    with pytest.raises(ScenarioError, match=r"does not go with .* dmm; write .*mld-dmm"):
        parse(text.replace("pmipv6", "dmm").encode(), "f")
    with pytest.raises(ScenarioError, match=r"does not go with .* pmipv6; write .*, quick"):
        parse(text.replace("scheme: quick", "scheme: mld-dmm").encode(), "f")
    with pytest.raises(ScenarioError, match=r"5: multicast.upstream: does nothing in the scheme"):
        parse(text.replace("quick", "quick, upstream: anchors").encode(), "f")


def test_the_predictions_of_a_multicast_scheme_must_be_there(tmp_path, monkeypatch):
    text = SCHEME.replace("RFC7028", "NOBODY")
    bring(monkeypatch, tmp_path, "mine", "emu.multicast_schemes", "quick", text)
    text = SHORTEST.format(kind="line") + "mobility: {scheme: pmipv6}\nmulticast: {scheme: quick}\n"
    with pytest.raises(ScenarioError, match=r"5: multicast.scheme: .* quick is not whole: predict"):
        parse(text.encode(), "f")


def test_a_kind_of_traffic_has_its_own_keys_and_checks(tmp_path, monkeypatch):
    bring(monkeypatch, tmp_path, "mine", "emu.traffic", "beacon", TRAFFIC)
    as_if_started_anew()
    text = SHORTEST.format(kind="line") + "traffic: [{kind: beacon, every: 3}]\n"
    found = parse(text.encode(), "f")
    assert (found.traffic[0].every, found.flow_names) == (3, ("beacon",))
    assert pickle.loads(pickle.dumps(found)) == found
    for wrong, says in (
        ("every: x", r"4: traffic\[0\].every: .* is not a whole number"),
        ("every: 99", r"4: traffic\[0\].every: is too often; write less"),
        ("evry: 3", r"4: traffic\[0\].evry: unknown key; did you mean every"),
    ):
        with pytest.raises(ScenarioError, match=says):
            parse(text.replace("every: 3", wrong).encode(), "f")
    with pytest.raises(ScenarioError, match=r"not a kind of traffic; .*, i3, beacon"):
        parse(text.replace("beacon", "x").encode(), "f")


def test_the_processes_of_a_kind_of_traffic_must_be_there(tmp_path, monkeypatch):
    text = TRAFFIC.replace("emu.traffic.ping", "nowhere")
    bring(monkeypatch, tmp_path, "mine", "emu.traffic", "beacon", text)
    as_if_started_anew()
    text = SHORTEST.format(kind="line") + "traffic: [{kind: beacon, every: 3}]\n"
    with pytest.raises(ScenarioError, match=r"kind: .* beacon is not whole: .* module nowhere"):
        parse(text.encode(), "f")


def test_a_policy_is_given_its_parameters_as_they_are_written(tmp_path, monkeypatch):
    bring(monkeypatch, tmp_path, "mine", "emu.channel_policies", "calm", POLICY)
    control = "{policy: calm, parameters: {spare: 4}}"
    text = SHORTEST.format(kind="line") + MULTICAST.format(control=control)
    found = parse(text.encode(), "f")
    agent = ChannelControlPlan(found, SimpleNamespace(names=str), tmp_path).of_centre("cmd")
    assert (agent["policy"], agent["parameters"]) == (
        "agents.control.policies:Load",
        {"spare": "4"},
    )
    wrong = MULTICAST.format(control="{policy: load, parameters: {spare: 4}}")
    with pytest.raises(ScenarioError, match=r"parameters: are for a policy of your own"):
        parse((SHORTEST.format(kind="line") + wrong).encode(), "f")
    with pytest.raises(ScenarioError, match=r"one of static, .*, load, calm, or file\.py"):
        parse(text.replace("policy: calm", "policy: x").encode(), "f")


def test_a_policy_whose_module_is_not_there_is_told(tmp_path, monkeypatch):
    text = POLICY.replace("agents.control.policies", "nowhere")
    bring(monkeypatch, tmp_path, "mine", "emu.channel_policies", "calm", text)
    wrong = MULTICAST.format(control="{policy: calm}")
    with pytest.raises(ScenarioError, match=r"policy: .* calm is not whole: .* module nowhere"):
        parse((SHORTEST.format(kind="line") + wrong).encode(), "f")


def test_a_metric_is_in_the_record_of_each_handover_and_in_the_summary(tmp_path, monkeypatch):
    value = "handover.latency_ms['binding'] if handover.target == 'mar2' else None"
    bring(monkeypatch, tmp_path, "mine", "emu.metrics", "x_ms", METRIC.format(value=value))
    found = record.build(write_record(tmp_path / "record", runs=2))
    first, second, *_ = found["runs"][0]["handovers"]
    assert (first["metrics"], second["metrics"]) == ({"x_ms": 20.5}, {"x_ms": None})
    assert found["summary"]["metrics.x_ms"]["n"] == 2
    assert "metrics.x_ms" not in found["summary"]["latency_ms.total"]
    page = again(tmp_path / "record").read_text(encoding="utf-8")
    assert '<td class="left">x_ms</td>' in page


@pytest.mark.parametrize("value", ["1 / 0", "'many'"])
def test_a_metric_that_fails_is_named_and_the_raw_files_stay(tmp_path: Path, monkeypatch, value):
    bring(monkeypatch, tmp_path, "mine", "emu.metrics", "x_ms", METRIC.format(value=value))
    directory = write_record(tmp_path / "record", runs=1)
    with pytest.raises(WrongMetric, match=r"x_ms cannot be measured \((Zero|Value).*mend it"):
        record.build(directory)
    with pytest.raises(RecordError, match="metric x_ms"):
        again(directory)
    assert (directory / "runs/1/events.jsonl").exists()
