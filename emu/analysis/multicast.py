"""Disruption and leave latency of the multicast schemes, in closed form, from link delays.

What is random is a `Range`: its bounds and its mean. All times are in ms. A handover's clock starts
when the link goes down; a packet is taken to arrive just then, so what is added up here is the time
without packets less the stream's own packet interval.

1. L2 gap.
2. The binding, as the CMD's variant has it. Meanwhile the listener is asked for its
   subscriptions, or the CMD has them already (context transfer).
3. The channel control decides: a round trip to the CMD when the MCC is there.
4. The channel is fetched: a round trip to the previous MAR, or to the native multicast router.
5. The first packet crosses the access link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from agents.wire.channel import ChannelScope

PredictiveMode = Literal["on", "bicast", "buffer"]

_AT_ONCE_MS = (8.0, 12.0)
"""A Linux host reports 2 to 3 jiffies after its carrier is back; this is HZ = 250, Debian's."""


@dataclass(frozen=True)
class Range:
    """A random time: least, mean and most; ms."""

    low: float
    mean: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Range:
        """What is not random."""
        return cls(value, value, value)

    @classmethod
    def uniform(cls, low: float, high: float) -> Range:
        """Any value between two, each as likely."""
        return cls(low, (low + high) / 2, high)

    @classmethod
    def any_of(cls, ranges: Iterable[Range]) -> Range:
        """One of several, each as likely."""
        known = list(ranges)
        mean = sum(one.mean for one in known) / len(known)
        return cls(min(one.low for one in known), mean, max(one.high for one in known))

    def __add__(self, other: Range | float) -> Range:
        """The sum of two."""
        if isinstance(other, Range):
            return Range(self.low + other.low, self.mean + other.mean, self.high + other.high)
        return self + Range.exactly(other)

    def at_least(self, floor: float) -> Range:
        """The later of this, taken as uniform, and a fixed time."""
        low, high = max(self.low, floor), max(self.high, floor)
        if not self.low < floor < self.high:
            return Range(low, max(self.mean, floor), high)
        share = (floor - self.low) / (self.high - self.low)
        return Range(low, share * floor + (1 - share) * (floor + self.high) / 2, high)

    def at_most(self, ceiling: float) -> Range:
        """The earlier of this, taken as uniform, and a fixed time."""
        mirrored = Range(-self.high, -self.mean, -self.low).at_least(-ceiling)
        return Range(-mirrored.high, -mirrored.mean, -mirrored.low)

    def between(self, floor: float, ceiling: float) -> Range:
        """This, taken as uniform, but at least one and at most another fixed time."""
        late, early = self.at_least(floor), self.at_most(ceiling)
        # max(f, min(x, c)) = max(f, x) + min(x, c) - x
        mean = late.mean + early.mean - self.mean
        return Range(max(early.low, floor), mean, max(early.high, floor))


@dataclass(frozen=True)
class Path:
    """The one-way delays around one handover, and how long the node is off; ms."""

    gap: float
    """Link down to link up: the L2 gap, and the authentication by the access network."""
    access: float
    """Mobile node to MAR."""
    backhaul: float
    """The new MAR to the previous one."""
    cmd: float
    """A MAR to the CMD, or to the mobility anchor in its place."""
    binding: float
    """T_binding: link up to binding complete at the new MAR (equations 15 to 18)."""
    notice: float
    """Link up to the previous MAR's learning that another one serves."""
    core: float
    """A MAR to the nearest native router that has the channel."""


@dataclass(frozen=True)
class Timers:
    """MLD's timers (RFC 3810 section 9); ms."""

    query_interval: float
    query_response_interval: float
    robustness: int

    @property
    def listener_interval(self) -> float:
        """Multicast Address Listening Interval: how long a silent listener is believed in."""
        return self.robustness * self.query_interval + self.query_response_interval


def report_asked(path: Path, timers: Timers) -> Range:
    """Link up to the new MAR's having the report that it asked for: the carrier was kept."""
    return Range.uniform(0, timers.query_response_interval) + 2 * path.access


def report_unasked(path: Path) -> Range:
    """Link up to the new MAR's having the report that a host sends when its carrier is back."""
    return Range.uniform(*_AT_ONCE_MS) + path.access


def mld_dmm_disruption(path: Path, report: Range, *, relayed: bool = False) -> Range:
    """MLD-DMM: the report after the binding, then always the tunnel.

    Tunnels make no chains: a previous MAR that has the channel by a tunnel itself (``relayed``)
    fetches it natively for the new one.
    """
    fetch = _fetch(path, ChannelScope.REMOTE, relayed)
    return report.at_least(path.binding) + (path.gap + fetch + path.access)


def mld_dmm_anchors_disruption(
    path: Path, report: Range, ways: Iterable[tuple[float, bool]]
) -> Range:
    """MLD-DMM with a proxy instance for each anchor: the first copy to arrive counts.

    ``ways`` has for each anchor its one-way delay (ms) to the new MAR, and whether it has to fetch
    the channel natively.
    """
    fetch = min(
        _fetch(replace(path, backhaul=way), ChannelScope.REMOTE, relayed) for way, relayed in ways
    )
    return report.at_least(path.binding) + (path.gap + fetch + path.access)


