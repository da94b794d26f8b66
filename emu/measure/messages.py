"""Control messages of a run: who sent each, and who received it, matched over all captures.

The same packet is seen leaving its sender, and again on every router's interfaces that it crosses.
Its bytes stay the same but for the hop limit: the sightings with the highest hop limit that go out
are the sending, those with the lowest that come in are the receipt. Bytes that are sent again (a
retransmission, a repeated advertisement) are a message of their own.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from emu.measure import packets, pcapng
from emu.measure.packets import Message
from emu.measure.pcapng import Capture
from emu.measure.run import Run


@dataclass(frozen=True)
class Sighting:
    """A message as one interface saw it; CLOCK_MONOTONIC ns."""

    time_ns: int
    node: str
    outbound: bool
    message: Message


@dataclass(frozen=True)
class Transfer:
    """One sending of a message and where it arrived."""

    message: Message
    sender: str
    sent_ns: int
    receipts: tuple[tuple[str, int], ...]
    """(node, received_ns) of each node that got it; empty: lost, or received out of sight."""


def sightings(capture: Capture) -> list[Sighting]:
    """The control messages of a capture; none of a tunnel device, whose underlay shows them."""
    offset = _offset(capture.comment)
    found = []
    for packet in capture.packets:
        interface = capture.interfaces[packet.interface]
        if interface.link_type != pcapng.ETHERNET or packet.direction == pcapng.UNKNOWN:
            continue
        message = packets.parse(packet.data, interface.link_type, packet.length)
        if message is not None:
            outbound = packet.direction == pcapng.OUTBOUND
            found.append(
                Sighting(packet.time_ns - offset, interface.description, outbound, message)
            )
    return found


def _offset(comment: str) -> int:
    try:
        return int(json.loads(comment)["realtime_offset_ns"])
    except (ValueError, KeyError, TypeError):
        return 0  # a damaged capture: its times are of no use, its messages still count


def match(seen: Iterable[Sighting]) -> list[Transfer]:
    """The transfers behind the sightings, in order of sending."""
    groups: defaultdict[bytes, list[Sighting]] = defaultdict(list)
    for sighting in seen:
        groups[sighting.message.key].append(sighting)
    transfers = [transfer for group in groups.values() for transfer in _of_one_key(group)]
    return sorted(transfers, key=lambda transfer: transfer.sent_ns)


def _of_one_key(group: list[Sighting]) -> Iterable[Transfer]:
    out = [sighting for sighting in group if sighting.outbound]
    if not out:
        return
    start = max(sighting.message.hop_limit for sighting in out)
    sendings = sorted(
        (sighting for sighting in out if sighting.message.hop_limit == start),
        key=lambda sighting: sighting.time_ns,
    )
    into = sorted((s for s in group if not s.outbound), key=lambda sighting: sighting.time_ns)
    for at, sending in enumerate(sendings):
        again = sendings[at + 1].time_ns if at + 1 < len(sendings) else None
        mine = [
            s
            for s in into
            if s.time_ns >= sending.time_ns
            and (again is None or s.time_ns < again)
            and s.node != sending.node
        ]
        end = min((s.message.hop_limit for s in mine), default=0)
        receipts = {s.node: s.time_ns for s in reversed(mine) if s.message.hop_limit == end}
        ordered = tuple(sorted(receipts.items(), key=lambda receipt: receipt[1]))
        yield Transfer(sending.message, sending.node, sending.time_ns, ordered)


def of_run(run: Run) -> list[Transfer]:
    """The control messages of a run."""
    return match(seen for capture in run.captures for seen in sightings(capture))
