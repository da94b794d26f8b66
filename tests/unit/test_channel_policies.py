"""What each policy decides, and a user's own."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from channels import BOTH, C1, C2, C3, LOCAL, MAR1, REMOTE, S1, make_policy

from agents.control.channel import Channel, lookup, read_settings
from agents.control.decisions import MOBILITY_WINDOW, Decision, Decisions
from agents.control.policies import Question
from agents.core import SECOND
from agents.roles.users_policy import PolicyError, policy


def question(channel=C1, handovers=0, load=0) -> Question:
    return Question(channel, MAR1, "mn1", handovers, load)


def test_static_is_the_same_for_all():
    assert make_policy("static", {"default": "both"}).decide(question()) is BOTH


@pytest.mark.parametrize(("group", "scope"), [("ff15::1", REMOTE), ("ff18::1", LOCAL)])
def test_scope_tunnels_what_is_scoped_narrowly(group, scope):
    by_scope = make_policy("scope", {"native_scope": 8})
    assert by_scope.decide(question(Channel(None, IPv6Address(group)))) is scope


@pytest.mark.parametrize(("channel", "scope"), [(C1, REMOTE), (C3, LOCAL), (C2, LOCAL)])
def test_delay_tunnels_what_cannot_wait_for_a_native_join(channel, scope):
    delays = [(str(S1), "ff3e::c1", 49), (str(S1), "ff3e::c3", 50)]
    by_delay = make_policy("delay", {"native_join": 50, "delays": delays})
    assert by_delay.decide(question(channel)) is scope


@pytest.mark.parametrize(("handovers", "scope"), [(1, LOCAL), (2, REMOTE)])
def test_mobility_tunnels_for_who_moves_on_soon(handovers, scope):
    by_mobility = make_policy("mobility", {"handovers": 2})
    assert by_mobility.decide(question(handovers=handovers)) is scope


@pytest.mark.parametrize(("load", "scope"), [(1, REMOTE), (2, LOCAL)])
def test_load_tunnels_so_many_channels(load, scope):
    assert make_policy("load", {"tunnelled": 2}).decide(question(load=load)) is scope


def test_what_is_set_wins_over_the_policy():
    decisions = Decisions(make_policy("load", {"tunnelled": 2}), {C1: BOTH})
    assert decisions.decide(C1, MAR1, None, 0, 0) == Decision(BOTH, reusable=True)
    assert decisions.decide(C3, MAR1, None, 0, 0) == Decision(REMOTE, reusable=False)


def test_handovers_count_for_a_minute():
    decisions = Decisions(make_policy("mobility", {"handovers": 2}), {})
    decisions.moved("mn1", 0)
    decisions.moved("mn1", 30 * SECOND)
    decisions.moved("mn2", 30 * SECOND)
    assert decisions.decide(C1, MAR1, "mn1", 0, MOBILITY_WINDOW - 1).scope is REMOTE
    assert decisions.decide(C1, MAR1, "mn1", 0, MOBILITY_WINDOW).scope is LOCAL
    assert decisions.decide(C1, MAR1, "mn2", 0, 31 * SECOND).scope is LOCAL
    assert decisions.decide(C1, MAR1, None, 0, 31 * SECOND).scope is LOCAL


def test_a_setting_for_any_source_is_for_each():
    settings = read_settings([(None, "ff1e::c2", "local"), (str(S1), "ff3e::c1", "both")])
    assert settings == {C2: LOCAL, C1: BOTH}
    assert lookup(settings, Channel(S1, C2.group)) is LOCAL
    assert lookup(settings, Channel(None, C1.group)) is BOTH
    assert lookup(settings, Channel(MAR1, C1.group)) is None
    two = {**settings, Channel(MAR1, C1.group): LOCAL}
    assert lookup(two, Channel(None, C1.group)) is None
    assert lookup(two, Channel(MAR1, C1.group)) is LOCAL


OWN = """\
from agents.wire.channel import ChannelScope

class Evenings:
    def __init__(self, after):
        self.after = after

    def decide(self, question):
        return ChannelScope.BOTH if question.load > int(self.after) else "maybe"
"""


def test_a_users_own_policy(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN, encoding="utf-8")
    own = policy(f"{path}:Evenings", {"after": "3"})
    assert own.decide(question(load=4)) is BOTH
    assert not own.reusable
    with pytest.raises(PolicyError, match="Evenings decided 'maybe', which is no ChannelScope"):
        own.decide(question(load=3))
    with pytest.raises(PolicyError, match="has no class Mornings"):
        policy(f"{path}:Mornings", {})


def test_a_module_without_a_path_is_an_installed_one():
    made = policy("agents.control.policies:static", {"default": "local"})
    assert (made.decide(question()), made.reusable) == (LOCAL, True)
    with pytest.raises(PolicyError, match=r"agents\.control\.policies has no class Nobody"):
        policy("agents.control.policies:Nobody", {})


def test_the_documented_example_works(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "channel-control.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "evenings.py"
    path.write_text(example, encoding="utf-8")
    evenings = policy(f"{path}:Evenings", {"spare": "4"})
    assert [evenings.decide(question(load=load)) for load in (3, 4)] == [REMOTE, BOTH]
