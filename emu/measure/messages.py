"""Control messages of a run: who sent each, and who received it, matched over all captures.

The same packet is seen leaving its sender, and again on every router's interfaces that it crosses.
Its bytes stay the same but for the hop limit: the sightings with the highest hop limit that go out
are the sending, those with the lowest that come in are the receipt. Bytes that are sent again (a
retransmission, a repeated advertisement) are a message of their own. What a router takes out of a
tunnel, or puts into one, and sends on is no new message: it goes on.

Two nodes may send the same bytes on links of their own, as all MAGs have one link-local and one
link-layer address there (RFC 5213 section 6.9.3): who receives them has heard its neighbour.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from emu.measure import packets, pcapng
from emu.measure.packets import Message
from emu.measure.pcapng import Capture
from emu.measure.places import Places
from emu.measure.run import Run

Neighbours = Callable[[str, str, int], bool]
"""Whether two nodes were on one link at a time (CLOCK_MONOTONIC ns)."""


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
    hops: int
    """Links on the way to each of them."""


def sightings(capture: Capture) -> list[Sighting]:
    """The control messages of a capture; none of a tunnel device, whose underlay shows them."""
    offset = realtime_offset(capture.comment)
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


def realtime_offset(comment: str) -> int:
    """CLOCK_REALTIME minus CLOCK_MONOTONIC in ns, from a capture's comment."""
    try:
        return int(json.loads(comment)["realtime_offset_ns"])
    except (ValueError, KeyError, TypeError):
        return 0  # a damaged capture: its times are of no use, its messages still count


def match(seen: Iterable[Sighting], are_neighbours: Neighbours | None = None) -> list[Transfer]:
    """The transfers behind the sightings, in order of sending."""
    groups: defaultdict[bytes, list[Sighting]] = defaultdict(list)
    for sighting in seen:
        groups[sighting.message.key].append(sighting)
    transfers = [
        transfer for group in groups.values() for transfer in _of_one_key(group, are_neighbours)
    ]
    return _joined(sorted(transfers, key=lambda transfer: transfer.sent_ns))


def _joined(transfers: Iterable[Transfer]) -> list[Transfer]:
    """Those in whose course a tunnel begins or ends are one each.

    What has a link-local source is never sent on: who says the same is another node.
    """
    whole: list[Transfer] = []
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    for transfer in transfers:
        same = places[transfer.message.carried]
        before = [at for at in same if _goes_on(whole[at], transfer)]
        if before:
            first = whole[before[-1]]
            others = [receipt for receipt in first.receipts if receipt[0] != transfer.sender]
            receipts = (*others, *transfer.receipts)
            whole[before[-1]] = replace(first, receipts=receipts, hops=first.hops + transfer.hops)
        else:
            same.append(len(whole))
            whole.append(transfer)
    return whole


def _goes_on(first: Transfer, then: Transfer) -> bool:
    """Whether a node sends on, with another outer header or with none, what has come to it."""
    came = any(node == then.sender and ns <= then.sent_ns for node, ns in first.receipts)
    return came and first.message.key != then.message.key and not _is_local(first.message)


def _is_local(message: Message) -> bool:
    return message.source.startswith("fe80:")


def _of_one_key(group: list[Sighting], are_neighbours: Neighbours | None) -> Iterable[Transfer]:
    out = [sighting for sighting in group if sighting.outbound]
    if not out:
        return
    start = max(sighting.message.hop_limit for sighting in out)
    end = min((sighting.message.hop_limit for sighting in group), default=start)
    sendings = [s for s in _in_time(out) if s.message.hop_limit == start]
    receipts: list[list[tuple[str, int]]] = [[] for _ in sendings]
    final = [s for s in _in_time(group) if not s.outbound and s.message.hop_limit == end]
    one_hop = are_neighbours if start == end else None
    for (node, senders), times in _heard(final, {s.node for s in sendings}, one_hop).items():
        heard = [at for at, sending in enumerate(sendings) if sending.node in senders]
        for at, time_ns in _pairs([sendings[at].time_ns for at in heard], times):
            receipts[heard[at]].append((node, time_ns))
    for sending, got in zip(sendings, receipts, strict=True):
        ordered = tuple(sorted(got, key=lambda receipt: receipt[1]))
        yield Transfer(sending.message, sending.node, sending.time_ns, ordered, start - end + 1)


def _heard(
    receipts: list[Sighting], senders: set[str], are_neighbours: Neighbours | None
) -> dict[tuple[str, frozenset[str]], list[int]]:
    """The times at which each node received what, as far as one can tell, some of the senders sent.

    These are its neighbours just then, if it has one among them; else all but itself.
    """
    heard: defaultdict[tuple[str, frozenset[str]], list[int]] = defaultdict(list)
    for receipt in receipts:
        others = frozenset(senders - {receipt.node})
        near = (
            frozenset(s for s in others if are_neighbours(s, receipt.node, receipt.time_ns))
            if are_neighbours and len(others) > 1
            else others
        )
        heard[receipt.node, near or others].append(receipt.time_ns)
    return heard


def _in_time(seen: list[Sighting]) -> list[Sighting]:
    return sorted(seen, key=lambda sighting: sighting.time_ns)


def _pairs(sent: list[int], received: list[int]) -> list[tuple[int, int]]:
    """(index of the sending, time of receipt) of equal packets at one node.

    When as many came as were sent, each is paired in order. Otherwise some were lost, and a receipt
    belongs to the last sending before it that has none yet.
    """
    in_order = list(enumerate(received))
    if len(sent) == len(received) and all(time >= sent[at] for at, time in in_order):
        return in_order
    pairs: dict[int, int] = {}
    for time in received:
        open_before = [at for at, when in enumerate(sent) if when <= time and at not in pairs]
        if open_before:
            pairs[open_before[-1]] = time
    return list(pairs.items())


def of_run(run: Run) -> list[Transfer]:
    """The control messages of a run."""
    seen = (sighting for capture in run.captures for sighting in sightings(capture))
    return match(seen, Places(run).are_neighbours)
