"""Channel control in a router, beside the CMD or alone: its cores on signalling and triggers."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address
from typing import Any, Protocol

from agents.control.actions import Decided, SendChannel
from agents.control.channel import Channel, read_settings
from agents.control.decisions import Decisions
from agents.control.distributed import DistributedManagement
from agents.control.management import ChannelManagement, ManagementConfig
from agents.control.mcc import ChannelControl
from agents.control.policies import Policy
from agents.core import Action, Core
from agents.mobility.actions import ServingStarted
from agents.multicast.actions import AskChannelControl
from agents.roles.daemon import Daemon
from agents.roles.multicast_part import MulticastPart
from agents.roles.signalling import Signalling
from agents.roles.users_policy import policy
from agents.wire import channel
from agents.wire.channel import ChannelMessage, ChannelScope


class _TellableCore(Core, Protocol):
    """A core that is told of channel control messages."""

    def receive(self, message: ChannelMessage, source: IPv6Address, now: int) -> list[Action]:
        """A message came in from ``source``."""


class _ChangeableCore(Core, Protocol):
    """A core to which the operator speaks."""

    def change(self, settings: Mapping[Channel, ChannelScope], now: int) -> list[Action]:
        """Some channels are set anew."""

    def change_policy(self, policy: Policy, now: int) -> list[Action]:
        """Another policy decides from now on."""


class MulticastChannelControl:
    """The MCC, at the address and by the signalling of its node."""

    def __init__(
        self,
        daemon: Daemon,
        config: dict[str, Any],
        mars: frozenset[IPv6Address],
        signalling: Signalling,
        address: IPv6Address,
    ) -> None:
        self.core = ChannelControl(_decisions(config), mars)
        _exchange(daemon, self.core, signalling, address)
        _take_changes(daemon, self.core, config["changes"])


class ChannelPart:
    """The channel management function of a MAR: between its MLD proxy and who decides.

    ``name_of`` tells which mobile node has an address.
    """

    def __init__(
        self,
        daemon: Daemon,
        config: dict[str, Any],
        multicast: MulticastPart,
        signalling: Signalling,
        address: IPv6Address,
        name_of: Callable[[IPv6Address], str | None],
    ) -> None:
        self._daemon = daemon
        self._multicast = multicast
        self._name_of = name_of
        self.core: ChannelManagement | DistributedManagement
        if config["mcc"] is None:
            self.core = DistributedManagement(_decisions(config), address)
            _take_changes(daemon, self.core, config["changes"])
        else:
            default = ChannelScope[config["default"].upper()]
            mcc = IPv6Address(config["mcc"])
            self.core = ChannelManagement(ManagementConfig(mcc, default, config["timeout"]))
            _exchange(daemon, self.core, signalling, address)
        daemon.on(AskChannelControl, lambda action: daemon.soon(lambda: self._ask(action)))
        daemon.on(Decided, self._decided)
        daemon.on(ServingStarted, self._came)

    def _came(self, action: ServingStarted) -> None:
        """A mobile node is served here, perhaps since it was at another MAR."""
        if action.previous and isinstance(self.core, DistributedManagement):
            self.core.moved(action.mobile_node.identifier, time.monotonic_ns())

    def _ask(self, action: AskChannelControl) -> None:
        wanted = Channel(action.source, action.group)
        listener = self._name_of(action.host)
        load = self._multicast.tunnelled_channels()
        now = time.monotonic_ns()
        self._daemon.carry_out(self.core, self.core.ask(wanted, now, listener=listener, load=load))

    def _decided(self, action: Decided) -> None:
        self._multicast.decided(action.channel.group, action.channel.source, action.scope)


def _decisions(config: dict[str, Any]) -> Decisions:
    return Decisions(
        policy(config["policy"], config["parameters"]), read_settings(config["channels"])
    )


def _exchange(
    daemon: Daemon, core: _TellableCore, signalling: Signalling, address: IPv6Address
) -> None:
    """Join a core to channel control messages."""

    def receive(data: bytes, source: IPv6Address, destination: IPv6Address) -> None:
        message = channel.decode(data, source, destination)
        daemon.carry_out(core, core.receive(message, source, time.monotonic_ns()))

    def send(action: SendChannel) -> None:
        data = channel.encode(action.message, address, action.destination)
        signalling.send(data, action.destination)

    signalling.on_type(channel.MESSAGE_TYPE, receive)
    daemon.on(SendChannel, send)


def _take_changes(daemon: Daemon, core: _ChangeableCore, path: str) -> None:
    """Take an operator's settings and policies, as JSON, from a datagram socket at ``path``."""
    changes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    changes.bind(path)

    def read() -> None:
        told, now = json.loads(changes.recv(1 << 16)), time.monotonic_ns()
        if "policy" in told:
            actions = core.change_policy(policy(told["policy"], told["parameters"]), now)
        else:
            actions = core.change(read_settings(told["channels"]), now)
        daemon.carry_out(core, actions)

    daemon.watch(changes.fileno(), read)
