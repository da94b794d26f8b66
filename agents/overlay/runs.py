"""Datagrams that came together: those that go the same way, and follow one another, at once.

A run is data of one sender in one version of a tree, with counters and sequence numbers that are
consecutive, and packets of one DSCP and ECN field. What is true of its first is true of all.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.overlay.interface import ROOM
from agents.overlay.sealing import Sealer
from agents.wire.overlay import DATA_HEAD, VERSION, Data, MemberId

_DATAGRAM = struct.Struct("!12sQ17sQ2s")
"""Header but for its counter, counter, body's head but for the sequence number, sequence number,
and what begins each packet of a run, in which DSCP and ECN are."""
_SHORTEST = ROOM + 20
"""Anything shorter is a heartbeat, or no packet."""


@dataclass(slots=True)
class Run:
    """Datagrams as they came, and what is in them behind room for another header."""

    head: bytes
    counter: int
    """Of the first one."""
    tree_head: bytes
    sequence: int
    """Of the first one."""
    mark: bytes
    datagrams: list[memoryview]
    framed: list[memoryview]

    @property
    def sender(self) -> MemberId:
        """Who says that it sent them."""
        return MemberId(self.head[4:])

    @property
    def tree(self) -> tuple[MemberId, int, int]:
        """Root, tree, version."""
        _, root, tree, version, _ = DATA_HEAD.unpack(self.tree_head + bytes(8))
        return MemberId(root), tree, version

    @property
    def is_data(self) -> bool:
        """Whether it is of this protocol, and of data."""
        return self.head[0] == VERSION and self.tree_head[0] == Data.TYPE


def runs(datagrams: Sequence[memoryview], sealer: Sealer) -> Iterator[Run | memoryview]:
    """What came together as runs, and between them what is to be looked at by itself."""
    run: Run | None = None
    for datagram, frame in zip(datagrams, sealer.open_run(datagrams), strict=True):
        if frame is None or len(frame) < _SHORTEST:
            if run is not None:
                yield run
                run = None
            yield datagram
            continue
        head, counter, tree_head, sequence, mark = _DATAGRAM.unpack_from(frame)
        if run is not None:
            done = len(run.framed)
            if (
                counter == run.counter + done
                and sequence == run.sequence + done
                and tree_head == run.tree_head
                and head == run.head
                and mark == run.mark
            ):
                run.datagrams.append(datagram)
                run.framed.append(frame)
                continue
            yield run
        run = Run(head, counter, tree_head, sequence, mark, [datagram], [frame])
    if run is not None:
        yield run
