"""Context transfer that the network controls: the new router asks the previous one (RFC 4067).

The node takes no part in it, so there are no CTAR and CTAA; what sets it off is that the new router
has heard where the node was (section 2.1: a trigger of the network's). CT-Req asks, CTD answers,
CTDR acknowledges. As the CT-Req has no token of the node's, the CTD is a PCTD with its key (section
2.5.6), which is empty: nodes have none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import SECOND, Action, Log
from agents.cxtp.actions import ContextArrived, SendContext
from agents.deadlines import Deadlines
from agents.wire.cxtp import (
    MAXIMUM_SOURCES,
    ContextCancel,
    ContextData,
    ContextReply,
    ContextRequest,
    Message,
)
from agents.wire.mld import AddressRecord, RecordType

TIMEOUT = 1 * SECOND
"""After which a request is made again: SCTP loses none, but a router that starts anew does; ns."""
MAXIMUM_REQUESTS = 3
CONTEXT_ROOM = 1100
"""Octets of a CTD for the context: a message fits a packet. The rest is left to MLD."""

_BLOCK, _SOURCE = 32, 16
_NO_KEY = b""
_SEQUENCES = 1 << 32

Records = tuple[AddressRecord, ...]
Context = Callable[[IPv6Address], Records]
"""Tells what the node with an address listens to, or did when it left."""


@dataclass
class _Request:
    identifier: str
    previous: IPv6Address
    message: ContextRequest
    sent: int = 0


class ContextTransfer:
    """One router's protocol machine. ``dropped`` counts messages that were not acted upon."""

    def __init__(self, peers: Collection[IPv6Address], context: Context) -> None:
        self._peers = peers
        self._context = context
        self._requests: dict[IPv6Address, _Request] = {}
        self._deadlines: Deadlines[IPv6Address] = Deadlines()
        self._sequence = 0
        self.dropped = 0

    def request(
        self, identifier: str, address: IPv6Address, previous: IPv6Address, now: int
    ) -> list[Action]:
        """A node came that had this address at the previous router."""
        self._sequence = (self._sequence + 1) % _SEQUENCES
        message = ContextRequest(address, self._sequence)
        self._requests[address] = _Request(identifier, previous, message)
        return self._ask(address, now)

    def receive(self, message: Message, source: IPv6Address, now: int) -> list[Action]:
        """A message of another router."""
        if source not in self._peers:
            self.dropped += 1
            return []
        if isinstance(message, ContextRequest):
            wanted = self._context(message.address) if message.wants_listeners else ()
            key = None if message.token else _NO_KEY
            return _send(ContextData(message.address, tuple(_fitting(wanted)), key=key), source)
        if isinstance(message, ContextData):
            return self._arrived(message, source)
        return [_log("received", message, source)]

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for address in self._deadlines.due(now):
            if self._requests[address].sent < MAXIMUM_REQUESTS:
                actions += self._ask(address, now)
            else:
                del self._requests[address]
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _ask(self, address: IPv6Address, now: int) -> list[Action]:
        request = self._requests[address]
        request.sent += 1
        self._deadlines.set(address, now + TIMEOUT * request.sent)
        return _send(request.message, request.previous)

    def _arrived(self, message: ContextData, source: IPv6Address) -> list[Action]:
        request = self._requests.get(message.address)
        if request is None or request.previous != source:
            self.dropped += 1
            return []
        del self._requests[message.address]
        self._deadlines.cancel(message.address)
        actions: list[Action] = [_log("received", message, source)]
        if message.records:
            actions.append(ContextArrived(request.identifier, message.records))
        if message.acknowledge:
            actions += _send(ContextReply(message.address, success=True), source)
        return actions


def _fitting(records: Iterable[AddressRecord]) -> Iterator[AddressRecord]:
    """As many of the first as a message has room for; of excluded sources some may be left out."""
    room = CONTEXT_ROOM
    for record in records:
        sources = record.sources[:MAXIMUM_SOURCES]
        room -= _BLOCK + _SOURCE * len(sources)
        whole = sources == record.sources or record.type is RecordType.MODE_IS_EXCLUDE
        if room >= 0 and whole:
            yield AddressRecord(record.type, record.group, sources)


_NAMES = {
    ContextRequest: "CT-Req",
    ContextData: "CTD",
    ContextReply: "CTDR",
    ContextCancel: "CTC",
}


def _send(message: Message, peer: IPv6Address) -> list[Action]:
    return [SendContext(message, peer), _log("sent", message, peer)]


def _log(kind: str, message: Message, peer: IPv6Address) -> Log:
    key = "destination" if kind == "sent" else "source"
    name = _NAMES[type(message)]
    if isinstance(message, ContextData) and message.key is not None:
        name = "PCTD"
    fields = {"message": name, "address": str(message.address), key: str(peer)}
    return Log(kind, fields)
