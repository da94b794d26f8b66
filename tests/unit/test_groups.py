"""Groups of nodes: usable wherever a node's name is, and errors are at the lines that there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.scenario import Scenario, ScenarioError, parse
from emu.scenario.groups import expand
from tests.unit.scenarios import emu_check

TEXT = """\
name: crowd
duration: 10s
topology: {kind: dmm-domain, mars: 3}
multicast: {query_response_interval: 1s}
nodes:
  phones: {role: mn, count: 3, attach: mar1, dad: off}
  mn: {role: mn, attach: mar2}
  src: {role: source}
  server1: {role: server}
channels:
  C1: {group: "ff3e::c1", source: src, rate: 1mbit}
services:
  web: {kind: origin, node: server1}
  tv: {kind: player, node: phones, origin: web}
traffic:
  - {kind: multicast, channel: C1, to: [mn, phones]}
  - {kind: ping, from: phones, to: server1, name: alive}
  - {kind: ping, from: mn, to: server1}
events:
  - {at: 4s, handover: phones, to: mar2, gap: 50ms}
  - {at: 5s, leave: mn, channel: C1}
"""
PHONES = ("phones1", "phones2", "phones3")


def scenario(text: str = TEXT) -> Scenario:
    return parse(text.encode(), "crowd.yaml")


def problems(old: str, new: str) -> list[str]:
    assert TEXT.count(old) == 1, old
    with pytest.raises(ScenarioError) as raised:
        scenario(TEXT.replace(old, new))
    return list(raised.value.problems)


def test_a_group_stands_for_its_nodes_everywhere() -> None:
    crowd = scenario()
    assert tuple(crowd.nodes) == (*PHONES, "mn", "src", "server1")
    assert all(crowd.nodes[name].attach == "mar1" for name in PHONES)
    listeners, *pings = crowd.traffic
    assert listeners.to == ("mn", *PHONES)
    assert [ping.from_ for ping in pings] == [*PHONES, "mn"]
    assert crowd.flow_names == (
        "C1", "alive-phones1", "alive-phones2", "alive-phones3", "ping-mn-server1",
    )  # fmt: skip
    assert [event.node for event in crowd.events] == [*PHONES, "mn"]
    assert [crowd.services[f"tv{number}"].node for number in (1, 2, 3)] == [*PHONES]


def test_it_is_the_scenario_that_is_written_out() -> None:
    """With other names for the same, there is no difference at all."""
    written = TEXT.replace(
        "  phones: {role: mn, count: 3, attach: mar1, dad: off}\n",
        "".join(f"  {name}: {{role: mn, attach: mar1, dad: off}}\n" for name in PHONES),
    )
    written = written.replace("[mn, phones]", f"[mn, {', '.join(PHONES)}]")
    for line in TEXT.splitlines(keepends=True):
        if ": phones" in line:
            copies = "".join(
                line.replace(": phones", f": {name}")
                .replace("name: alive", f"name: alive-{name}")
                .replace("tv:", f"tv{number}:")
                for number, name in enumerate(PHONES, 1)
            )
            written = written.replace(line, copies)
    assert scenario(written) == scenario()


def test_to_and_partition_take_a_group_too() -> None:
    text = TEXT.replace("[mn, phones]", "phones").replace("leave: mn", "leave: phones")
    assert scenario(text).traffic[0].to == PHONES
    events = expand({"nodes": {"m": {"count": "2"}}, "events": [{"at": "1s", "partition": ["m"]}]})
    assert events.value["events"] == [{"at": "1s", "partition": ["m1", "m2"]}]


PHONES_AND_MN = "write one of phones1, phones2, phones3, mn"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("count: 3", "count: 0", "6: nodes.phones.count: 0 is too small; write 1 or more"),
        ("count: 3", "count: 1001", "6: nodes.phones.count: 1001 is too large; write 1000 or less"),
        ("attach: mar1", "attach: mar9",
         '6: nodes.phones.attach: no access router "mar9"; did you mean mar3?'),
        ("gap: 50ms", "gap: 50",
         '20: events[0].gap: "50" has no unit; write a duration such as 5ms'),
        ("leave: mn", "leave: nobody", f'21: events[1].leave: no node "nobody"; {PHONES_AND_MN}'),
        ("[mn, phones]", "[phones, mn, nobody]",
         f'16: traffic[0].to[2]: no node "nobody"; {PHONES_AND_MN}'),
        ("source: src", "source: phones", '11: channels.C1.source: no node "phones"; write src'),
        ("  mn: {role", "  phones2: {role",
         "6: nodes.phones: makes phones2, which is a node already; choose another name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_once_at_its_line(old: str, new: str, error: str) -> None:
    place = error.rpartition(":")[0]
    found = [line for line in problems(old, new) if line.startswith(f"crowd.yaml:{place}:")]
    assert found == [f"crowd.yaml:{error}"]


def test_a_name_too_long_with_its_number_is_said_once() -> None:
    (line,) = [
        one
        for one in problems("phones: {role: mn, count: 3", "receivers: {role: mn, count: 3")
        if "nodes.receivers" in one
    ]
    assert "is not a good name; write a letter, then up to 8 letters or digits" in line


def test_groups_cannot_make_a_small_file_huge() -> None:
    pairs = "nodes:\n  a: {role: mn, count: 1000, attach: mar1}\n  b: {role: server, count: 1000}\n"
    text = TEXT[: TEXT.index("nodes:")] + pairs + "traffic:\n  - {kind: ping, from: a, to: b}\n"
    with pytest.raises(ScenarioError) as raised:
        scenario(text)
    assert list(raised.value.problems) == [
        "crowd.yaml:8: traffic: is more than 20000 entries with its groups written out; write fewer"
    ]


def test_the_command_counts_them(tmp_path: Path) -> None:
    (tmp_path / "crowd.yaml").write_text(TEXT, encoding="utf-8")
    assert "crowd is good: 10s, 4 events" in emu_check(tmp_path / "crowd.yaml").stdout


PLAIN = st.recursive(
    st.none() | st.text(max_size=4) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["nodes", "traffic", "events", "services", "count", "to", "from", "g"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_data_of_any_form_is_written_out_or_left_alone(value: object) -> None:
    done = expand(value)
    if not isinstance(value, dict):
        assert done.value is value
