"""The channel control of a run: what its agents are told at their start, and changes on the way."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from emu.network.build import Network
from emu.sandbox import RUN_DIRECTORY
from emu.scenario.channel_policies import POLICIES
from emu.scenario.model import Scenario
from emu.scenario.multicast import ChannelControl
from emu.scenario.policies import own
from topologies.parameters import MCC

_Value = TypeVar("_Value")


class ChannelControlPlan:
    """Who decides about channels in one run, and with what; ``folder`` is the scenario's."""

    def __init__(self, scenario: Scenario, network: Network, folder: Path) -> None:
        self._scenario = scenario
        self._network = network
        self._folder = folder
        self._control = scenario.multicast.channel_control

    def of_mar(self, name: str) -> dict[str, Any] | None:
        """Of a MAR: the MCC that it asks, or else how it decides itself."""
        if self._control is None:
            return None
        if name in self._deciders(self._control):
            return {"mcc": None, **self._deciding(self._control, name)}
        return {
            "mcc": str(self._network.address(*self._deciders(self._control))),
            "default": self._control.default,
            "timeout": self._control.timeout,
        }

    def of_centre(self, name: str) -> dict[str, Any] | None:
        """Of a CMD or the MCC's node: how the MCC that is there decides; None: there is none."""
        if self._control is None or name not in self._deciders(self._control):
            return None
        return self._deciding(self._control, name)

    def change(self, settings: Mapping[str, str]) -> None:
        """Tell those who decide that some channels are set anew."""
        self._tell({"channels": self._entries(settings)})

    def change_policy(self, policy: str) -> None:
        """Tell those who decide that another policy does from now on."""
        assert self._control is not None
        self._tell(self._making(self._control, policy))

    def _tell(self, change: Mapping[str, Any]) -> None:
        assert self._control is not None
        content = json.dumps(change).encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            for name in self._deciders(self._control):
                sender.sendto(content, str(_changes(name)))

    def _deciders(self, control: ChannelControl) -> list[str]:
        """The nodes that decide."""
        return {"cmd": ["cmd"], MCC.role: [MCC.role], "mar": self._network.names("mar")}[control.at]

    def _deciding(self, control: ChannelControl, name: str) -> dict[str, Any]:
        return {
            **self._making(control, control.policy),
            "channels": self._entries(control.channels),
            "changes": str(_changes(name)),
        }

    def _making(self, control: ChannelControl, policy: str) -> dict[str, Any]:
        """How a policy is made."""
        found = own(policy)
        if found is None:
            declared = POLICIES.find(policy)
            keys = declared.keys
            parameters = control.parameters if keys is None else self._values(control, keys)
            return {"policy": declared.made_by, "parameters": dict(parameters)}
        file, class_name = found
        path = (self._folder / file).resolve()
        return {"policy": f"{path}:{class_name}", "parameters": dict(control.parameters)}

    def _values(self, control: ChannelControl, keys: Iterable[str]) -> dict[str, Any]:
        """The values of some keys, in the words of ``agents.control.policies``."""
        values = {key: getattr(control, key) for key in keys}
        if "delays" in values:
            values["delays"] = self._entries(control.delays)
        return values

    def _entries(self, values: Mapping[str, _Value]) -> list[tuple[str | None, str, _Value]]:
        """Values of channels by source and group, not by the channel's name.

        None is any source; so is a mobile node, which has no address yet.
        """
        entries = []
        for name, value in values.items():
            channel = self._scenario.channels[name]
            fixed = channel.source_specific and channel.source in self._scenario.nodes_of("source")
            source = str(self._network.address(channel.source)) if fixed else None
            entries.append((source, str(channel.group), value))
        return entries


def _changes(node: str) -> Path:
    """Where a node that decides takes changes."""
    return RUN_DIRECTORY / f"{node}.changes"
