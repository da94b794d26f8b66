"""What happened to each flow over a whole run: losses, duplicates, reordering, delay.

``received`` counts every packet once; ``duplicated`` counts the further copies; ``reordered``
counts packets that came after one with a higher number (RFC 4737 section 3.3). ``sent`` is what the
receiver could have got: a listener counts from the first packet that reached it after it joined,
and what was already on the way when it left does not count. TCP has no losses to count (None); its
arrivals are stream positions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emu.measure.stream import RECEIVED, SEQUENCE, WITH_MEMBERS, Stream, delays, like


def describe(stream: Stream) -> dict[str, Any]:
    """A flow's entry in the record."""
    flow, rows = stream.flow, stream.arrivals
    entry: dict[str, Any] = {key: flow[key] for key in ("flow", "kind", "protocol", "from", "to")}
    interval = flow["interval_ns"]
    entry["interval_ms"] = None if interval is None else interval / 1e6
    if stream.is_tcp:
        entry |= {"sent": None, "received": None, "lost": None}
    else:
        got = int(np.isin(stream.expected, rows[:, SEQUENCE]).sum())
        sent = len(stream.expected)
        entry |= {"sent": sent, "received": got, "lost": sent - got}
    entry["duplicated"] = int((~stream.first_copies).sum())
    entry["reordered"] = int(stream.reordered.sum())
    entry["delay_ms"] = delays(rows)
    if like(flow) in WITH_MEMBERS:
        entry["join_ms"] = _join_delay(stream)
    if like(flow) == "iperf3":
        entry |= _iperf_sums(stream)
    local = [e for e in stream.run.of_kind("flow_started") if e.get("flow") == flow["flow"]]
    entry["local_address"] = local[0]["local"] if local else None
    return entry


def _join_delay(stream: Stream) -> float | None:
    """From the first join, or the first packet if that is later, to the first arrival, in ms."""
    if not len(stream.arrivals):
        return None
    sent = stream.run.rows(stream.flow["sent"])
    since = max(stream.windows[0][0], int(sent[0, 2]) if len(sent) else 0)
    return max(0, int(stream.arrivals[0, RECEIVED]) - since) / 1e6


def _iperf_sums(stream: Stream) -> dict[str, Any]:
    rate = stream.iperf_sum("receiver").get("bits_per_second")
    return {
        "goodput_mbit_s": None if rate is None else rate / 1e6,
        "retransmits": stream.iperf_sum("sender").get("retransmits"),
    }
