"""A mobile node of Hierarchical Mobile IPv6 (RFC 5380 section 6.1).

Two mobile nodes of Mobile IPv6 in one: the *regional* one, whose home agents are MAPs and whose
home addresses are RCoAs, is where the access link says; the other one, with the node's home
address, is at the RCoA once the MAP has it. Without a MAP that is at the on-link address, as in
Mobile IPv6.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

from agents.core import Action, Log
from agents.mipv6.actions import TakeRegional, order
from agents.mipv6.config import Counters, MobileNodeConfig
from agents.mipv6.hmipv6.selection import regional_address, select
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.packets import Packet
from agents.mipv6.update_list import Binding, Phase
from agents.wire.mobility import BindingError
from agents.wire.ndp import MapOption

_AT_MAP = (Phase.BOUND, Phase.HOME)


class HierarchicalNode:
    """The bindings of one mobile node at MAPs, and those of its home address."""

    def __init__(self, config: MobileNodeConfig) -> None:
        self.regional = MobileNodeCore(replace(config, regional=True))
        self.home = MobileNodeCore(config)
        self._config = config
        self._care_of: IPv6Address | None = None
        self._maps: tuple[MapOption, ...] = ()
        self._map: IPv6Address | None = None
        self._address: IPv6Address | None = None
        """The regional care-of address at that one."""
        self._refused: set[IPv6Address] = set()
        """The MAPs that have refused a binding, of those that are heard."""
        self._completed: tuple[IPv6Address, IPv6Address] | None = None
        """The on-link address, and the care-of address of the home address, where all who have to
        know knew them last."""

    @property
    def name(self) -> str:
        """The mobile node's name in the event log."""
        return self._config.identifier

    def counters(self) -> dict[str, Counters]:
        """What was not acted on, of the messages of MAPs, and of all others."""
        return {"regional": self.regional.counters, "home": self.home.counters}

    def add_home(self, home_address: IPv6Address, agent: IPv6Address, now: int) -> list[Action]:
        """The node's own address, wherever it is."""
        return self._said(self.home.add_home(home_address, agent, now))

    def moved(
        self, care_of: IPv6Address | None, maps: tuple[MapOption, ...], now: int
    ) -> list[Action]:
        """The address on the link is another one, if there is any, or other MAPs are advertised."""
        self._care_of, self._maps = care_of, maps
        self._refused &= {option.address for option in maps}
        actions = self._forget_failed(now)
        actions += self.regional.moved(care_of, now)  # also at the previous MAP (section 8)
        actions += self._choose(now)
        return self._said(actions + self._follow(now))

    def receive(self, packet: Packet, now: int) -> list[Action]:
        """A Mobility Header message came; what is for an RCoA has that in its routing header."""
        message = packet.message
        about = message.home_address if isinstance(message, BindingError) else packet.receiver
        core = self.regional if about in self.regional.bindings() else self.home
        return self._said(core.receive(packet, now) + self._follow(now))

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions = self.regional.timer(now) + self.home.timer(now)
        return self._said(actions + self._follow(now))

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        due = [d for core in (self.regional, self.home) if (d := core.next_deadline()) is not None]
        return min(due) if due else None

    def bindings(self) -> dict[IPv6Address, Binding]:
        """Every RCoA and home address, and how it stands."""
        return {**self.regional.bindings(), **self.home.bindings()}

    def _said(self, actions: list[Action]) -> list[Action]:
        """The actions; of their logs that a binding is complete one, and when both of them are."""
        kept = [a for a in actions if not (isinstance(a, Log) and a.kind == "binding_complete")]
        kept.sort(key=order)
        at = self._bound_at()
        if at is None or at == self._completed:
            return kept
        self._completed = at
        fields = {"mn": self.name, "care_of": self._care_of}
        return [*kept, Log("binding_complete", fields)]

    def _bound_at(self) -> tuple[IPv6Address, IPv6Address] | None:
        """The present addresses, if the MAP (if there is one) and all home agents know them."""
        here, reached = self._care_of, self.home.care_of
        local = self.regional.bindings().get(self._address) if self._address else None
        wanted = here if local is None else local.home_address
        known = local is None or (local.phase in _AT_MAP and local.care_of == here)
        homes = self.home.bindings().values()
        bound = all(b.phase is Phase.BOUND and b.care_of == reached for b in homes)
        if here is None or reached is None or reached != wanted or not (known and bound):
            return None
        return here, reached

    def _forget_failed(self, now: int) -> list[Action]:
        """A MAP that is said to have failed has lost its bindings (section 7.1)."""
        failed = {option.address for option in self._maps if not option.valid_lifetime}
        lost = [b.home_address for b in self.regional.bindings().values() if b.home_agent in failed]
        if self._map in failed:
            self._map = self._address = None
        return [action for address in lost for action in self.regional.abandon(address)]

    def _forget_unbound(self) -> list[Action]:
        """Without a link, a regional address that no MAP has any more is of no use."""
        bindings = self.regional.bindings().values()
        over = [b.home_address for b in bindings if b.phase is Phase.AWAY and not b.registered]
        if self._address in over:
            self._map = self._address = None
        return [action for address in over for action in self.regional.abandon(address)]

    def _choose(self, now: int) -> list[Action]:
        """Have a binding at the MAP that is best here."""
        if self._care_of is None:
            return []
        best = select(self._maps, self._map, self._refused)
        if best is None:
            self._map = self._address = None
            return []
        address = regional_address(best, self._care_of)
        known = self.regional.bindings().get(address)
        wanted = known is not None and known.phase is not Phase.RELEASING
        if wanted and (self._map, self._address) == (best.address, address):
            return []
        self._map, self._address = best.address, address
        fields = {"mn": self._config.identifier, "map": best.address, "address": address}
        actions: list[Action] = [TakeRegional(address)]
        actions += self.regional.add_home(address, best.address, now)
        if known is not None and not wanted:
            actions += self.regional.moved(self._care_of, now)
        return [Log("map_selected", fields), *actions]

    def _follow(self, now: int) -> list[Action]:
        """What became of the regional binding is for the home agent to know."""
        actions: list[Action] = []
        binding = self.regional.bindings().get(self._address) if self._address else None
        if binding is not None and binding.refused:
            self._refused.add(binding.home_agent)
            actions += self.regional.abandon(binding.home_address) + self._choose(now)
            return actions + self._follow(now)
        if self._care_of is None:
            return self._forget_unbound() + self._home_moved(None, now)
        if binding is None:
            actions += self._home_moved(self._care_of, now)
        elif binding.phase in _AT_MAP:
            self.home.longest = binding.granted or None
            actions += self._home_moved(binding.home_address, now)
        return actions + self._release_previous(now)

    def _home_moved(self, care_of: IPv6Address | None, now: int) -> list[Action]:
        return [] if self.home.care_of == care_of else self.home.moved(care_of, now)

    def _release_previous(self, now: int) -> list[Action]:
        """Previous MAPs forward to the node until its home agent knows the new RCoA (section 8)."""
        homes = self.home.bindings().values()
        if not all(b.phase is Phase.BOUND and b.care_of == self.home.care_of for b in homes):
            return []
        used = (self._address, self.home.care_of)
        previous = [b for b in self.regional.bindings().values() if b.home_address not in used]
        over = [b.home_address for b in previous if b.phase is not Phase.RELEASING]
        return [action for address in over for action in self.regional.release(address, now)]
