"""A DMM domain in virtual time: MARs, the CMD, and mobile nodes that move between the MARs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action
from agents.mobility.actions import ContextReceived, MobileNode, ServingEnded
from agents.mobility.anchors import Anchor
from agents.mobility.cmd import CmdCore
from agents.mobility.cmd_pair import CmdPair
from agents.mobility.config import (
    DEFAULT_LIFETIME,
    DETACH_DELAY,
    CmdConfig,
    MarConfig,
    PairConfig,
    Variant,
)
from agents.mobility.context import Records
from agents.mobility.mar import MarCore
from agents.wire.mobility import Message
from emu.simulator.central import Central
from emu.simulator.host import Host
from emu.simulator.network import Quality
from emu.simulator.router import Router
from emu.simulator.world import World

CMD_ADDRESS = IPv6Address("2001:db8:ffff::c")
STANDBY_ADDRESS = IPv6Address("2001:db8:ffff::c:2")
_MARS = IPv6Address("2001:db8:ffff::")
EPOCH = 1000 * SECOND
"""What clocks show at the start of virtual time, ns since 1970: some may be behind."""
GROUP = IPv6Address("ff05::5213")
"""Of all MARs, where there is no CMD."""
_LINK_LAYER_ADDRESS = bytes.fromhex("00005e005213")


@dataclass(frozen=True)
class DomainConfig:
    """Size and times of a domain."""

    mars: int
    quality: Quality
    binding_lifetime_s: int = DEFAULT_LIFETIME
    detach_delay: int = DETACH_DELAY
    encoded: bool = False
    variant: Variant = Variant.PROXY
    distributed: bool = False
    """Whether the MARs do without the CMD."""
    context_transfer: bool = False
    serves_alone: bool = False
    """Whether MARs serve without a binding while the CMD does not answer."""
    standby: bool = False
    """Whether there is a second CMD."""
    skews: tuple[int, ...] = ()
    """How fast the clocks of the first MARs are, ns; those of the others are right."""


@dataclass
class Mar:
    """One MAR: its core, its router, and what it said."""

    number: int
    config: MarConfig
    core: MarCore
    host: Host
    router: Router
    actions: list[Action] = field(default_factory=list)
    """Those that are neither messages, nor log lines, nor forwarding, in their order."""
    listening: dict[str, Records] = field(default_factory=dict)
    """What its multicast part knows of the mobile nodes on its link."""
    handed_over: dict[str, list[tuple[int, Records]]] = field(default_factory=dict)
    """When each mobile node was known to leave, and what was known of it then."""
    received: dict[str, Records] = field(default_factory=dict)
    """What it was told of each mobile node at its latest attachment, if anything."""


Observer = Callable[[Message, IPv6Address], None]


class Domain(World):
    """The nodes of one domain and the network between them."""

    def __init__(self, config: DomainConfig, seed: int) -> None:
        super().__init__(seed, config.quality, encoded=config.encoded)
        self.config = config
        self.observers: list[Observer] = []
        """Called with every message that the CMD has got, and its source; not with one that it did
        not survive, unless what follows from it was stored."""
        self._visited: dict[str, int] = {}
        self._addresses = frozenset(map(_mar_address, range(1, config.mars + 1)))
        self.mars = [self._build_mar(number) for number in range(1, config.mars + 1)]
        self._cmd_config = CmdConfig(
            CMD_ADDRESS, config.binding_lifetime_s, mars=self._addresses, variant=config.variant
        )
        self.cmds = self._build_cmds()

    def mar(self, number: int) -> Mar:
        """The MAR of this number; they count from 1."""
        return self.mars[number - 1]

    def attach(self, mn: str, number: int) -> None:
        """The mobile node comes up at a MAR, which gets a Link_Up trigger."""
        self.where[mn] = number
        if self._visited.get(mn) != number:
            self.mar(number).listening.pop(mn, None)
        self._visited[mn] = number
        self.link_up(mn, number)

    def link_up(self, mn: str, number: int) -> None:
        """Give a MAR the Link_Up trigger."""
        mar = self.mar(number)
        mar.received.pop(mn, None)
        mar.host.carry_out(mar.core.attach(self.mobile_node(mn), self.engine.now))

    def expected(self, mn: str, number: int) -> tuple[Anchor, ...]:
        """What a MAR knows of a mobile node before that comes."""
        return ()

    def link_down(self, mn: str, number: int) -> None:
        """Give a MAR the Link_Down trigger."""
        mar = self.mar(number)
        mar.host.carry_out(mar.core.detach(mn, self.engine.now))

    def idle(self, mn: str) -> None:
        """The MAR where it is sees no packets any more of the prefix that it has had longest."""
        number = self.where.get(mn)
        if number is None:
            return
        mar = self.mar(number)
        binding = mar.core.bindings().get(mn)
        if binding is not None and binding.anchors:
            prefix = binding.anchors[0].prefix
            mar.host.carry_out(mar.core.idle(prefix, self.engine.now))

    def report(self, mn: str, number: int, records: Records) -> None:
        """The mobile node tells a MAR what it listens to, if that is where it is."""
        if self.where.get(mn) == number:
            self.mar(number).listening[mn] = records

    def hold_tunnel(self, number: int, peer: int, holder: str) -> None:
        """Another part of a MAR holds the tunnel to another MAR."""
        mar = self.mar(number)
        address = self.mar(peer).config.address
        mar.host.carry_out(mar.core.hold_tunnel(address, holder, self.engine.now))

    def release_tunnel(self, number: int, peer: int, holder: str) -> None:
        """Another part of a MAR no longer holds the tunnel to another MAR."""
        mar = self.mar(number)
        address = self.mar(peer).config.address
        mar.host.carry_out(mar.core.release_tunnel(address, holder, self.engine.now))

    @property
    def cmd(self) -> CmdCore | CmdPair:
        """The core of the CMD, the first one if there are two."""
        return self.cmds[0].core

    def crash_mar(self, number: int) -> None:
        """A MAR's agent is killed; what its kernel has stays."""
        mar = self.mar(number)
        mar.host.stop()
        self.network.leave(mar.config.address)
        self.network.leave_group(GROUP, mar.config.address)

    def restart_mar(self, number: int) -> None:
        """Another agent begins with an empty kernel; its access point tells it who is there."""
        mar = self.mar(number)
        mar.config = replace(mar.config, first_prefix=mar.config.first_prefix + 1000)
        mar.core = self._core(mar.config, number)
        mar.host = Host(self.engine, mar.core, lambda action: self._perform_at_mar(mar, action))
        mar.router = Router()
        mar.listening.clear()
        self._join(mar)
        for mn, place in self.where.items():
            if place == number:
                self.link_up(mn, number)

    def _build_cmds(self) -> list[Central]:
        if not self.config.standby:
            return [Central(self, "cmd", CMD_ADDRESS, self._make_cmd, self._observe)]
        names = {"cmd": (CMD_ADDRESS, STANDBY_ADDRESS), "cmd2": (STANDBY_ADDRESS, CMD_ADDRESS)}
        cmds = [
            Central(self, name, own, partial(self._make_pair, own, peer), self._observe)
            for name, (own, peer) in names.items()
        ]
        for cmd in cmds:
            cmd.begin()
        return cmds

    def _make_cmd(self, life: int) -> CmdCore:
        return CmdCore(self._cmd_config)

    def _make_pair(self, own: IPv6Address, peer: IPv6Address, life: int) -> CmdPair:
        core = CmdCore(replace(self._cmd_config, address=own))
        return CmdPair(core, PairConfig(peer, restarts=life))

    def _observe(self, message: Message, source: IPv6Address) -> None:
        for observer in self.observers:
            observer(message, source)

    def _build_mar(self, number: int) -> Mar:
        from_mars = self.config.distributed or self.config.variant is Variant.LOCATOR
        others = self._addresses - {_mar_address(number)}
        config = MarConfig(
            address=_mar_address(number),
            cmd=GROUP if self.config.distributed else CMD_ADDRESS,
            pool=IPv6Network(f"2001:db8:{number:x}::/48"),
            link_local=IPv6Address(f"fe80::5213:{number:x}"),
            link_layer_address=_LINK_LAYER_ADDRESS,
            binding_lifetime_s=self.config.binding_lifetime_s,
            detach_delay=self.config.detach_delay,
            context_transfer=self.config.context_transfer,
            serves_alone=self.config.serves_alone,
            standby=STANDBY_ADDRESS if self.config.standby else None,
            clock_offset=EPOCH + dict(enumerate(self.config.skews, 1)).get(number, 0),
            acknowledging=others if from_mars else frozenset(),
        )
        core = self._core(config, number)
        host = Host(self.engine, core, lambda action: self._perform_at_mar(mar, action))
        mar = Mar(number, config, core, host, Router())
        self._join(mar)
        return mar

    def _core(self, config: MarConfig, number: int) -> MarCore:
        return MarCore(
            config,
            lambda mobile_node: self._listening(self.mar(number), mobile_node),
            lambda identifier: self.expected(identifier, number),
        )

    def _join(self, mar: Mar) -> None:
        own = mar.config.address
        self.network.join(own, lambda *came: self._receive(mar, own, *came))
        self.network.join_group(GROUP, own, lambda *came: self._receive(mar, GROUP, *came))

    def _receive(
        self, mar: Mar, destination: IPv6Address, data: Message | bytes, source: IPv6Address
    ) -> None:
        message = self.unpack(data, source, destination)
        mar.host.carry_out(mar.core.receive(message, source, self.engine.now))

    def _listening(self, mar: Mar, mobile_node: MobileNode) -> Records:
        """What a MAR's multicast part says when a mobile node leaves."""
        records = mar.listening.get(mobile_node.identifier, ())
        departures = mar.handed_over.setdefault(mobile_node.identifier, [])
        departures.append((self.engine.now, records))
        return records

    def _perform_at_mar(self, mar: Mar, action: Action) -> None:
        if self.signal(action, mar.config.address, f"mar{mar.number}"):
            return
        if isinstance(action, ContextReceived):
            identifier = action.mobile_node.identifier
            mar.listening[identifier] = mar.received[identifier] = action.records
        elif isinstance(action, ServingEnded):
            mar.listening.pop(action.mobile_node.identifier, None)
        if not mar.router.apply(action):
            mar.actions.append(action)


def _mar_address(number: int) -> IPv6Address:
    return _MARS + (number << 8)
