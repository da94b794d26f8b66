"""A rendezvous point: it knows who is at the top of each group, and makes two tops one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.overlay.nemo.config import NemoConfig
from agents.wire.overlay import MemberId


@dataclass(frozen=True)
class Top:
    """The cluster at the top of a group: its layer; its leader, the root, and the co-leaders."""

    layer: int
    crew: tuple[MemberId, ...]

    @property
    def root(self) -> MemberId:
        """The leader."""
        return self.crew[0]


_MOST_TOPS = 8
"""Of a group; there are two while a root gives way, or after a partition."""


class Rendezvous:
    """The tops that members have registered here; of a group's the highest one stays.

    The others are kept: one of them is at the top when that one is gone.
    """

    def __init__(self, config: NemoConfig) -> None:
        self._config = config
        self._tops: OrderedDict[IPv6Address, dict[MemberId, tuple[Top, int]]] = OrderedDict()

    def top(self, group: IPv6Address, now: int) -> Top | None:
        """Who is at the top of a group; None: nobody has said so lately."""
        lately = now - 3 * self._config.registration
        tops = [top for top, heard in self._tops.get(group, {}).values() if heard >= lately]
        return min(tops, key=_rank, default=None)

    def register(
        self, group: IPv6Address, member: MemberId, top: Top | None, now: int
    ) -> Top | None:
        """A member says that it leads the top, or (None) that it does so no more; who does now."""
        tops = self._tops.setdefault(group, {})
        tops.pop(member, None)
        if top is not None:
            tops[member] = top, now
            self._tops.move_to_end(group)
        if len(tops) > _MOST_TOPS:
            del tops[min(tops, key=lambda root: tops[root][1])]
        if not tops:
            del self._tops[group]
        elif len(self._tops) > self._config.maximum_roots:
            self._tops.popitem(last=False)
        return self.top(group, now)


def _rank(top: Top) -> tuple[int, MemberId]:
    """Of two tops the one of the lower rank stays."""
    return -top.layer, top.root
