"""What the agents are told of a scenario's channel control, and what they make of it."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from channels import C1, C2, LOCAL, MAR1, MCC, REMOTE, S1

import emu.channel_control
from agents.control.channel import read_settings
from agents.control.policies import Question
from agents.roles.users_policy import policy
from emu.channel_control import ChannelControlPlan
from emu.scenario import parse
from tests.unit.scenarios import GOOD

SCHEME = "scheme: multi-upstream, channel_control: {channels: {C1: local}}"
C2_LINE = '  C2: {group: "ff1e::c2", source: src, rate: 1mbit}\ntraffic:\n'


class Addresses:
    """Of a network, what the plan asks for."""

    def address(self, name):
        return {"src": S1, "cmd": MCC, "mcc": MCC, "mar1": MAR1}[name]

    def names(self, role):
        return ["mar1", "mar2"] if role == "mar" else []


def plan(control: str, folder: Path = Path(), event: str = "") -> ChannelControlPlan:
    scheme = f"scheme: multi-upstream, channel_control: {{{control}}}"
    text = GOOD.replace("scheme: mld-dmm", scheme).replace("traffic:\n", C2_LINE)
    text += f"  - {event}\n" if event else ""
    return ChannelControlPlan(parse(text.encode(), str(folder / "f")), Addresses(), folder)


def question(channel):
    return Question(channel, MAR1, None, 0, 0)


def decides(config, channel=C1):
    """What an agent with this configuration decides by policy; its settings."""
    made = policy(config["policy"], config["parameters"])
    return made.decide(question(channel)), read_settings(config["channels"])


def test_the_base_scheme_has_no_channel_control():
    base = ChannelControlPlan(parse(GOOD.encode(), "f"), Addresses(), Path())
    assert base.of_mar("mar1") is None
    assert base.of_centre("cmd") is None


def test_at_the_cmd_the_mars_ask():
    central = plan("default: both, timeout: 50ms, channels: {C1: local, C2: remote}")
    assert central.of_mar("mar1") == {"mcc": str(MCC), "default": "both", "timeout": 50_000_000}
    scope, settings = decides(central.of_centre("cmd"))
    assert scope.name == "BOTH"
    assert settings == {C1: LOCAL, C2: REMOTE}


def test_at_the_mars_each_decides():
    distributed = plan("at: mar, policy: load, tunnelled: 0")
    assert distributed.of_centre("cmd") is None
    config = distributed.of_mar("mar1")
    assert config["mcc"] is None
    assert decides(config)[0] is LOCAL
    assert config["changes"] != distributed.of_mar("mar2")["changes"]


@pytest.mark.parametrize(
    ("control", "channel", "scope"),
    [
        ("policy: scope, native_scope: 14", C1, LOCAL),
        ("policy: delay, delays: {C2: 20ms}, native_join: 30ms", C2, REMOTE),
        ("policy: delay, delays: {C2: 20ms}, native_join: 30ms", C1, LOCAL),
        ("policy: mobility, handovers: 1", C1, LOCAL),
        ("policy: load", C1, REMOTE),
    ],
)
def test_every_policy_is_made_from_its_keys(control, channel, scope):
    assert decides(plan(control).of_centre("cmd"), channel)[0] is scope


def test_a_policy_of_ones_own_gets_its_parameters(tmp_path):
    (tmp_path / "own.py").write_text(
        "from agents.wire.channel import ChannelScope\n"
        "class Own:\n"
        "    def __init__(self, always): self.always = ChannelScope[always]\n"
        "    def decide(self, question): return self.always\n",
        encoding="utf-8",
    )
    config = plan("policy: own.py:Own, parameters: {always: LOCAL}", tmp_path).of_centre("cmd")
    assert decides(config)[0] is LOCAL


@pytest.fixture
def heard(tmp_path, monkeypatch):
    """What each node is told from here on."""
    monkeypatch.setattr(emu.channel_control, "RUN_DIRECTORY", tmp_path)
    receivers = {}
    for name in ("cmd", "mcc", "mar1", "mar2"):
        receivers[name] = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receivers[name].bind(str(tmp_path / f"{name}.changes"))
        receivers[name].setblocking(False)

    def all_heard():
        found = {}
        for name, receiver in receivers.items():
            with suppress(BlockingIOError):
                found[name] = json.loads(receiver.recv(4096))
        return found

    yield all_heard
    for receiver in receivers.values():
        receiver.close()


WHO_DECIDES = pytest.mark.parametrize(
    ("at", "told"), [("cmd", ["cmd"]), ("mcc", ["mcc"]), ("mar", ["mar1", "mar2"])]
)


@WHO_DECIDES
def test_a_change_goes_to_those_who_decide(at, told, heard):
    plan(f"at: {at}").change({"C1": "local", "C2": "remote"})
    found = {name: read_settings(change["channels"]) for name, change in heard().items()}
    assert found == {name: {C1: LOCAL, C2: REMOTE} for name in told}


@WHO_DECIDES
def test_so_does_a_new_policy_with_its_keys(at, told, heard):
    text = f"at: {at}, policy: load, native_scope: 14, tunnelled: 2"
    made = plan(text, event="{at: 6s, new_policy: scope}")
    made.change_policy("scope")
    found = heard()
    assert list(found) == told
    for change in found.values():
        assert policy(change["policy"], change["parameters"]).decide(question(C1)) is LOCAL


def test_a_source_specific_channel_is_known_by_its_source():
    entries = plan("channels: {C1: local, C2: local}").of_centre("cmd")["channels"]
    assert entries == [(str(S1), "ff3e::c1", "local"), (None, "ff1e::c2", "local")]


def test_a_mobile_sources_channel_is_known_by_its_group_alone():
    text = GOOD.replace("scheme: mld-dmm", SCHEME).replace("source: src", "source: mn2")
    text = text.replace("join: mn2", "detach: mn2").replace(", channel: C1}\n", "}\n")
    mobile = ChannelControlPlan(parse(text.encode(), "f"), Addresses(), Path())
    assert mobile.of_centre("cmd")["channels"] == [(None, "ff3e::c1", "local")]


def test_a_place_that_nobody_knows_is_not_taken_for_the_mars(tmp_path):
    known = plan("at: cmd", tmp_path)
    known._control = known._control.model_copy(update={"at": "nowhere"})
    for ask in (known.of_mar, known.of_centre):
        with pytest.raises(KeyError, match="nowhere"):
            ask("mar1")
