"""A domain of Proxy Mobile IPv6 with fast handovers (RFC 5949) in virtual time."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from agents.core import Action
from agents.mobility.config import MagConfig
from agents.mobility.fpmipv6.actions import SendHandover
from agents.mobility.fpmipv6.gateway import FastMag
from agents.mobility.fpmipv6.handover_mag import HandoverMag
from agents.mobility.fpmipv6.handovers import LIFETIME, FastMagConfig
from agents.wire import fast_handover, mobility
from agents.wire.errors import UnknownMessage
from emu.schemes.pmipv6.virtual import LMA_ADDRESS, POOL, Mag, ProxyDomain, ProxyDomainConfig
from emu.simulator.playing import play

if TYPE_CHECKING:
    from emu.simulator.schedule import Schedule


@dataclass(frozen=True)
class FastDomainConfig(ProxyDomainConfig):
    """With what the MAGs do to hand mobile nodes over; ``handover_lifetime`` in ns."""

    predictive: bool = True
    handover_lifetime: int = LIFETIME


class FastProxyDomain(ProxyDomain):
    """The MAGs know where a mobile node was before, and may be told where it will go."""

    config: FastDomainConfig

    def __init__(self, config: FastDomainConfig, seed: int) -> None:
        self._fast: dict[IPv6Address, FastMag] = {}
        self._visited: dict[str, int] = {}
        super().__init__(config, seed)

    def attach(self, mn: str, number: int) -> None:
        """The mobile node comes up at a MAG, which hears where it was before."""
        before = self._visited.get(mn)
        previous = None if before is None else self.mag(before).address
        self.where[mn] = self._visited[mn] = number
        mag = self.mag(number)
        core = self._fast[mag.address]
        mag.host.carry_out(core.attach(self.mobile_node(mn), self.engine.now, previous))

    def announce(self, mn: str, to: int) -> None:
        """The MAG where it is gets a Link_Going_Down trigger: it will go to another one."""
        number = self.where.get(mn)
        if number is not None and number != to:
            mag, address = self.mag(number), self.mag(to).address
            mag.host.carry_out(mag.core.going_down(mn, address, self.engine.now))

    def _core(self, config: MagConfig) -> FastMag:
        peers = frozenset(self.addresses())
        fast = FastMagConfig(
            config.address,
            LMA_ADDRESS,
            POOL,
            peers,
            self.config.predictive,
            self.config.handover_lifetime,
        )
        core = self._fast[config.address] = FastMag(fast, HandoverMag(config))
        return core

    def _receive_at_mag(
        self, mag: Mag, data: mobility.Message | bytes, source: IPv6Address
    ) -> None:
        message = _unpack(data, source, mag.address)
        core, now = self._fast[mag.address], self.engine.now
        if isinstance(message, fast_handover.Message):
            mag.host.carry_out(core.receive_handover(message, source, now))
        else:
            mag.host.carry_out(core.receive(message, source, now))

    def _perform_at_mag(self, mag: Mag, action: Action) -> None:
        if not isinstance(action, SendHandover):
            super()._perform_at_mag(mag, action)
            return
        message, peer = action.message, action.destination
        self.network.send(fast_handover.encode(message, mag.address, peer), mag.address, peer)


def _unpack(
    data: mobility.Message | bytes,
    source: IPv6Address,
    destination: IPv6Address,
) -> mobility.Message | fast_handover.Message:
    if not isinstance(data, bytes):
        return data
    try:
        return mobility.decode(data, source, destination)
    except UnknownMessage:
        return fast_handover.decode(data, source, destination)


def run(schedule: Schedule, *, predictive: bool = True) -> list[str]:
    """Play a schedule, announced as it has it, then let it settle; what is wrong then."""
    config = schedule.config
    domain = FastProxyDomain(
        FastDomainConfig(
            config.mars,
            config.quality,
            config.binding_lifetime_s,
            config.detach_delay,
            config.encoded,
            predictive,
        ),
        schedule.seed,
    )
    play(schedule, domain)
    return domain.faults()
