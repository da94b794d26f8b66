"""The Mobility Header messages of a mobile node, and of those it speaks with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address

from agents.binding_errors import BindingErrors
from agents.kernel.mobile_socket import MobileSocket, keep_from_kernel
from agents.kernel.sockets import MobilitySocket
from agents.mipv6.actions import Send
from agents.mipv6.packets import Packet
from agents.roles.daemon import BUDGET, Daemon
from agents.roles.home_keys import HomeKeys
from agents.roles.hook import Hook
from agents.wire import ipv6, mobile_packet, mobility
from agents.wire.errors import MalformedPacket, Unauthentic, UnknownMessage
from agents.wire.mobile_packet import MobilePacket

_ANY = IPv6Address("::")


class MobileIpPort:
    """Gives each message that comes, with its addresses, to ``receive``; sends what cores ask.

    What comes may also be for others, if the node is a router with this ``address``; a host (None)
    has its own only. Of messages whose type is not known the sender is told so, unless this is
    ``beside_signalling``, which does that. With ``keys``, what home agent and mobile nodes say is
    sealed.
    """

    def __init__(
        self,
        daemon: Daemon,
        receive: Callable[[Packet], None],
        address: IPv6Address | None,
        *,
        beside_signalling: bool = False,
        keys: HomeKeys | None = None,
    ) -> None:
        self.on_data: Hook[MobilePacket] = Hook()
        """Takes what is no message, and has one of the extension headers."""
        self._daemon = daemon
        self._receive = receive
        self._address = address
        self._keys = keys
        self._errors = None if beside_signalling else BindingErrors()
        self._plain = MobilitySocket(_ANY)
        self._mobile = MobileSocket()
        daemon.on(Send, lambda action: self._send(action.packet))
        daemon.watch(self._plain.fileno(), self._read_plain)
        daemon.watch(self._mobile.fileno(), self._read_mobile)

    def shield(self, interfaces: Iterable[str]) -> None:
        """Keep the kernel from answering what is ours (see ``keep_from_kernel``)."""
        for interface in interfaces:
            keep_from_kernel(interface, self._address)

    def send_data(self, packet: MobilePacket) -> None:
        """Send what is no message."""
        self._mobile.send(mobile_packet.encode(packet))

    def _send(self, packet: Packet) -> None:
        if self._keys is None:
            payload = mobility.encode(packet.message, packet.sender, packet.receiver)
        else:
            payload = self._keys.seal(packet, time.time_ns())
        self._mobile.send(
            mobile_packet.encode(
                MobilePacket(
                    packet.source,
                    packet.destination,
                    ipv6.MOBILITY,
                    payload,
                    packet.home_address,
                    packet.routed_to,
                )
            )
        )

    def _read_plain(self) -> None:
        for _ in range(BUDGET):
            received = self._plain.receive()
            if received is None:
                return
            source, destination = received.source, received.destination
            self._take(MobilePacket(source, destination, ipv6.MOBILITY, received.message))

    def _read_mobile(self) -> None:
        for _ in range(BUDGET):
            data = self._mobile.receive()
            if data is None:
                return
            try:
                packet = mobile_packet.decode(data)
            except MalformedPacket:
                self._daemon.count_malformed()
                continue
            addressed = packet.home_address is not None or packet.routed_to is not None
            if addressed and packet.next_header == ipv6.MOBILITY:
                self._take(packet)
            elif addressed:
                self.on_data(packet)

    def _take(self, packet: MobilePacket) -> None:
        try:
            payload = packet.payload
            if self._keys is not None:
                payload = self._keys.open(packet, time.time_ns())
            message = mobility.decode(payload, packet.sender, packet.receiver)
        except Unauthentic as error:
            self._refuse(packet, error)
            return
        except UnknownMessage:
            self._daemon.count_malformed()
            self._unrecognized(packet)
            return
        except MalformedPacket:
            self._daemon.count_malformed()
            return
        self._receive(
            Packet(
                message, packet.source, packet.destination, packet.home_address, packet.routed_to
            )
        )

    def _refuse(self, packet: MobilePacket, error: Unauthentic) -> None:
        """A home agent says so to who has a key (RFC 4285 sections 5.3 and 6)."""
        assert self._keys is not None
        refusal = self._keys.refusal(packet, error, time.time_ns())
        if refusal is not None:
            self._send(refusal)

    def _unrecognized(self, packet: MobilePacket) -> None:
        """Say that messages of this type are not known here, straight to where it came from."""
        destination = packet.destination
        ours = destination == self._address if self._address else not destination.is_multicast
        if self._errors is None or not ours:
            return
        error = self._errors.unrecognized(packet.source, time.monotonic_ns(), packet.home_address)
        if error is not None:
            self._send(Packet(error, destination, packet.source))
