"""What a kind of traffic declares of itself, and which there are: ``kind`` names one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, cast

from emu.extensions import Registry, is_there
from emu.scenario.errors import Path, Problem

if TYPE_CHECKING:
    from emu.scenario.model import Scenario
    from emu.scenario.traffic import Flow
    from emu.traffic.plan import Entry, Planner


def _nothing(scenario: Scenario, flow: Any, path: Path) -> tuple[()]:
    return ()


@dataclass(frozen=True, kw_only=True)
class TrafficKind:
    """One kind of traffic. Its name is the one under which it is registered."""

    keys: type[Flow]
    """Those of an entry of a scenario's traffic, its ``kind`` among them."""
    plan: str
    """``module:function`` that gives a run (`emu.traffic.plan.Planner`) the processes and flows of
    an entry; it is imported when there is a run."""
    programs: tuple[str, ...]
    """The modules of these processes; each has a ``main``, and is imported before they fork."""
    check: Callable[[Scenario, Any, Path], Iterable[Problem]] = _nothing
    """What a scenario must keep that has such an entry, at that path."""

    def load_plan(self) -> Callable[[Planner, Entry[Any]], None]:
        """The function that ``plan`` names."""
        return cast("Callable[[Planner, Entry[Any]], None]", EntryPoint("", self.plan, "").load())

    def faults(self) -> Iterator[str]:
        """What the declaration refers to and is not there, one line each."""
        for module in (self.plan.partition(":")[0], *self.programs):
            if not is_there(module):
                yield f"there is no module {module}"


TRAFFIC = Registry(
    "kind of traffic",
    "emu.traffic",
    TrafficKind,
    {
        name: f"emu.scenario.traffic_kinds:{name.upper()}"
        for name in ("multicast", "ping", "iperf3", "program", "i3")
    },
)
"""Those of the toolkit, and those of other packages."""
