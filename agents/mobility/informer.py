"""How the CMD tells the previous MARs where a mobile node is, and keeps telling until they know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address

from agents.core import SECOND, Action
from agents.deadlines import Deadlines
from agents.mobility.anchors import Anchor
from agents.mobility.binding import AnchorTask, Binding
from agents.mobility.config import CmdConfig, Variant
from agents.mobility.messages import Acknowledgement, anchor_update
from agents.mobility.sending import send
from agents.wire.sequence_numbers import next_sequence

PATIENCE = 3
"""PBUs without an answer after which a previous MAR holds up no handover any more."""


class Informer:
    """The PBUs of a CMD to previous MARs; at most one a binding and MAR waits for its PBA."""

    def __init__(self, config: CmdConfig) -> None:
        self._config = config
        self._deadlines: Deadlines[AnchorTask] = Deadlines()
        """When its PBU is sent again."""

    def next_deadline(self) -> int | None:
        """When a PBU is to be sent again."""
        return self._deadlines.next()

    def due(self, now: int) -> Iterator[AnchorTask]:
        """What is to be sent again by now."""
        return self._deadlines.due(now)

    def tell(
        self,
        binding: Binding,
        anchor: Anchor,
        serving: IPv6Address | None,
        now: int,
        asks: bool,
        previous: list[Anchor] | None = None,
    ) -> list[Action]:
        """Start to tell a previous MAR where the mobile node is (None: gone).

        ``previous`` are the binding's, from who has them at hand.
        """
        lifetime = 0 if serving is None else binding.lifetime
        sequence = next_sequence(binding.update_sequence)
        give_up = now + binding.lifetime * SECOND
        before = binding.tasks.get(anchor.address)
        if before is not None:
            self._deadlines.cancel(before)
            if before.timestamp == binding.timestamp:
                # The serving MAR repeats itself: nothing new.
                give_up = min(give_up, before.give_up)
        task = AnchorTask(
            binding.timestamp,
            lifetime,
            sequence,
            sequence,
            self._config.initial_timeout,
            binding.identifier,
            anchor,
            serving,
            asks,
            give_up,
        )
        binding.tasks[anchor.address] = task
        return self._send(binding, task, now, previous)

    def tell_again(self, binding: Binding, task: AnchorTask, now: int) -> list[Action]:
        """No PBA came in time."""
        if now >= task.give_up:
            self.stop(binding, task.anchor.address)
            return []
        sequence = next_sequence(binding.update_sequence)
        task.sent_again(sequence, self._config.maximum_timeout)
        task.transmissions += 1
        return self._send(binding, task, now)

    def stop(self, binding: Binding, peer: IPv6Address) -> None:
        """This peer knows, or need not know."""
        task = binding.tasks.pop(peer, None)
        if task is not None:
            self._deadlines.cancel(task)

    @staticmethod
    def is_answer(binding: Binding, answer: Acknowledgement, source: IPv6Address) -> bool:
        """Whether this PBA is what a previous MAR was to send."""
        task = binding.tasks.get(source)
        return task is not None and task.answered_by(
            answer.sequence, answer.timestamp, answer.status
        )

    def _send(
        self, binding: Binding, task: AnchorTask, now: int, previous: list[Anchor] | None = None
    ) -> list[Action]:
        named: Iterable[Anchor] = ()
        if self._config.variant is Variant.LOCATOR and task.serving is not None:
            named = binding.previous() if previous is None else previous
        binding.update_sequence = task.last
        self._deadlines.set(task, now + task.timeout)
        message = anchor_update(
            task.identifier,
            task.anchor,
            task.serving,
            task.last,
            task.lifetime,
            task.timestamp,
            task.asks,
            named,
        )
        return send(message, task.identifier, task.anchor.address)
