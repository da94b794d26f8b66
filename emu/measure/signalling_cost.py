"""What the signalling cost: messages and bytes of each type, each counted once, where it was sent.

Bytes are those of IPv6 packets, with the outer header of a tunnel, without link-layer headers. A
message that crosses several links counts once; its hops are those links, for each node that got it.
"""

from __future__ import annotations

from collections.abc import Iterable

from emu.measure.messages import Transfer
from emu.measure.packets import LINK_SCOPE_REPORT
from emu.schemes.registry import SCHEMES

Cost = dict[str, dict[str, int]]
ANY_HOSTS = ("RS", "RA", "NS", "NA", "Redirect", LINK_SCOPE_REPORT)
"""What every IPv6 link has, under any mobility scheme or none."""


def cost(transfers: Iterable[Transfer]) -> Cost:
    """{type: {"messages", "bytes", "hops"}}."""
    total: Cost = {}
    for transfer in transfers:
        entry = total.setdefault(transfer.message.type, {"messages": 0, "bytes": 0, "hops": 0})
        entry["messages"] += 1
        entry["bytes"] += transfer.message.length
        entry["hops"] += transfer.hops * len(transfer.receipts)
    return dict(sorted(total.items()))


def sums(costs: Cost) -> tuple[int, int]:
    """Messages and bytes of mobility and multicast signalling: all but what any host sends."""
    counted = [cost for kind, cost in costs.items() if kind not in ANY_HOSTS]
    return sum(cost["messages"] for cost in counted), sum(cost["bytes"] for cost in counted)


def binding(costs: Cost) -> tuple[int, int]:
    """Messages and hops of the bindings: the cost that the HDMM paper's equations 4 to 10 have."""
    binding = {kind for scheme in SCHEMES.all().values() for kind in scheme.messages.binding}
    counted = [cost for kind, cost in costs.items() if kind in binding]
    return sum(cost["messages"] for cost in counted), sum(cost["hops"] for cost in counted)
