"""What carrying users' packets cost: tunnels, copies, and what nobody wanted any more.

tunnel_bytes           whole packets that entered a tunnel, once for each tunnel; of these
tunnel_overhead_bytes  are the tunnels' headers
wasted_bytes           of a channel, sent by a tunnel to an access router that its last listener has
                       left, or there on the access link, until a listener is there again; by a
                       listener's own tunnel, on the access link that it left, until it is back
copies                 of a channel: how often the same packet entered an access router, for it to
                       forward, or in the tunnel of a mobile node there
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import attrgetter
from statistics import median
from typing import Any

from emu.measure.handovers import Handover
from emu.measure.listening import Listening
from emu.measure.passages import Passage, entering_tunnels
from emu.measure.places import Places

Flow = dict[str, Any]
"""An entry of the run's meta data."""


class Carrying:
    """The passages of one run, in order of time, and what they cost."""

    def __init__(self, passages: list[Passage], listening: Listening, places: Places) -> None:
        self._listening = listening
        self._places = places
        self._tunnelled = entering_tunnels(passages)
        self._of_group: defaultdict[str, list[Passage]] = defaultdict(list)
        for passage in passages:
            if passage.group:
                self._of_group[passage.group].append(passage)
        self._onward: defaultdict[tuple[str, bytes], list[Passage]] = defaultdict(list)
        """Channels' packets in tunnels, by the node where the tunnel begins."""
        for passage in self._tunnelled:
            if passage.group:
                self._onward[passage.node, passage.packet].append(passage)

    def of_flow(self, flow: Flow, since_ns: float, until_ns: float) -> dict[str, int]:
        """The tunnels' share of a flow between two times."""
        return _cost(p for p in _between(self._tunnelled, since_ns, until_ns) if p.of(flow))

    def of_tunnel(self, ends: tuple[str, str], since_ns: float, until_ns: float) -> dict[str, int]:
        """What the router at the first end sent into a tunnel between two times."""
        during = _between(self._tunnelled, since_ns, until_ns)
        return _cost(passage for passage in during if passage.tunnel == ends)

    def wasted_bytes(self, handover: Handover, flow: Flow) -> int | None:
        """What was sent of a channel to the previous router for nobody; None for other flows."""
        if "group" not in flow:
            return None
        group, left = flow["group"], handover.origin
        passages = self._of_group[group]
        back = self._places.back(handover.mn, left, handover.down_ns)
        own = (p for p in _between(passages, handover.down_ns, back) if _is_own(p, handover))
        until = self._listening.next(left, group, handover.down_ns)
        later = _between(passages, handover.down_ns, until)
        lost = (p for p in later if self._leads_to(p, left) and not self._useful(p))
        return sum(p.length for p in (*own, *lost))

    @staticmethod
    def _leads_to(passage: Passage, router: str) -> bool:
        """Whether a packet is sent to a router by a tunnel, or by the router on its access link."""
        if passage.tunnel is None:
            return passage.outbound and passage.interface == f"{router}-radio"
        return passage.outbound and passage.tunnel == (passage.node, router)

    def _useful(self, passage: Passage, seen: tuple[str, ...] = ()) -> bool:
        """Whether a packet was sent towards a router with a listener, directly or by others."""
        end = passage.tunnel[1] if passage.tunnel else passage.node
        if self._listening.at(end, str(passage.group), passage.time_ns):
            return True
        if passage.tunnel is None or end in seen:
            return False
        return any(self._useful(p, (*seen, end)) for p in self._onward[end, passage.packet])

    def copies(self, flow: Flow, router: str, since_ns: float, until_ns: float) -> float | None:
        """How often each packet of a channel entered a router, the median; None: none did."""
        entered = Counter(
            passage.packet
            for passage in _between(self._of_group[flow.get("group", "")], since_ns, until_ns)
            if passage.node == router and not passage.outbound and self._is_for(passage, router)
        )
        return median(entered.values()) if entered else None

    def _is_for(self, passage: Passage, router: str) -> bool:
        """Whether a packet is one that the router forwards, or in a tunnel to a node there."""
        if passage.tunnel is None:
            return True
        end = passage.tunnel[1]
        return router in (end, self._places.at(end, passage.time_ns))


def _is_own(passage: Passage, handover: Handover) -> bool:
    """Whether a packet is sent by the node's own tunnel to where it was, on the access link."""
    onto = passage.outbound and passage.interface == f"{handover.origin}-radio"
    return onto and passage.tunnel is not None and passage.tunnel[1] == handover.mn


def _between(passages: list[Passage], since_ns: float, until_ns: float) -> list[Passage]:
    when = attrgetter("time_ns")
    start = bisect_left(passages, since_ns, key=when)
    return passages[start : bisect_left(passages, until_ns, lo=start, key=when)]


def _cost(passages: Iterable[Passage]) -> dict[str, int]:
    sizes = [(passage.length, passage.overhead) for passage in passages]
    return {
        "tunnel_bytes": sum(length for length, _ in sizes),
        "tunnel_overhead_bytes": sum(overhead for _, overhead in sizes),
    }
