"""The protocol is a matter of configuration: docs/overlay-protocols.md and its example."""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import IPv6Address
from pathlib import Path
from random import Random

import pytest

from agents.overlay.actions import Deliver
from agents.overlay.interface import Overlay, Place
from agents.overlay.member import Member
from agents.wire.i3 import Endpoint, endpoint
from agents.wire.overlay_items import Interest
from emu.overlay_file import load
from emu.overlay_protocols.registry import PROTOCOLS, find
from emu.scenario.errors import ScenarioError
from tests.overlay_example import PAGE, write_star

GROUP, OTHER = IPv6Address("ff0e::1"), IPv6Address("ff0e::2")
SOURCE = IPv6Address("2001:db8::5")
ENDS = [endpoint(IPv6Address(f"2001:db8::{n}"), 4754) for n in (1, 2, 3)]
KEYS = {1: b"a secret for tests"}


def place(end: Endpoint, keys: dict[int, bytes] = KEYS) -> Place:
    others = tuple(each for each in ENDS if each != end)
    return Place("a name", (end,), others, keys, 1, Random(end), 0)


def configured(folder: Path, text: str) -> dict[Endpoint, Overlay]:
    """A member at each end, as a configuration with this text makes them."""
    path = folder / "overlay.yaml"
    path.write_text("interface: {addresses: [10.80.0.1/16]}\nkeys: off\n" + text, encoding="utf-8")
    return {end: load(path).make(place(end)) for end in ENDS}


def delivered(members: dict[Endpoint, Overlay], packet: bytes) -> dict[Endpoint, list]:
    """What comes of a packet of the first; the second and third want a group each."""
    members[ENDS[1]].want(GROUP, Interest(GROUP, True), 0)
    members[ENDS[2]].want(OTHER, Interest(OTHER, True), 0)
    came: dict[Endpoint, list] = {end: [] for end in ENDS}
    for action in members[ENDS[0]].send(packet, SOURCE, GROUP, 0):
        for destination in action.destinations:
            came[destination] += members[destination].receive(action.datagram, ENDS[0], 0)
    return came


def test_the_example_carries_packets_to_whom_wants_them(tmp_path):
    write_star(tmp_path)
    members = configured(tmp_path, "protocol: star.py")
    came = {ENDS[0]: [], ENDS[1]: [Deliver(b"hello")], ENDS[2]: []}
    assert delivered(members, b"hello") == came
    ((_, datagram),) = [
        (action.destinations, action.datagram)
        for action in members[ENDS[0]].send(b"again", SOURCE, GROUP, 0)
    ]
    changed = datagram[:-1] + bytes((datagram[-1] ^ 1,))
    assert members[ENDS[1]].receive(changed, ENDS[0], 0) == []
    assert members[ENDS[1]].status(0) == {"dropped": {"refused": 1}}


def test_the_example_needs_no_daemon_around_it(tmp_path):
    """Its author's own tests import it, and nothing before it."""
    environment = {**os.environ, "PYTHONPATH": str(PAGE.parents[1])}
    subprocess.run([sys.executable, write_star(tmp_path)], env=environment, check=True)


def test_its_options_are_read_with_the_configuration(tmp_path):
    write_star(tmp_path)
    members = configured(tmp_path, "protocol: star.py\noptions: {largest: 3}")
    assert delivered(members, b"four") == {end: [] for end in ENDS}
    with pytest.raises(ScenarioError) as refused:
        configured(tmp_path, "protocol: star.py\noptions: {largst: 3}")
    assert refused.value.problems == (
        f"{tmp_path}/overlay.yaml:4: options.largst: unknown key; did you mean largest?",
    )


def test_an_installed_package_brings_one_by_its_entry_point(tmp_path, monkeypatch):
    write_star(tmp_path)
    installed = tmp_path / "star-1.dist-info"
    installed.mkdir()
    texts = {
        "METADATA": "Metadata-Version: 2.1\nName: star\nVersion: 1\n",
        "entry_points.txt": "[emu.overlays]\nstar = star:ALM\n",
    }
    for name, text in texts.items():
        (installed / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "star", raising=False)
    members = configured(tmp_path, "protocol: star")
    assert delivered(members, b"hello")[ENDS[1]] == [Deliver(b"hello")]
    with pytest.raises(ScenarioError, match="star, or the path of a Python file"):
        configured(tmp_path, "protocol: nonsense")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named"),
        ("def", "SyntaxError"),
        ("ALM = 3", "has no overlay protocol in it; write ALM"),
        ("", "has no overlay protocol in it; write ALM"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path, text, says):
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as refused:
        configured(tmp_path, "protocol: mine.py")
    (problem,) = refused.value.problems
    assert problem.startswith(f"{tmp_path}/overlay.yaml:3: protocol: ")
    assert says in problem
    assert "\n" not in problem


@pytest.mark.parametrize("name", PROTOCOLS)
def test_those_that_come_with_the_toolkit_have_all_calls(name):
    alm = find(name, Path())
    needed = {"i3": {"servers": ["[2001:db8::9]:5610"], "tree": "a secret of the overlay"}}
    core = alm.make(place(ENDS[0]), alm.options(**needed.get(name, {})))
    calls = [call for call in vars(Overlay) if not call.startswith("_")]
    assert len(calls) == 12
    assert all(callable(getattr(core, call)) for call in calls)
    assert f"| `{name}` |" in PAGE.read_text(encoding="utf-8")


def test_a_member_is_what_the_protocol_of_our_own_makes():
    alm = find("own", Path())
    member = alm.make(place(ENDS[0]), alm.options(degree=7))
    assert isinstance(member, Member)
    assert member.status(0)["name"] == "a name"
