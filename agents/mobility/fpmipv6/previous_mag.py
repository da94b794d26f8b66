"""The previous MAG's part: what comes for a node that leaves is kept, or goes to the next MAG."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import Action
from agents.mobility.fpmipv6 import context as contexts
from agents.mobility.fpmipv6.context import Context
from agents.mobility.fpmipv6.exchange import Exchange, is_answer, send
from agents.mobility.fpmipv6.handover_mag import HandoverMag
from agents.mobility.fpmipv6.handovers import Departure, FastMagConfig, Timer
from agents.mobility.mag_sessions import MagPhase
from agents.wire.fast_handover import (
    AcknowledgeFlag,
    Code,
    HandoverAcknowledge,
    HandoverInitiate,
    InitiateFlag,
)
from agents.wire.mobility_options import Timestamp


class PreviousMag:
    """Of the nodes that leave, or have left."""

    def __init__(self, config: FastMagConfig, mag: HandoverMag, exchange: Exchange) -> None:
        self._config = config
        self._mag = mag
        self._exchange = exchange
        self._deadlines = exchange.deadlines
        self._departures: dict[str, Departure] = {}

    def going_down(self, identifier: str, to: IPv6Address, now: int) -> list[Action]:
        """A mobile node is about to be handed over to another MAG (a Link_Going_Down trigger)."""
        actions = self._mag.going_down(identifier, to, now)
        context = self._context(identifier)
        if (
            not actions
            or context is None
            or not self._config.predictive
            or not self._exchange.is_peer(to)
        ):
            return actions
        actions += self.end(identifier, now)
        departure = Departure(to, contexts.announcement(context, self._exchange.next()))
        self._departures[identifier] = departure
        self._deadlines.set((identifier, Timer.LEAVING), now + self._config.lifetime)
        return actions + self.announce(identifier, now)

    def detach(self, identifier: str, now: int) -> list[Action]:
        """A mobile node went off the access link: keep what comes for it, or forward it."""
        session = self._mag.session(identifier)
        if session is None or not session.is_attached:
            return []
        actions = self._mag.leave(identifier, now)
        if session.phase is not MagPhase.FORWARDING:
            return actions + self.end(identifier, now)
        self._departures.setdefault(identifier, Departure())
        self._deadlines.set((identifier, Timer.LEAVING), now + self._config.lifetime)
        return actions

    def announce(self, identifier: str, now: int) -> list[Action]:
        """Tell the next MAG, again and again until it answers."""
        departure = self._departures[identifier]
        assert departure.message is not None
        assert departure.peer is not None
        self._deadlines.set((identifier, Timer.ANNOUNCE), now + departure.timeout)
        departure.timeout *= 2
        return send(departure.message, identifier, departure.peer)

    def asked(
        self, message: HandoverInitiate, identifier: str, source: IPv6Address, now: int
    ) -> list[Action]:
        """A node is at another MAG, which asks for it (section 4.1, steps c to e, section 4.2)."""
        context = self._context(identifier)
        if context is None or not _is_later(message, context.timestamp):
            code = Code.CONTEXT_NOT_AVAILABLE
            return send(contexts.answer(message, code), identifier, source)
        actions = self._mag.leave(identifier, now)
        departure = self._departures.setdefault(identifier, Departure())
        if departure.peer not in (None, source):  # it was announced to another one
            actions += self._complete(identifier, departure)
        self._deadlines.cancel((identifier, Timer.ANNOUNCE))
        forwards = bool(message.flags & InitiateFlag.F)
        # A question that comes late does not stop what was asked for after it.
        forwards |= departure.forwards and departure.peer == source
        departure.peer, departure.message, departure.forwards = source, None, forwards
        self._deadlines.set((identifier, Timer.LEAVING), now + self._config.lifetime)
        # What was kept goes before the acknowledgement, and so before what comes by the LMA.
        actions += self._mag.hand_over(identifier, source, forwards=forwards)
        code = Code.ALL_CONTEXT_TRANSFERRED
        return actions + send(contexts.answer(message, code, context), identifier, source)

    def come_back(self, identifier: str) -> list[Action]:
        """A node that has left is here again."""
        departure = self._drop_departure(identifier)
        return self._complete(identifier, departure) if departure else []

    def end(self, identifier: str, now: int) -> list[Action]:
        """Nothing is forwarded any more: by now the LMA knows where the node is, or it is here."""
        departure = self._drop_departure(identifier)
        if departure is None:
            return []
        done = self._complete(identifier, departure)
        return done + self._mag.end_forwarding(identifier, now)

    def is_answered(self, message: HandoverAcknowledge, mn: str, source: IPv6Address) -> bool:
        """Whether a message answers the announcement of a node."""
        departure = self._departures.get(mn)
        return departure is not None and is_answer(
            message, departure.message, source, departure.peer
        )

    def accepted(self, message: HandoverAcknowledge, identifier: str) -> list[Action]:
        """The next MAG expects the node, or does not."""
        departure = self._departures[identifier]
        self._deadlines.cancel((identifier, Timer.ANNOUNCE))
        peer, departure.message = departure.peer, None
        if peer is None or not (message.accepted and message.flags & AcknowledgeFlag.F):
            departure.peer = None
            return []
        departure.forwards = True
        return self._mag.hand_over(identifier, peer, forwards=True)

    def _context(self, identifier: str) -> Context | None:
        """What is known of a node that is here, or was here last."""
        session = self._mag.session(identifier)
        if session is None or session.prefix is None:
            return None
        if not session.is_attached and session.phase is not MagPhase.FORWARDING:
            return None
        address = session.mobile_node.link_layer_address
        return Context(identifier, address, session.prefix, self._config.lma, session.timestamp)

    def _drop_departure(self, identifier: str) -> Departure | None:
        for timer in (Timer.ANNOUNCE, Timer.LEAVING):
            self._deadlines.cancel((identifier, timer))
        return self._departures.pop(identifier, None)

    def _complete(self, identifier: str, departure: Departure) -> list[Action]:
        """Tell the next MAG; if that gets lost, its own timer will do."""
        if departure.peer is None:
            return []
        return send(
            contexts.completion(identifier, self._exchange.next()), identifier, departure.peer
        )


def _is_later(message: HandoverInitiate, timestamp: int) -> bool:
    """Whether an HI tells of a later attachment; one that does not say when is believed."""
    said = message.option(Timestamp)
    return said is None or said.time > timestamp
