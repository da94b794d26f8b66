"""How the CMD tells the previous MARs where a mobile node is, and keeps telling until they know."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address

from agents.core import SECOND, Action
from agents.deadlines import Deadlines
from agents.mobility.binding import AnchorTask, Binding
from agents.mobility.config import CmdConfig, Variant
from agents.mobility.messages import Acknowledgement, Anchor, anchor_update
from agents.mobility.retransmission import PendingUpdate
from agents.mobility.signalling import send
from agents.wire.sequence_numbers import next_sequence

PATIENCE = 3
"""PBUs without an answer after which a previous MAR holds up no handover any more."""


class Informer:
    """The PBUs of a CMD to previous MARs; at most one a binding and MAR waits for its PBA."""

    def __init__(self, config: CmdConfig) -> None:
        self._config = config
        self._deadlines: Deadlines[tuple[str, IPv6Address]] = Deadlines()
        """When which mobile node's PBU is sent again to which MAR."""

    def next_deadline(self) -> int | None:
        """When a PBU is to be sent again."""
        return self._deadlines.next()

    def due(self, now: int) -> Iterator[tuple[str, IPv6Address]]:
        """The mobile nodes and MARs whose PBU is to be sent again by now."""
        return self._deadlines.due(now)

    def tell(
        self, binding: Binding, anchor: Anchor, serving: IPv6Address | None, now: int, asks: bool
    ) -> list[Action]:
        """Start to tell a previous MAR where the mobile node is (None: gone)."""
        lifetime = 0 if serving is None else binding.lifetime
        sequence = next_sequence(binding.update_sequence)
        pending = PendingUpdate(
            binding.timestamp, lifetime, sequence, sequence, self._config.initial_timeout
        )
        give_up = now + binding.lifetime * SECOND
        before = binding.tasks.get(anchor.address)
        if before is not None and before.pending.timestamp == pending.timestamp:
            give_up = min(give_up, before.give_up)  # the serving MAR repeats itself: nothing new
        task = AnchorTask(anchor, serving, asks, pending, give_up)
        binding.tasks[anchor.address] = task
        return self._send(binding, task, now)

    def tell_again(self, binding: Binding, task: AnchorTask, now: int) -> list[Action]:
        """No PBA came in time."""
        if now >= task.give_up:
            self.stop(binding, task.anchor.address)
            return []
        sequence = next_sequence(binding.update_sequence)
        task.pending.sent_again(sequence, self._config.maximum_timeout)
        task.transmissions += 1
        return self._send(binding, task, now)

    def stop(self, binding: Binding, peer: IPv6Address) -> None:
        """This peer knows, or need not know."""
        if binding.tasks.pop(peer, None) is not None:
            self._deadlines.cancel((binding.identifier, peer))

    @staticmethod
    def is_answer(binding: Binding, answer: Acknowledgement, source: IPv6Address) -> bool:
        """Whether this PBA is what a previous MAR was to send."""
        task = binding.tasks.get(source)
        return task is not None and task.pending.answered_by(answer.sequence, answer.timestamp)

    def _send(self, binding: Binding, task: AnchorTask, now: int) -> list[Action]:
        pending = task.pending
        binding.update_sequence = pending.last
        key = (binding.identifier, task.anchor.address)
        self._deadlines.set(key, now + pending.timeout)
        is_locator = self._config.variant is Variant.LOCATOR and task.serving is not None
        message = anchor_update(
            binding.identifier,
            task.anchor,
            task.serving,
            sequence=pending.last,
            lifetime=pending.lifetime,
            timestamp=pending.timestamp,
            asks=task.asks,
            anchors=binding.previous() if is_locator else (),
        )
        return send(message, binding.identifier, task.anchor.address)
