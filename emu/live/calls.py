"""How calls sound while they go on, from captures that are still written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emu.measure.pcapng import Tail
from emu.scenario.services import Call
from emu.services import call_ports, kinds
from emu.services.call_packets import Datagram, datagrams
from emu.services.call_result import codec_of, way
from emu.voice import quality
from emu.voice.passage import Passage
from emu.voice.quality import STEP_NS, WINDOW_NS

SETTLED_NS = 1_500_000_000
"""A packet that is not in a capture so long after it was spoken was lost, or came too late."""
_HEARD_NS = 16_000_000_000
"""So much of a call goes into the next score: the jitter buffer goes by what it has seen."""
Score = dict[str, Any]


class RunningCall:
    """One call of a run."""

    def __init__(self, directory: Path, plan: dict[str, Any], name: str, call: Call) -> None:
        self._name, self._call = name, call
        self._ports = call_ports.of_record(plan["scenario"]["services"], name)
        self._origin = plan["t0_ns"]
        stop = plan["scenario"]["duration"] if call.stop is None else call.stop
        self._until = self._origin + stop
        self._captures = directory / "captures"
        self._tails: dict[str, list[Tail]] = {}
        self._seen: dict[str, list[Datagram]] = {call.from_: [], call.to: []}
        self._next: dict[str, int] = {}
        """When the next window of the voice of a node begins."""

    def poll(self, now: int) -> list[Score]:
        """The scores of both directions in the windows that are settled by now."""
        for node, seen in self._seen.items():
            self._read(node, seen, now)
        end = min(now - SETTLED_NS, self._until)
        if end < min(self._next.values(), default=0) + WINDOW_NS:
            return []
        (here, mine), (there, theirs) = self._seen.items()
        forth = way(self._call, mine, theirs, end)
        back = way(self._call, theirs, mine, end)
        return [*self._scores(here, there, forth, back, end),
                *self._scores(there, here, back, forth, end)]  # fmt: skip

    def _read(self, node: str, seen: list[Datagram], now: int) -> None:
        if not self._tails.get(node):
            paths = sorted(self._captures.glob(f"{node}-*.pcapng"))
            self._tails[node] = [Tail(path) for path in paths]
        seen += datagrams([tail.poll() for tail in self._tails[node]], node, self._ports)
        seen[:] = [datagram for datagram in seen if datagram.time_ns >= now - _HEARD_NS]

    def _scores(
        self, node: str, to: str, forth: list[Passage], back: list[Passage], end: int
    ) -> Iterator[Score]:
        """Of what a node has said; windows begin with its first word, as those of the record."""
        if not forth:
            return
        start = self._next.get(node, forth[0].sampled_ns)
        while start + WINDOW_NS <= end:
            spoken, answered = (
                quality.within(one, start, start + WINDOW_NS) for one in (forth, back)
            )
            score = quality.score(spoken, answered, codec_of(self._call))
            if score is not None and forth[0].sampled_ns <= start:
                at_s = round((start + WINDOW_NS // 2 - self._origin) / 1e9, 6)
                yield {"service": self._name, "from": node, "to": to, "at_s": at_s,
                       "mos": score.mos}  # fmt: skip
            start += STEP_NS
        self._next[node] = start


def calls_of(directory: Path, plan: dict[str, Any]) -> list[RunningCall]:
    """Those of a run; ``plan`` is what its conductor told of it when it began."""
    services = kinds.of_record(plan["scenario"].get("services") or {})
    return [
        RunningCall(directory, plan, one.name, one.service)
        for one in services
        if isinstance(one.service, Call)
    ]
