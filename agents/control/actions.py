"""What the cores of the channel control ask of their surroundings (``agents.core.Log`` besides)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.control.channel import Channel
from agents.core import Action
from agents.wire.channel import ChannelMessage, ChannelScope


@dataclass(frozen=True)
class SendChannel(Action):
    """Send a channel control message."""

    message: ChannelMessage
    destination: IPv6Address


@dataclass(frozen=True)
class Decided(Action):
    """A channel is local, remote or both from now on: tell the MLD proxy."""

    channel: Channel
    scope: ChannelScope
