"""Policies: what becomes of a channel for which the operator has set nothing.

A policy is any class whose objects have ``decide``; it is made with its parameters, by name. The
paper names the criteria (section III.A) and leaves the decisions out of its scope; these are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import ClassVar, Protocol

from agents.control.channel import Channel, lookup
from agents.wire.channel import ChannelScope


@dataclass(frozen=True)
class Question:
    """What a policy may look at."""

    channel: Channel
    mar: IPv6Address
    """The MAR that asks."""
    listener: str | None
    """The mobile node for which it asks, when it is for one."""
    handovers: int
    """How often that one moved within the last minute, as far as the one who decides has seen."""
    load: int
    """How many channels the asking MAR gets through tunnels now."""


class Policy(Protocol):
    """Decides about channels."""

    @property
    def reusable(self) -> bool:
        """Whether a decision holds for every listener, or for the question asked alone."""

    def decide(self, question: Question) -> ChannelScope:
        """Local, remote or both."""


@dataclass(frozen=True)
class Static:
    """Every channel the same: the default."""

    reusable: ClassVar[bool] = True
    default: ChannelScope = ChannelScope.REMOTE

    def decide(self, question: Question) -> ChannelScope:
        """The default."""
        return self.default


@dataclass(frozen=True)
class GroupScope:
    """By the scope of the group's address (RFC 7346): what is scoped narrowly is not everywhere.

    A group of at least ``native_scope`` is to be had natively at every MAR.
    """

    reusable: ClassVar[bool] = True
    native_scope: int = 14

    def decide(self, question: Question) -> ChannelScope:
        """Local for wide scopes, remote for others."""
        scope = question.channel.group.packed[1] & 0x0F
        return ChannelScope.LOCAL if scope >= self.native_scope else ChannelScope.REMOTE


@dataclass(frozen=True)
class DelayRequirement:
    """By the interruption that a channel tolerates: who cannot wait for a native join is tunnelled.

    ``native_join`` is how long a native join takes to bring traffic; times are in ns. Channels
    without a requirement can wait.
    """

    reusable: ClassVar[bool] = True
    native_join: int
    delays: dict[Channel, int]

    def decide(self, question: Question) -> ChannelScope:
        """Remote when the channel tolerates less than a native join takes."""
        tolerated = lookup(self.delays, question.channel)
        strict = tolerated is not None and tolerated < self.native_join
        return ChannelScope.REMOTE if strict else ChannelScope.LOCAL


@dataclass(frozen=True)
class MobilityRate:
    """By the listener's mobility: for one that soon moves on, no tree is built.

    ``handovers`` is how many in a minute make a fast one.
    """

    reusable: ClassVar[bool] = False
    handovers: int = 3

    def decide(self, question: Question) -> ChannelScope:
        """Remote for fast listeners, local for others."""
        fast = question.handovers >= self.handovers
        return ChannelScope.REMOTE if fast else ChannelScope.LOCAL


@dataclass(frozen=True)
class Load:
    """By the asking MAR's load: at most ``tunnelled`` channels through its tunnels at a time."""

    reusable: ClassVar[bool] = False
    tunnelled: int = 4

    def decide(self, question: Question) -> ChannelScope:
        """Remote as long as there is room."""
        return ChannelScope.REMOTE if question.load < self.tunnelled else ChannelScope.LOCAL


def static(default: str) -> Policy:
    """`Static`, by the name of a scope."""
    return Static(ChannelScope[default.upper()])


def delay_requirement(native_join: int, delays: Iterable[tuple[str | None, str, int]]) -> Policy:
    """`DelayRequirement`, of entries of source (None: any), group, ns."""
    tolerated = {
        Channel(IPv6Address(source) if source else None, IPv6Address(group)): delay
        for source, group, delay in delays
    }
    return DelayRequirement(native_join, tolerated)
