"""What the signalling cost: messages and bytes of each type, each counted once, where it was sent.

Bytes are those of IPv6 packets, with the outer header of a tunnel, without link-layer headers. A
message that crosses several links counts once.
"""

from __future__ import annotations

from collections.abc import Iterable

from emu.measure.messages import Transfer

Cost = dict[str, dict[str, int]]


def cost(transfers: Iterable[Transfer]) -> Cost:
    """{type: {"messages", "bytes"}}."""
    total: Cost = {}
    for transfer in transfers:
        entry = total.setdefault(transfer.message.type, {"messages": 0, "bytes": 0})
        entry["messages"] += 1
        entry["bytes"] += transfer.message.length
    return dict(sorted(total.items()))
