"""A domain without a CMD in virtual time, whose handovers may be prepared (IEEE 802.21)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address
from random import Random

from agents.core import Action
from agents.mobility.actions import MobileNode, SendMih
from agents.mobility.anchors import Anchor
from agents.mobility.handover_user import AccessPoint, HandoverUser
from agents.mobility.point_of_service import PointOfService, PointOfServiceConfig
from agents.wire import mih
from agents.wire.ipv6 import link_local
from agents.wire.mih import MihMessage
from emu.simulator.domain import Domain, DomainConfig, Mar
from emu.simulator.host import Host
from emu.simulator.network import Network, Quality


@dataclass
class Service:
    """The point of service of a MAR."""

    core: PointOfService
    host: Host


@dataclass
class User:
    """The MIH function of a mobile node."""

    core: HandoverUser
    host: Host


class PreparingDomain(Domain):
    """MARs with points of service, and mobile nodes that announce where they go."""

    def __init__(self, config: DomainConfig, seed: int) -> None:
        super().__init__(config, seed)
        self.mih: Network[MihMessage] = Network(self.engine, Random(-seed), config.quality)
        self.services = [self._build_service(mar) for mar in self.mars]
        self._users: dict[str, User] = {}

    def expected(self, mn: str, number: int) -> tuple[Anchor, ...]:
        """What the MAR's point of service was told."""
        return self.services[number - 1].core.expected(mn)

    def change_quality(self, quality: Quality) -> None:
        """Have messages treated another way from now on."""
        super().change_quality(quality)
        self.mih.change(quality)

    def link_up(self, mn: str, number: int) -> None:
        """Give a MAR and the mobile node the Link_Up trigger."""
        super().link_up(mn, number)
        service = self.services[number - 1]
        service.host.carry_out(service.core.arrived(mn, self.engine.now))
        if mn not in self._users:
            self._users[mn] = self._build_user(self._nodes[mn])
        user = self._users[mn]
        user.host.carry_out(user.core.link_up(f"mar{number}", self.engine.now))

    def announce(self, mn: str, number: int) -> None:
        """The mobile node's link is going down, and it will go to this MAR, if it can."""
        if self.where.get(mn) not in (None, number):
            user = self._users[mn]
            user.host.carry_out(user.core.going_down(f"mar{number}", self.engine.now))

    def _build_service(self, mar: Mar) -> Service:
        others = {
            _point(other.number): (other.config.address, f"mar{other.number}")
            for other in self.mars
            if other is not mar
        }
        config = PointOfServiceConfig(
            f"mar{mar.number}", mar.config.address, _point(mar.number), others
        )
        core = PointOfService(config, mar.core)

        def perform(action: Action) -> None:
            if isinstance(action, SendMih):
                on_link = action.destination.is_link_local
                self._send(action, mar.config.link_local if on_link else mar.config.address)
            else:
                self._perform_at_mar(mar, action)

        def receive(message: MihMessage, source: IPv6Address) -> None:
            if not source.is_link_local or self.where.get(message.source) == mar.number:
                host.carry_out(core.receive(message, source, self.engine.now))

        host = Host(self.engine, core, perform)
        for address in (mar.config.address, mar.config.link_local):
            self.mih.join(address, receive)
        return Service(core, host)

    def _build_user(self, mobile_node: MobileNode) -> User:
        mn, mac = mobile_node.identifier, mobile_node.link_layer_address
        points = {
            f"mar{mar.number}": AccessPoint(_point(mar.number), mar.config.link_local)
            for mar in self.mars
        }
        core = HandoverUser(mn, mac, points)

        def perform(action: Action) -> None:
            if isinstance(action, SendMih):
                self._send(action, link_local(mac))
            else:
                self.signal(action, link_local(mac), mn)

        def receive(message: MihMessage, source: IPv6Address) -> None:
            here = self.where.get(mn)
            if here and source == self.mar(here).config.link_local:
                host.carry_out(core.receive(message, source, self.engine.now))

        host = Host(self.engine, core, perform)
        self.mih.join(link_local(mac), receive)
        return User(core, host)

    def _send(self, action: SendMih, source: IPv6Address) -> None:
        message = action.message
        if self.config.encoded:
            message = mih.decode(mih.encode(message))
        self.mih.send(message, source, action.destination)


def _point(number: int) -> bytes:
    """The link-layer address of a MAR's point of attachment."""
    return b"\x02\x06" + number.to_bytes(4, "big")
