"""What the signalling cost: messages and bytes of each type, each counted once, where it was sent.

Bytes are those of IPv6 packets, with the outer header of a tunnel, without link-layer headers. A
message that crosses several links counts once.
"""

from __future__ import annotations

from collections.abc import Iterable

from emu.measure.messages import Transfer
from emu.measure.packets import LINK_SCOPE_REPORT

Cost = dict[str, dict[str, int]]
ANY_HOSTS = ("RS", "RA", "NS", "NA", "Redirect", LINK_SCOPE_REPORT)
"""What every IPv6 link has, under any mobility scheme or none."""


def cost(transfers: Iterable[Transfer]) -> Cost:
    """{type: {"messages", "bytes"}}."""
    total: Cost = {}
    for transfer in transfers:
        entry = total.setdefault(transfer.message.type, {"messages": 0, "bytes": 0})
        entry["messages"] += 1
        entry["bytes"] += transfer.message.length
    return dict(sorted(total.items()))


def sums(costs: Cost) -> tuple[int, int]:
    """Messages and bytes of mobility and multicast signalling: all but what any host sends."""
    counted = [cost for kind, cost in costs.items() if kind not in ANY_HOSTS]
    return sum(cost["messages"] for cost in counted), sum(cost["bytes"] for cost in counted)
