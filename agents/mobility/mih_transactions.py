"""MIH messages are acknowledged, and sent again until they are (IEEE 802.21-2008 section 8.2.2).

A request is acknowledged by its response (the ACK-Rsp bit is set in it), an indication by a message
with the ACK-Rsp bit and no values. Who gets a message twice answers as before, and acts once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import IPv6Address
from typing import Any

from agents.core import MILLISECOND, SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.mobility.actions import SendMih
from agents.wire import mih
from agents.wire.mih import TRANSACTIONS, Kind, MihMessage, Opcode
from agents.wire.mih_values import Value

TIMEOUT = 100 * MILLISECOND
"""From the first transmission to the second, ns; doubles each time."""
TRANSMISSIONS = 6
"""That a message is given up after: a link needs a second or two for its addresses (DAD)."""
REMEMBERED = 10 * SECOND
"""For how long a message that came is known to have come, ns."""

_Key = tuple[IPv6Address, int]


class _Timer(Enum):
    REPEAT = 1
    FORGET = 2


@dataclass
class _Pending:
    message: MihMessage
    about: str
    timeout: int
    transmissions: int = 1


class Transactions:
    """What one MIH function has asked and answered; peers are known by address."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = 0
        self._pending: dict[_Key, _Pending] = {}
        self._answers: dict[_Key, MihMessage | None] = {}
        self._deadlines: Deadlines[tuple[_Timer, _Key]] = Deadlines()

    def start(
        self,
        kind: Kind,
        opcode: Opcode,
        peer: tuple[IPv6Address, str],
        values: tuple[Value, ...],
        about: str,
        now: int,
    ) -> list[Action]:
        """Send a request or an indication to a peer, its address and its identifier.

        ``about`` is the mobile node for whose sake.
        """
        address, identifier = peer
        self._last = (self._last + 1) % TRANSACTIONS
        message = MihMessage(
            kind, opcode, self._last, self._name, identifier, values, ack_requested=True
        )
        key = (address, self._last)
        self._pending[key] = _Pending(message, about, TIMEOUT)
        self._deadlines.set((_Timer.REPEAT, key), now + TIMEOUT)
        return _send(message, address)

    def take(
        self, message: MihMessage, source: IPv6Address, now: int
    ) -> tuple[str | None, list[Action]]:
        """A message came in: what to do at once, and, if it is news, about whom.

        That is, of a response, whom the request was about, and else who sent it. A request that is
        news is to be answered by ``answer``.
        """
        key = (source, message.transaction)
        if message.acknowledges:
            return self._acknowledged(message, key)
        if key in self._answers:
            answer = self._answers[key]
            return None, _send(answer, source) if answer is not None else []
        self._remember(key, None, now)
        actions: list[Action] = [_received(message, source)]
        if message.opcode is Opcode.INDICATION and message.ack_requested:
            actions += self._send_answer(_acknowledgement(message, self._name), key, now)
        return message.source, actions

    def answer(
        self, request: MihMessage, source: IPv6Address, values: tuple[Value, ...], now: int
    ) -> list[Action]:
        """Respond to a request that was news."""
        response = replace(
            _acknowledgement(request, self._name), opcode=Opcode.RESPONSE, values=values
        )
        return self._send_answer(response, (source, request.transaction), now)

    def timer(self, now: int) -> list[Action]:
        """Send again what is not acknowledged; give up what was sent often enough."""
        actions: list[Action] = []
        for timer, key in self._deadlines.due(now):
            if timer is _Timer.FORGET:
                del self._answers[key]
                continue
            pending = self._pending[key]
            if pending.transmissions == TRANSMISSIONS:
                del self._pending[key]
                actions.append(Log("mih_unanswered", _fields(pending.message)))
                continue
            pending.transmissions += 1
            pending.timeout *= 2
            self._deadlines.set((_Timer.REPEAT, key), now + pending.timeout)
            actions += _send(pending.message, key[0])
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _acknowledged(self, message: MihMessage, key: _Key) -> tuple[str | None, list[Action]]:
        pending = self._pending.get(key)
        expected = Opcode.INDICATION
        if pending is not None and pending.message.opcode is Opcode.REQUEST:
            expected = Opcode.RESPONSE
        if pending is None or (message.kind, message.opcode) != (pending.message.kind, expected):
            return None, []
        del self._pending[key]
        self._deadlines.cancel((_Timer.REPEAT, key))
        about = pending.about if expected is Opcode.RESPONSE else None
        return about, [_received(message, key[0])]

    def _send_answer(self, answer: MihMessage, key: _Key, now: int) -> list[Action]:
        self._remember(key, answer, now)
        return _send(answer, key[0])

    def _remember(self, key: _Key, answer: MihMessage | None, now: int) -> None:
        self._answers[key] = answer
        self._deadlines.set((_Timer.FORGET, key), now + REMEMBERED)


def _acknowledgement(message: MihMessage, name: str) -> MihMessage:
    return replace(
        message,
        source=name,
        destination=message.source,
        values=(),
        ack_requested=False,
        acknowledges=True,
    )


def _send(message: MihMessage, destination: IPv6Address) -> list[Action]:
    fields = _fields(message) | {"destination": destination}
    return [SendMih(message, destination), Log("mih_sent", fields)]


def _received(message: MihMessage, source: IPv6Address) -> Log:
    """Say that a message came."""
    return Log("mih_received", _fields(message) | {"source": source})


def _fields(message: MihMessage) -> dict[str, Any]:
    name = mih.name(message.kind, message.opcode)
    return {"message": name, "transaction": message.transaction}
