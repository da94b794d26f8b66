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


class Rendezvous:
    """The tops that members have registered here; of two the higher one stays."""

    def __init__(self, config: NemoConfig) -> None:
        self._config = config
        self._tops: OrderedDict[IPv6Address, tuple[Top, int]] = OrderedDict()

    def top(self, group: IPv6Address, now: int) -> Top | None:
        """Who is at the top of a group; None: nobody has said so lately."""
        top, heard = self._tops.get(group, (None, 0))
        return top if now - heard <= 3 * self._config.registration else None

    def register(
        self, group: IPv6Address, member: MemberId, top: Top | None, now: int
    ) -> Top | None:
        """A member says that it leads the top, or (None) that it does so no more; who does now."""
        current = self.top(group, now)
        if top is None:
            if current is not None and current.root == member:
                del self._tops[group]
                return None
            return current
        if current is not None and current.root != member and _rank(current) <= _rank(top):
            return current
        self._tops[group] = top, now
        self._tops.move_to_end(group)
        if len(self._tops) > self._config.maximum_roots:
            self._tops.popitem(last=False)
        return top


def _rank(top: Top) -> tuple[int, MemberId]:
    """Of two tops the one of the lower rank stays."""
    return -top.layer, top.root
