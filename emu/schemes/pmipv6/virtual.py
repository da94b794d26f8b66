"""A domain of Proxy Mobile IPv6 in virtual time: MAGs, the LMA, and mobile nodes that move."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from agents.core import Action
from agents.mobility.actions import Advertise, ServingEnded, ServingStarted
from agents.mobility.config import DEFAULT_LIFETIME, DETACH_DELAY, LmaConfig, MagConfig
from agents.mobility.context import Records
from agents.mobility.lma import LmaCore
from agents.mobility.mag import MagCore
from agents.mobility.mag_sessions import MagBinding, MagPhase
from agents.mobility.proxy_bindings import LmaBinding, LmaPhase
from agents.wire.mobility import Message
from emu.simulator.host import Host
from emu.simulator.network import Quality
from emu.simulator.playing import play
from emu.simulator.router import Router
from emu.simulator.world import World

if TYPE_CHECKING:
    from agents.roles.mag import GatewayCore
    from emu.simulator.schedule import Schedule

LMA_ADDRESS = IPv6Address("2001:db8:ffff::a")
POOL = IPv6Network("2001:db8:a000::/48")
_HOME_LINK = IPv6Address("fe80::5213:0")
_LINK_LAYER_ADDRESS = bytes.fromhex("00005e005213")


@dataclass(frozen=True)
class ProxyDomainConfig:
    """Size and times of a domain."""

    mags: int
    quality: Quality
    binding_lifetime_s: int = DEFAULT_LIFETIME
    delete_delay: int = DETACH_DELAY
    encoded: bool = False


@dataclass
class Mag:
    """One MAG: its core, and its router."""

    number: int
    address: IPv6Address
    core: GatewayCore
    host: Host
    router: Router


class ProxyDomain(World):
    """The nodes of one domain and the network between them."""

    def __init__(self, config: ProxyDomainConfig, seed: int) -> None:
        super().__init__(seed, config.quality, encoded=config.encoded)
        self.config = config
        self.mags = [self._build_mag(number) for number in range(1, config.mags + 1)]
        self.lma = LmaCore(
            LmaConfig(
                LMA_ADDRESS,
                POOL,
                frozenset(mag.address for mag in self.mags),
                config.binding_lifetime_s,
                config.delete_delay,
            )
        )
        self.lma_router = Router()
        self._lma_host = Host(self.engine, self.lma, self._perform_at_lma)
        self.network.join(LMA_ADDRESS, self._receive_at_lma)

    def addresses(self) -> list[IPv6Address]:
        """Of all MAGs."""
        return [mag_address(number) for number in range(1, self.config.mags + 1)]

    def mag(self, number: int) -> Mag:
        """The MAG of this number; they count from 1."""
        return self.mags[number - 1]

    def attach(self, mn: str, number: int) -> None:
        """The mobile node comes up at a MAG, which gets a Link_Up trigger."""
        self.where[mn] = number
        mag = self.mag(number)
        mag.host.carry_out(mag.core.attach(self.mobile_node(mn), self.engine.now))

    def link_down(self, mn: str, number: int) -> None:
        """Give a MAG the Link_Down trigger."""
        mag = self.mag(number)
        mag.host.carry_out(mag.core.detach(mn, self.engine.now))

    def report(self, mn: str, number: int, records: Records) -> None:
        """What a mobile node listens to is not of Proxy Mobile IPv6's concern."""

    def faults(self) -> list[str]:
        """Every difference between what is and what has to be, one line each.

        Only the movements say what has to be: who is nowhere has nothing anywhere. Who is at a MAG
        has one prefix, and this MAG, the LMA and their tunnel carry its packets, nobody else.
        """
        home = {mn: binding.prefix for mn, binding in self.lma.bindings().items()}
        bindings = {
            mn: LmaBinding(home.get(mn), self.mag(number).address, LmaPhase.BOUND)
            for mn, number in self.where.items()
        }
        routes = {binding.prefix: binding.serving for binding in bindings.values()}
        return [
            *_differences("lma bindings", self.lma.bindings(), bindings),
            *_differences("prefixes", len(set(home.values())), len(self.where)),
            *_differences("lma routes", self.lma_router.routes, routes),
            *_differences("lma tunnels", self.lma_router.tunnels, set(routes.values())),
            *(fault for mag in self.mags for fault in self._faults_of_mag(mag, bindings)),
        ]

    def _faults_of_mag(self, mag: Mag, bindings: dict[str, LmaBinding]) -> list[str]:
        here = {mn: b.prefix for mn, b in bindings.items() if b.serving == mag.address}
        sessions = {mn: MagBinding(prefix, MagPhase.SERVING) for mn, prefix in here.items()}
        sources = dict.fromkeys(here.values(), LMA_ADDRESS)
        name = f"mag{mag.number}"
        return [
            *_differences(f"{name} bindings", mag.core.bindings(), sessions),
            *_differences(f"{name} routes", mag.router.routes, dict.fromkeys(here.values())),
            *_differences(f"{name} source routes", mag.router.source_routes, sources),
            *_differences(f"{name} return routes", mag.router.return_routes, {}),
            *_differences(f"{name} kept", mag.router.kept, set()),
            *_differences(f"{name} tunnels", mag.router.tunnels, set(sources.values())),
        ]

    def _build_mag(self, number: int) -> Mag:
        address = mag_address(number)
        core = self._core(
            MagConfig(
                address,
                LMA_ADDRESS,
                _HOME_LINK,
                _LINK_LAYER_ADDRESS,
                self.config.binding_lifetime_s,
            )
        )
        host = Host(self.engine, core, lambda action: self._perform_at_mag(mag, action))
        mag = Mag(number, address, core, host, Router())
        self.network.join(address, lambda *came: self._receive_at_mag(mag, *came))
        return mag

    def _core(self, config: MagConfig) -> GatewayCore:
        return MagCore(config)

    def _receive_at_mag(self, mag: Mag, data: Message | bytes, source: IPv6Address) -> None:
        message = self.unpack(data, source, mag.address)
        mag.host.carry_out(mag.core.receive(message, source, self.engine.now))

    def _receive_at_lma(self, data: Message | bytes, source: IPv6Address) -> None:
        message = self.unpack(data, source, LMA_ADDRESS)
        self._lma_host.carry_out(self.lma.receive(message, source, self.engine.now))

    def _perform_at_mag(self, mag: Mag, action: Action) -> None:
        if self.signal(action, mag.address, f"mag{mag.number}") or mag.router.apply(action):
            return
        if not isinstance(action, (Advertise, ServingStarted, ServingEnded)):
            raise TypeError(f"a MAG has no use for {action}")

    def _perform_at_lma(self, action: Action) -> None:
        if not self.signal(action, LMA_ADDRESS, "lma") and not self.lma_router.apply(action):
            raise TypeError(f"an LMA has no use for {action}")


def mag_address(number: int) -> IPv6Address:
    """Of the MAG of this number."""
    return IPv6Address(f"2001:db8:ffff::{number:x}00")


def run(schedule: Schedule) -> list[str]:
    """Play a schedule, then let a network without faults settle; what is wrong then."""
    config = schedule.config
    domain = ProxyDomain(
        ProxyDomainConfig(
            config.mars,
            config.quality,
            config.binding_lifetime_s,
            config.detach_delay,
            config.encoded,
        ),
        schedule.seed,
    )
    play(schedule, domain)
    return domain.faults()


def _differences(what: str, found: object, wanted: object) -> list[str]:
    return [] if found == wanted else [f"{what}: is {found}, has to be {wanted}"]
