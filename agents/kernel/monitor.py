"""What the kernel of a mobile node does by itself: how its addresses and its link change."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any, Literal

from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl.ifaddrmsg import (
    IFA_F_DADFAILED,
    IFA_F_DEPRECATED,
    IFA_F_OPTIMISTIC,
    IFA_F_TENTATIVE,
)
from pyroute2.netlink.rtnl.ifinfmsg import IFF_RUNNING

from agents.kernel.netlink import Netlink, link_layer_address
from agents.kernel.netlink_socket import decode, messages

AddressState = Literal["tentative", "optimistic", "duplicate", "preferred", "deprecated", "removed"]
"""RFC 4862 section 2 and RFC 4429; ``duplicate``: detection failed, the address is not used."""

_RECEIVE_BUFFER = 4 << 20
_SO_RCVBUFFORCE = 33
_RECEIVE_SIZE = 1 << 18


@dataclass(frozen=True)
class AddressChange:
    """An address came, changed its state, or went; a renewed lifetime alone is no change."""

    address: IPv6Address
    state: AddressState


@dataclass(frozen=True)
class CarrierChange:
    """The link layer went up, and the kernel sends by it from now on, or down."""

    up: bool


@dataclass(frozen=True)
class LinkLayerChange:
    """The interface has another link-layer address now, or that of the beginning ``back``."""

    address: bytes
    back: bool


Change = AddressChange | CarrierChange | LinkLayerChange


class Monitor:
    """The changes on one interface, from its creation on; non-blocking.

    ``carrier`` and ``states`` hold how things stand after the changes read so far.
    """

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
            socket.NETLINK_ROUTE,
        )
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        self._socket.bind((0, rtnl.RTMGRP_LINK | rtnl.RTMGRP_IPV6_IFADDR))
        # Subscribed first, asked second: a change in between is seen at least once.
        with Netlink() as netlink:
            self._index = netlink.index(interface)
            self.carrier = netlink.operational(interface)
            self._first = self._link_layer_address = netlink.link_layer_address(interface)
            self.states: dict[IPv6Address, AddressState] = {
                IPv6Address(message.get_attr("IFA_ADDRESS")): _state(message)
                for message in netlink.address_messages(interface)
            }

    def fileno(self) -> int:
        """The descriptor, readable when changes wait."""
        return self._socket.fileno()

    def read(self) -> list[Change]:
        """All changes that wait; OSError ENOBUFS when the kernel had to drop some."""
        changes: list[Change] = []
        while True:
            try:
                data = self._socket.recv(_RECEIVE_SIZE)
            except BlockingIOError:
                return changes
            for kind, _, encoded in messages(data):
                message = decode(kind, encoded)
                if message is None or message["index"] != self._index:
                    continue
                if kind in (rtnl.RTM_NEWADDR, rtnl.RTM_DELADDR):
                    changes += self._address(kind, message)
                elif message["family"] == socket.AF_UNSPEC:
                    changes += self._link(kind, message)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _address(self, kind: int, message: Any) -> list[Change]:
        address = IPv6Address(message.get_attr("IFA_ADDRESS"))
        state: AddressState = "removed" if kind == rtnl.RTM_DELADDR else _state(message)
        if self.states.get(address, "removed") == state:
            return []
        if state == "removed":
            del self.states[address]
        else:
            self.states[address] = state
        return [AddressChange(address, state)]

    def _link(self, kind: int, message: Any) -> list[Change]:
        changes: list[Change] = []
        address = link_layer_address(message)
        if kind == rtnl.RTM_NEWLINK and address != self._link_layer_address:
            self._link_layer_address = address
            changes.append(LinkLayerChange(address, back=address == self._first))
        up = kind == rtnl.RTM_NEWLINK and bool(message["flags"] & IFF_RUNNING)
        if up != self.carrier:
            self.carrier = up
            changes.append(CarrierChange(up))
        return changes


def _state(message: Any) -> AddressState:
    flags = message.get_attr("IFA_FLAGS") or message["flags"]
    if flags & IFA_F_DADFAILED:
        return "duplicate"
    if flags & IFA_F_OPTIMISTIC:
        return "optimistic"
    if flags & IFA_F_TENTATIVE:
        return "tentative"
    return "deprecated" if flags & IFA_F_DEPRECATED else "preferred"
