"""The events of a scenario happen in order, on a machine that is late as well."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

from emu.happenings import Happenings
from emu.scenario.events import Detach, Handover

MS = 1_000_000
HELD_UP_S = 0.05


class HeldUpRadio:
    """Each change takes longer than the scenario leaves for it; nothing may happen meanwhile."""

    def __init__(self, places: dict[str, str]) -> None:
        self.places = places
        self.seen: list[str] = []
        self._busy = set[str]()

    async def attach(self, mn: str, mar: str) -> None:
        await self._change(mn, f"{mn} attaches to {mar}")
        self.places[mn] = mar

    async def announce(self, mn: str, to: str) -> None:
        await self._change(mn, f"{mn} is to move from {self.places[mn]} to {to}")

    async def move(self, mn: str, to: str, gap: int, carrier: str) -> None:
        await self._change(mn, f"{mn} moves from {self.places.pop(mn)} to {to}")
        self.places[mn] = to

    async def detach(self, mn: str) -> None:
        await self._change(mn, f"{mn} leaves {self.places.pop(mn)}")

    async def _change(self, mn: str, what: str) -> None:
        assert mn not in self._busy, f"{what} during another change"
        self._busy.add(mn)
        self.seen.append(what)
        await asyncio.sleep(HELD_UP_S)
        self._busy.remove(mn)


def played(*events: Handover | Detach) -> list[str]:
    places = {"mn1": "mar1", "mn2": "mar1"}
    radio = HeldUpRadio(places)
    topology = SimpleNamespace(access=SimpleNamespace(carrier="drop"))
    lab = SimpleNamespace(radio=radio, places=places, scenario=SimpleNamespace(topology=topology))

    async def play() -> None:
        happenings = Happenings(lab, None, time.monotonic_ns())  # type: ignore[arg-type]
        await asyncio.gather(*map(happenings.happen, events))

    asyncio.run(play())
    return radio.seen


def handover(at: str, mn: str, to: str, **more: str) -> Handover:
    return Handover(at=at, handover=mn, to=to, **more)  # type: ignore[arg-type]


def test_a_change_of_a_node_waits_for_the_one_before() -> None:
    seen = played(
        handover("1ms", "mn1", "mar2"),
        handover("2ms", "mn1", "mar3"),
        Detach(at="3ms", detach="mn1"),  # type: ignore[arg-type]
        handover("4ms", "mn1", "mar1"),
    )
    assert seen == [
        "mn1 moves from mar1 to mar2",
        "mn1 moves from mar2 to mar3",
        "mn1 leaves mar3",
        "mn1 attaches to mar1",
    ]


def test_so_does_its_announcement() -> None:
    seen = played(handover("1ms", "mn1", "mar2"), handover("10ms", "mn1", "mar3", announced="5ms"))
    assert seen == [
        "mn1 moves from mar1 to mar2",
        "mn1 is to move from mar2 to mar3",
        "mn1 moves from mar2 to mar3",
    ]


def test_other_nodes_do_not_wait() -> None:
    began = [
        line.split()[0]
        for line in played(
            handover("1ms", "mn1", "mar2"),
            handover("2ms", "mn1", "mar3"),
            handover("2ms", "mn2", "mar2"),
        )
    ]
    assert began == ["mn1", "mn2", "mn1"]
