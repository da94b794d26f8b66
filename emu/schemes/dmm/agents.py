"""Network-based distributed mobility management: MARs, and a CMD unless it is fully distributed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv6Address
from typing import Any

from agents.core import MILLISECOND, SECOND
from emu.events import Event
from emu.sandbox import RUN_DIRECTORY
from emu.schemes.agents import Agent, Agents
from emu.schemes.dmm.keys import WithCmd
from emu.schemes.keys import IdleRelease, Variants
from topologies.parameters import SECOND_CMD

ALL_MARS = IPv6Address("ff05::5213")
"""The group of all MARs, of site-local scope, where there is no CMD."""


class Dmm(Agents):
    """RFC 8885, and sections 4.2.2 and 4.2.3 of the HDMM paper."""

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """MARs, CMD and MCC; without a CMD the exchange carries what MARs send to all of them."""
        return {**super().roles(), "mar": self._mar, "mcc": self._mcc, **self._centre()}

    def ready(self, events: Sequence[Event]) -> bool:
        """Whether those who talk to each other do: MARs by their group or by CXTP, two CMDs."""
        count = len(self.managed())
        groups = {str(self.group_of(mar)) for mar in self.managed()}
        joins = [e for e in events if e["kind"] == "join" and e["group"] in groups]
        grouped = not self._distributed or len({join["link"] for join in joins}) == count
        pairs = {(e["node"], e["peer"]) for e in events if e["kind"] == "association"}
        caught_up = {event["node"] for event in events if event["kind"] == "caught_up"}
        paired = not self._standby or caught_up >= set(self.network.names("cmd"))
        return grouped and paired and (not self._cxtp or len(pairs) == count * (count - 1))

    def managed(self) -> list[str]:
        """The access routers that manage mobility."""
        return list(self.mars().values())

    def group_of(self, mar: str) -> IPv6Address:
        """Where all MARs of a MAR's domain are asked, if there is no CMD."""
        return ALL_MARS

    def cmd_of(self, mar: str) -> str:
        """The CMD of a MAR's domain."""
        return "cmd"

    def peers(self, name: str) -> dict[str, str]:
        """The MARs of the domain that a MAR or CMD is of: names by addresses."""
        return self.mars()

    def key_of(self, name: str) -> str | None:
        """The secret of the domain that a MAR or CMD is of."""
        return self.scenario.mobility.domain_key

    def _centre(self) -> dict[str, Callable[[str], Agent]]:
        return {"ix": self._ix} if self._distributed else {"cmd": self._cmd}

    @property
    def _distributed(self) -> bool:
        return self._variants.distributed

    @property
    def _variants(self) -> Variants:
        return self.scenario.mobility.of(Variants)

    @property
    def _standby(self) -> bool:
        return self.scenario.mobility.of(WithCmd).standby

    def _mar(self, name: str) -> Agent:
        network = self.network
        mobility, variants = self.scenario.mobility, self._variants
        distributed = variants.distributed
        tracking = self.scenario.multicast.explicit_tracking
        return "agents.roles.mar", {
            **self.access_link(name),
            "address": str(network.address(name)),
            "cmd": str(self.group_of(name) if distributed else network.address(self.cmd_of(name))),
            "standby": str(network.address(SECOND_CMD)) if self._standby else None,
            "group_interface": network.interface(name, "backhaul").name if distributed else None,
            "pool": str(network.pool(name)),
            "upstream": network.interface(name, "core").name,
            "tunnel_backend": self.tunnel_backend,
            "peers": self.peers(name),
            "pools": {address: str(network.pool(mar)) for address, mar in self.peers(name).items()},
            "acknowledging": self._others(name)
            if distributed or variants.variant == "locator"
            else [],
            "multicast": self.proxy_timers(explicit_tracking=tracking),
            "all_anchors": self.scenario.multicast.upstream == "anchors",
            "channel_control": self.channel_control.of_mar(name),
            "key": self.key_of(name),
            "prediction": self._prediction(),
            "idle_release": mobility.of(IdleRelease).idle_release,
            "mih": self._point_of_service(name) if variants.variant == "mih" else None,
            "cxtp": self._cxtp,
            "home_agent": None,
            "interception": self.interception(name),
            "mobility": {
                **self._timers(),
                "context_transfer": self.scenario.multicast.context_transfer == "pbu",
                "first_attachment_timeout": variants.first_attachment_timeout,
                "serves_alone": mobility.of(WithCmd).without_cmd == "local",
            },
        }

    def _mn(self, name: str) -> Agent:
        module, config = super()._mn(name)
        if self._variants.variant != "mih":
            return module, config
        mih = {
            "trigger": str(RUN_DIRECTORY / f"{name}.trigger"),
            "link": self.network.interface(name, "wireless").link_layer_address,
            "access_points": {
                mar: (point, str(self.network.interface(mar, "access").link_local))
                for mar, point in self._points_of_attachment().items()
            },
        }
        return module, {**config, "mih": mih}

    def _point_of_service(self, name: str) -> dict[str, Any]:
        points = self._points_of_attachment()
        access = self.network.interface(name, "access")
        return {
            "name": name,
            "address": str(self.network.address(name)),
            "point": points.pop(name),
            "link_local": str(access.link_local),
            "access": access.name,
            "others": {
                point: (str(self.network.address(mar)), mar) for mar, point in points.items()
            },
        }

    def _points_of_attachment(self) -> dict[str, str]:
        """The link-layer address of each access router's access point: of the radio's port."""
        ports = self.network.interfaces("radio")
        return {port.peer: port.link_layer_address for port in ports if port.kind == "access"}

    def _cmd(self, name: str) -> Agent:
        return "agents.roles.cmd", {
            "address": str(self.network.address(name)),
            "peer": self._other_cmd(name),
            "peers": self.peers(name),
            "variant": self._variants.variant,
            "store": str(RUN_DIRECTORY / f"{name}.sqlite"),
            "channel_control": self.channel_control.of_centre(name),
            "key": self.key_of(name),
            "mobility": self._timers(),
        }

    def _mcc(self, name: str) -> Agent:
        return "agents.roles.mcc", {
            "address": str(self.network.address(name)),
            "peers": self.peers(name),
            "channel_control": self.channel_control.of_centre(name),
            "key": self.key_of(name),
        }

    def _other_cmd(self, name: str) -> str | None:
        """The CMD with which this one shares its entries."""
        if not self._standby:
            return None
        return str(self.network.address("cmd" if name == SECOND_CMD else SECOND_CMD))

    def _ix(self, name: str) -> Agent:
        """The root, and only router, of the tree on which the MARs' own group is carried."""
        return "agents.roles.mr", {
            "upstream": None,
            "downstream": dict.fromkeys(end.name for end in self.network.interfaces(name)),
            "multicast": {"query_response_interval": 200 * MILLISECOND},
        }

    @property
    def _cxtp(self) -> bool:
        return self.scenario.multicast.context_transfer == "cxtp"

    def _prediction(self) -> dict[str, Any] | None:
        multicast = self.scenario.multicast
        if multicast.predictive == "off":
            return None
        return {
            "mode": multicast.predictive,
            "lifetime": multicast.prediction_lifetime,
            "buffer_size": multicast.buffer_size,
        }

    def _timers(self) -> dict[str, Any]:
        mobility = self.scenario.mobility
        return {
            "binding_lifetime_s": mobility.binding_lifetime // SECOND,
            "initial_timeout": mobility.retransmission,
        }

    def _others(self, name: str) -> list[str]:
        return [address for address, mar in self.peers(name).items() if mar != name]
