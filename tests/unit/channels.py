"""The channels, MARs and cores that the tests of the channel control share."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.control.actions import Decided, SendChannel
from agents.control.channel import Channel
from agents.control.decisions import Decisions
from agents.control.mcc import ChannelControl
from agents.control.policies import Static
from agents.core import Action, Log
from agents.roles.users_policy import policy
from agents.wire.channel import ChannelScope
from emu.scenario.channel_policies import POLICIES

LOCAL, REMOTE, BOTH = ChannelScope.LOCAL, ChannelScope.REMOTE, ChannelScope.BOTH
MCC = IPv6Address("2001:db8:ffff::c")
MAR1, MAR2 = IPv6Address("2001:db8:ffff::1"), IPv6Address("2001:db8:ffff::2")
STRANGER = IPv6Address("2001:db8:bad::1")
S1 = IPv6Address("2001:db8:5e00:1::2")
C1 = Channel(S1, IPv6Address("ff3e::c1"))
C2 = Channel(None, IPv6Address("ff1e::c2"))
C3 = Channel(S1, IPv6Address("ff3e::c3"))


def make_policy(name, parameters):
    """A policy of the toolkit, as an agent makes it."""
    return policy(POLICIES.find(name).made_by, parameters)


def mcc(settings=None, policy=None) -> ChannelControl:
    decisions = Decisions(
        policy or Static(), {C1: REMOTE, C3: LOCAL} if settings is None else settings
    )
    return ChannelControl(decisions, frozenset({MAR1, MAR2}))


def sent(actions: list[Action]) -> list[SendChannel]:
    return [action for action in actions if isinstance(action, SendChannel)]


def decided(actions: list[Action]) -> list[tuple[Channel, ChannelScope]]:
    return [(action.channel, action.scope) for action in actions if isinstance(action, Decided)]


def reasons(actions: list[Action]) -> list[str]:
    return [
        action.fields["reason"]
        for action in actions
        if isinstance(action, Log) and action.kind == "channel_decision"
    ]
