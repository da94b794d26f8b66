"""A binding message as an action and as a line of the event log."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import Any

from agents.core import Action, Log
from agents.mipv6.actions import Send
from agents.mipv6.packets import Packet
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingError,
    BindingRefreshRequest,
    BindingUpdate,
    BindingUpdateFlag,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
)
from agents.wire.routability_tests import TestInit

_NAMES: dict[type[Any], str] = {
    BindingUpdate: "BU",
    BindingAcknowledgement: "BA",
    BindingError: "BE",
    BindingRefreshRequest: "BRR",
    HomeTestInit: "HoTI",
    CareOfTestInit: "CoTI",
    HomeTest: "HoT",
    CareOfTest: "CoT",
}


def send(packet: Packet, home_address: IPv6Address, mn: str | None = None) -> list[Action]:
    """Send it, and say so."""
    ends = {"source": packet.source, "destination": packet.destination}
    return [Send(packet), Log("sent", _fields(packet, home_address, mn) | ends)]


def ask(
    tests: Sequence[tuple[TestInit, IPv6Address]],
    anchor: IPv6Address,
    home_address: IPv6Address,
    mn: str,
) -> list[Action]:
    """Send an anchor tests, each from the address that it is about."""
    packets = [Packet(test, source, anchor) for test, source in tests]
    return [action for packet in packets for action in send(packet, home_address, mn)]


def received(packet: Packet, home_address: IPv6Address, mn: str | None = None) -> Log:
    """Say that it came."""
    return Log("received", _fields(packet, home_address, mn) | {"source": packet.source})


def _fields(packet: Packet, home_address: IPv6Address, mn: str | None) -> dict[str, Any]:
    message = packet.message
    name = _NAMES.get(type(message), type(message).__name__)
    if isinstance(message, BindingUpdate) and message.flags & BindingUpdateFlag.M:
        name = "LBU"  # a local one, to a mobility anchor point (RFC 5380 section 4)
    fields: dict[str, Any] = {"message": name, "home_address": home_address}
    if mn is not None:
        fields["mn"] = mn
    if isinstance(message, (BindingUpdate, BindingAcknowledgement)):
        fields |= {"sequence": message.sequence, "lifetime": message.lifetime}
    return fields
