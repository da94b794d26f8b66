"""The keys that mobile nodes share with their home agent (RFC 4285), each for its home address.

Who has the key of a home address may say where that is, and nobody else.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address
from typing import NamedTuple

from agents.error_limit import ErrorLimit
from agents.mipv6.packets import Packet
from agents.mobility.authentication import DOMAIN_SPI, TOLERANCE, Replayed
from agents.wire import authentication, mobility
from agents.wire.authentication import Key, nanoseconds_between, ntp_time
from agents.wire.errors import MalformedPacket, Unauthentic, WrongCode
from agents.wire.mobile_packet import MobilePacket
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingAcknowledgementFlag,
    BindingUpdate,
    Status,
)
from agents.wire.mobility_options import MobileNodeIdentifier

_OUTSTANDING = 16
"""Of so many updates, the latest, an acknowledgement counts."""
_FRACTION = (1 << 32) - 1
"""The low-order half of an NTP time."""


class _Ends(NamedTuple):
    care_of: IPv6Address
    home: IPv6Address


@dataclass
class _Association:
    """A mobility security association (section 5.1), with what its replay protection remembers.

    NTP times of updates: at the mobile node of those ``sent``; at the home agent of the latest one
    ``accepted``, and that which an acknowledgement has (``answered``). ``ahead`` is how far the
    home agent's clock is ahead of the mobile node's, as far as that was told; ns.
    """

    identifier: str
    key: Key
    sent: deque[int] = field(default_factory=lambda: deque(maxlen=_OUTSTANDING))
    accepted: int | None = None
    answered: int | None = None
    ahead: int = 0
    latest: int = 0
    """When the latest update was sent, by the home agent's clock, ns since 1970; 0: by another."""


class HomeKeys:
    """Seals and opens what passes between ``agents`` and mobile nodes; all else as it is.

    A home agent names itself, a mobile node those of its home addresses. ``keys``: of each home
    address the mobile node's identifier, and the key in hexadecimal. Times are in ns since 1970;
    nothing counts that was sent before this has ``started``.
    """

    def __init__(
        self, agents: Collection[IPv6Address], keys: Mapping[str, tuple[str, str]], started: int
    ) -> None:
        self.counters = {"unauthentic": 0, "replayed": 0}
        """What was dropped: without proof, with a proof of another moment."""
        self._agents = frozenset(agents)
        self._started = ntp_time(started)
        self._limit = ErrorLimit()
        self._associations = {
            IPv6Address(home): _Association(name, Key(DOMAIN_SPI, bytes.fromhex(key)))
            for home, (name, key) in keys.items()
        }

    def seal(self, packet: Packet, now: int) -> bytes:
        """The octets of a message as it is sent."""
        ends = self._ends(packet.source, packet.destination, packet.sender, packet.receiver)
        association = self._associations.get(ends.home) if ends is not None else None
        message = packet.message
        if association is None or not isinstance(message, BindingUpdate | BindingAcknowledgement):
            return mobility.encode(message, packet.sender, packet.receiver)
        identifier = MobileNodeIdentifier(association.identifier)
        message = replace(message, options=(*message.options, identifier))
        data = mobility.encode(message, packet.sender, packet.receiver)
        if isinstance(message, BindingUpdate):
            association.latest = max(association.latest + 1, now + association.ahead)
            association.sent.append(ntp_time(association.latest))
            sent = association.sent[-1]
        else:
            sent = ntp_time(now) if association.answered is None else association.answered
        return authentication.seal(
            data, packet.sender, packet.receiver, sent, association.key, ends
        )

    def open(self, packet: MobilePacket, now: int) -> bytes:
        """The octets of a message as it was before; ``Unauthentic``, which is counted."""
        ends = self._ends(packet.source, packet.destination, packet.sender, packet.receiver)
        if ends is None or not mobility.is_about_binding(packet.payload):
            return packet.payload
        association = self._associations.get(ends.home)
        try:
            if association is None:
                raise Unauthentic("there is no key of this home address")
            data, sent = authentication.unseal(
                packet.payload, packet.sender, packet.receiver, association.key, ends
            )
            if packet.destination in self._agents:
                self._take_update(association, sent, ntp_time(now))
            else:
                message = mobility.decode(data, packet.sender, packet.receiver)
                _take_acknowledgement(association, message, sent, now)
        except Unauthentic as error:
            self.counters["replayed" if isinstance(error, Replayed) else "unauthentic"] += 1
            raise
        return data

    def refusal(self, packet: MobilePacket, error: Unauthentic, now: int) -> Packet | None:
        """What a home agent answers to an update under the key of its home address, or None.

        Its code is wrong (section 5.3), or its time is (section 6). There are few such answers:
        whoever forges an update says to whom they go.
        """
        association = self._associations.get(packet.sender)
        status = {WrongCode: Status.AUTHENTICATION_FAILED, Replayed: Status.ID_MISMATCH}.get(
            type(error)
        )
        if packet.destination not in self._agents or association is None or status is None:
            return None
        try:
            update = mobility.decode(packet.payload, packet.sender, packet.receiver)
        except MalformedPacket:
            return None
        if not isinstance(update, BindingUpdate) or not self._limit.allows(now):
            return None
        if isinstance(error, WrongCode):
            association.answered = error.time
        answer = BindingAcknowledgement(status, update.sequence, 0, BindingAcknowledgementFlag(0))
        routed_to = packet.home_address
        return Packet(answer, packet.destination, packet.source, routed_to=routed_to)

    def _take_update(self, association: _Association, sent: int, now: int) -> None:
        """Its time is close to ours, and later than any that was accepted (section 6)."""
        age = nanoseconds_between(sent, now)
        last = association.accepted
        is_late = last is None or nanoseconds_between(last, sent) > 0
        is_close = -TOLERANCE < age < TOLERANCE
        if is_close and is_late and nanoseconds_between(self._started, sent) >= 0:
            association.accepted = association.answered = sent
            return
        association.answered = sent & _FRACTION | now & ~_FRACTION
        raise Replayed("sent at another time, or before another one")

    def _ends(
        self,
        source: IPv6Address,
        destination: IPv6Address,
        sender: IPv6Address,
        receiver: IPv6Address,
    ) -> _Ends | None:
        """Of what is from or to a home agent (RFC 4285 section 5.1)."""
        if destination in self._agents:
            return _Ends(source, sender)
        return _Ends(destination, receiver) if source in self._agents else None


def _take_acknowledgement(
    association: _Association, message: mobility.Message, sent: int, now: int
) -> None:
    """It has the time of an update of ours; or half of that, and half of the agent's clock."""
    is_mismatch = (
        isinstance(message, BindingAcknowledgement) and message.status == Status.ID_MISMATCH
    )
    if not is_mismatch and sent in association.sent:
        return
    fractions = {time & _FRACTION for time in association.sent}
    if not is_mismatch or sent & _FRACTION not in fractions:
        raise Replayed("it answers no update")
    association.ahead, association.latest = nanoseconds_between(ntp_time(now), sent), 0


def home_keys(
    agents: Collection[IPv6Address], keys: Mapping[str, tuple[str, str]] | None
) -> HomeKeys | None:
    """The keys from now on, if there are any."""
    return HomeKeys(agents, keys, time.time_ns()) if agents and keys else None
