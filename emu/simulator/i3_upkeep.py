"""What it takes to keep a tree: refreshes of triggers, and repairs of lost packets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from agents.core import MILLISECOND, SECOND
from agents.i3.keeping import Key
from agents.wire.i3 import Insert, Message, is_endpoint
from emu.simulator.i3 import Host
from emu.simulator.i3_session import Session


@dataclass(frozen=True)
class Refreshes:
    """Refreshes of one trigger of the tree in a refresh period (figure 12)."""

    mean: float
    most: float
    """Of the trigger that has most."""


def refreshes(session: Session, period: int, periods: int) -> Refreshes:
    """Count the refreshes of the triggers between identifiers while time goes on."""
    counts: Counter[Key] = Counter()

    def count(message: Message, host: Host) -> None:
        if isinstance(message, Insert) and not is_endpoint(message.target):
            counts[message.identifier, message.target] += 1

    session.overlay.sent = count
    session.run(periods * period)
    session.overlay.sent = None
    # Dummy triggers, by which members see whether their identifiers are full, are none of the tree.
    triggers = {key for _, member in session.in_tree for key in pairwise(member.chain)}
    each = np.array([counts[key] for key in triggers]) / periods
    return Refreshes(float(each.mean()), float(each.max()))


@dataclass(frozen=True)
class Repairs:
    """What losses cost (section 6.3); without losses, nothing."""

    losses: int
    not_repaired: int
    duplicates_per_loss: float
    requests_per_loss: float
    most_requests: float
    """Repair requests that the busiest receiver got, for each packet of the source."""
    waits_ms: tuple[float, ...]
    """From the discovery of each loss to its repair."""

    def share_within(self, milliseconds: float) -> float:
        """Of the repairs, those that took no longer."""
        return float(np.mean(np.array(self.waits_ms) <= milliseconds)) if self.waits_ms else 1.0


WARM_UP = 40 * SECOND
"""Until members know their loss rates, and have told; ns."""


def repairs(session: Session, lost: Callable[[Host, Host], bool], time: int) -> Repairs:
    """Have datagrams be lost for some time, and count what came of it."""
    session.overlay.lost = lost
    session.run(WARM_UP)
    members = [member for _, member in session.in_tree]
    before = [member.repairs.counters.snapshot() for member in members]
    packets = session.source[1].sent
    session.run(time)
    packets = session.source[1].sent - packets
    session.overlay.lost = None
    session.run(10 * SECOND)
    spent = [m.repairs.counters.since(b) for m, b in zip(members, before, strict=True)]
    losses = sum(one.losses for one in spent)
    return Repairs(
        losses=losses,
        not_repaired=sum(one.given_up for one in spent) + sum(m.repairs.missing for m in members),
        duplicates_per_loss=sum(one.duplicates for one in spent) / max(losses, 1),
        requests_per_loss=sum(one.requests_sent for one in spent) / max(losses, 1),
        most_requests=max(one.requests_received for one in spent) / packets,
        waits_ms=tuple(wait / MILLISECOND for one in spent for wait in one.waits),
    )
