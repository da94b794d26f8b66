"""The channel control of a scenario: defaults of the scheme, and a policy of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from emu.scenario import ScenarioError, load, parse
from emu.scenario.files import own_files
from emu.scenario.policies import own
from tests.unit.scenarios import GOOD, spoiled

OWN = (
    "scheme: multi-upstream, channel_control: {policy: policies/own.py:Own, parameters: {after: 3}}"
)


def test_multi_upstream_brings_its_parts():
    multicast = parse(spoiled("scheme: mld-dmm", "scheme: multi-upstream").encode(), "f").multicast
    assert multicast.context_transfer == "pbu"
    assert multicast.explicit_tracking
    assert multicast.channel_control is not None
    assert multicast.channel_control.policy == "static"
    assert multicast.channel_control.default == "remote"


def test_the_base_scheme_has_none_of_them():
    multicast = parse(GOOD.encode(), "f").multicast
    assert multicast.context_transfer == "off"
    assert not multicast.explicit_tracking
    assert multicast.channel_control is None


def test_what_is_written_holds():
    text = spoiled(
        "scheme: mld-dmm",
        "scheme: multi-upstream, context_transfer: off, explicit_tracking: false,"
        " channel_control: {at: mar, channels: {C1: both}}",
    )
    multicast = parse(text.encode(), "f").multicast
    assert multicast.context_transfer == "off"
    assert not multicast.explicit_tracking
    assert multicast.channel_control is not None
    assert multicast.channel_control.channels == {"C1": "both"}


def test_a_change_of_policy_is_an_event_of_no_node():
    text = (
        spoiled("scheme: mld-dmm", "scheme: multi-upstream") + "  - {at: 6s, policy: {C1: local}}\n"
    )
    verbs = [event.verb for event in parse(text.encode(), "f").timeline]
    assert verbs == ["handover", "policy", "join"]


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    path = tmp_path / "scenario.yaml"
    path.write_text(spoiled("scheme: mld-dmm", OWN), encoding="utf-8")
    return path


def test_a_policy_of_ones_own_is_found_beside_the_scenario(scenario_file: Path):
    (scenario_file.parent / "policies" / "own.py").write_text(
        "class Own:\n    pass\n", encoding="utf-8"
    )
    scenario = load(scenario_file)
    control = scenario.multicast.channel_control
    assert control is not None
    assert own(control.policy) == ("policies/own.py", "Own")
    assert own_files(scenario) == {"policies/own.py"}
    assert control.parameters == {"after": "3"}


def test_a_later_policy_of_ones_own_is_found_and_checked_too(scenario_file: Path):
    (scenario_file.parent / "policies" / "own.py").write_text(
        "class Own:\n    pass\n", encoding="utf-8"
    )
    (scenario_file.parent / "late.py").write_text("class Late:\n    pass\n", encoding="utf-8")
    text = scenario_file.read_text(encoding="utf-8")
    scenario_file.write_text(text + "  - {at: 6s, new_policy: late.py:Late}\n", encoding="utf-8")
    assert own_files(load(scenario_file)) == {"policies/own.py", "late.py"}
    scenario_file.write_text(text + "  - {at: 6s, new_policy: late.py:Later}\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(scenario_file)
    problem = f'{scenario_file}:23: events[2].new_policy: "late.py" has no class "Later"'
    assert caught.value.problems == (f"{problem}; did you mean Late?",)


def test_keys_of_a_later_policy_may_be_written():
    scheme = "scheme: multi-upstream, channel_control: {policy: load, handovers: 2}"
    event = "  - {at: 6s, new_policy: mobility}\n"
    scenario = parse((spoiled("scheme: mld-dmm", scheme) + event).encode(), "f")
    assert [event.verb for event in scenario.timeline] == ["handover", "new_policy", "join"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"class Owl:\n    pass\n", 'has no class "Own"; did you mean Owl?'),
        (b"class Own\n", "is not Python; mend it"),
        (b"\0", "is not Python; mend it"),
    ],
)
def test_a_policy_that_cannot_be_used_is_told(scenario_file: Path, content: bytes, problem: str):
    (scenario_file.parent / "policies" / "own.py").write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        load(scenario_file)
    path = f'{scenario_file}:9: multicast.channel_control.policy: "policies/own.py" '
    assert caught.value.problems == (path + problem,)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ("{at: 6s, policy: {}}", "events[2].policy: changes nothing; write policy: {C1: local}"),
        ("{at: 6s, policy: {C9: both}}", 'events[2].policy.C9: no channel "C9"; write C1'),
        (
            "{at: 10s, policy: {C1: both}}",
            "events[2].at: 10s is not before the end at 10s; write an earlier time",
        ),
    ],
)
def test_a_change_of_policy_must_change_something_in_time(event: str, problem: str):
    text = spoiled("scheme: mld-dmm", "scheme: multi-upstream") + f"  - {event}\n"
    with pytest.raises(ScenarioError) as caught:
        parse(text.encode(), "f")
    assert caught.value.problems == (f"f:23: {problem}",)


def test_explicit_tracking_is_for_every_scheme_with_multicast():
    tracking = "scheme: mld-dmm, explicit_tracking: true"
    assert parse(spoiled("scheme: mld-dmm", tracking).encode(), "f").multicast.explicit_tracking
    with pytest.raises(ScenarioError, match="explicit_tracking: does nothing in the scheme none"):
        parse(spoiled("scheme: mld-dmm", "scheme: none, explicit_tracking: true").encode(), "f")


SENT_BY_MN2 = spoiled("source: src, rate", "source: mn2, rate")


def test_a_mobile_node_may_be_a_source():
    text = SENT_BY_MN2.replace("join: mn2", "join: mn3").replace(
        "nodes:", "nodes:\n  mn3: {role: mn, attach: mar3}"
    )
    assert parse(text.encode(), "f").channels["C1"].source == "mn2"


def test_a_source_does_not_listen_to_itself():
    with pytest.raises(ScenarioError) as caught:
        parse(SENT_BY_MN2.replace("to: [mn1]", "to: [mn1, mn2]").encode(), "f")
    assert [problem.split(":", 2)[2] for problem in caught.value.problems] == [
        ' traffic[0].to[1]: "mn2" sends C1 itself; name another node',
        ' events[1].join: "mn2" sends C1 itself; name another node',
    ]