def rfc6224_disruption(path: Path, report: Range) -> Range:
    """PMIPv6's base multicast: the report after the binding, then always the tunnel from the LMA.

    The LMA has the channel: what the previous MAG asked it for lasts longer than a handover.
    """
    return report.at_least(path.binding) + (path.gap + 2 * path.cmd + path.access)


def rfc7028_disruption(path: Path, report: Range) -> Range:
    """PMIPv6 with direct routing: the report after the binding, then the MAG's native router."""
    fetch = _fetch(path, ChannelScope.LOCAL, relayed=False)
    return report.at_least(path.binding) + (path.gap + fetch + path.access)


def remote_subscription_disruption(path: Path, report: Range) -> Range:
    """MIPv6 and client-based DMM: the report, whatever the binding, then the native router."""
    fetch = _fetch(path, ChannelScope.LOCAL, relayed=False)
    return report + (path.gap + fetch + path.access)


def bidirectional_tunnel_disruption(path: Path, address: Range) -> Range:
    """MIPv6 by the home agent's tunnels: they follow the binding, and no report is waited for.

    A Router Advertisement, the care-of address (``address`` is what its DAD takes), the Binding
    Update, and the channel's way from the home agent, which is in the place of the CMD.
    """
    return bidirectional_tunnel_leave(path, address) + (path.cmd + path.access)


def bidirectional_tunnel_leave(path: Path, address: Range) -> Range:
    """Link down to the home agent's end of forwarding to the previous care-of address."""
    return address + (path.gap + 2 * path.access + path.cmd)


def multi_upstream_disruption(
    path: Path,
    scope: ChannelScope,
    decision: float,
    report: Range | None,
    *,
    relayed: bool = False,
) -> Range:
    """Multiple upstreams: ``report`` is None with context transfer, which comes with the binding.

    ``decision`` is the time of the channel control: 0 in the MAR itself, a round trip to the MCC.
    """
    return multi_upstream_shared(path, report) + (decision + _fetch(path, scope, relayed))


def multi_upstream_shared(path: Path, report: Range | None) -> Range:
    """Multiple upstreams, when the new MAR has the channel already: no second copy, no question."""
    return _known(path, report) + (path.gap + path.access)


def predictive_disruption(
    path: Path,
    scope: ChannelScope,
    decision: float,
    announced: float,
    mode: PredictiveMode,
    *,
    relayed: bool = False,
) -> Range:
    """Predictive transfer, ``announced`` so long before link down (RFC 7411).

    The new MAR has fetched the channel by the end of the gap, if it was told in time. What it
    sends on its access link before the listener is there (bicast) is on its way then; else the
    first packet still has to cross that link. With a buffer the previous MAR sends nothing more on
    its own access link once the new one asks it for the channel, whatever its scope: the
    interruption begins when the last packet has crossed that link, if it is not down before;
    nothing is lost.
    """
    fetched = path.backhaul + decision + _fetch(path, scope, relayed) - announced
    if mode == "bicast":
        return Range.exactly(max(path.gap, fetched + path.access))
    since_last = 0.0
    if mode == "buffer":
        since_last = max(0.0, announced - 2 * path.backhaul - decision - path.access)
    return Range.exactly(since_last + max(path.gap, fetched) + path.access)


def context_requested(path: Path, report: Range) -> Range:
    """Link up to the new MAR's knowing the context by CXTP, or by a report that is there earlier.

    The previous MAR is asked for it as soon as the binding names it.
    """
    return report.between(path.binding, path.binding + 2 * path.backhaul)


def _known(path: Path, report: Range | None) -> Range:
    """Link up to the new MAR's knowing what the listener listens to."""
    if report is None:
        return Range.exactly(path.binding)
    return report.at_least(path.binding)


def _fetch(path: Path, scope: ChannelScope, relayed: bool) -> float:
    local = 2 * path.core
    remote = 2 * path.backhaul + (local if relayed else 0)
    if scope is ChannelScope.BOTH:
        return min(remote, local)
    return remote if scope is ChannelScope.REMOTE else local


def mld_leave(timers: Timers) -> Range:
    """MLD's timers alone: link down to the previous MAR's end of forwarding to one that moved away.

    It ends when its last report is a Multicast Address Listening Interval old. Reports answer
    general queries, each some time U within the query response interval; the age of the last one at
    a random time is that of a renewal process with steps QI + U - U'.
    """
    interval, response = timers.query_interval, timers.query_response_interval
    oldest = interval + response
    age = (interval**2 + response**2 / 6) / (2 * interval)
    whole = timers.listener_interval
    return Range(whole - oldest, whole - age, whole)


def multi_upstream_leave(path: Path) -> Range:
    """Explicit tracking: the same; the membership ends with the notice that another MAR serves."""
    return Range.exactly(path.gap + path.notice)


def leave_with_the_link() -> Range:
    """Explicit tracking, and no binding to wait for: the link down ends the memberships."""
    return Range.exactly(0)
