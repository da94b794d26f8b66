"""What a mobility scheme declares of itself: all that the toolkit has to know of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, cast

from emu.extensions import is_there
from emu.scenario.errors import Problem
from emu.scenario.section import Section
from emu.schemes.messages import NONE, Messages
from topologies.parameters import CMD, Centre, Extra

if TYPE_CHECKING:
    from emu.analysis.journey import Tasks
    from emu.scenario.model import Scenario
    from emu.schemes.agents import Agents
    from emu.simulator.schedule import Schedule


def _nothing(scenario: Scenario) -> tuple[()]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """One mobility scheme. Its name is the one under which the registry has it."""

    title: str
    """What it is called, in a table."""
    source: str
    """The RFC or the section of a paper that describes it."""
    programs: Mapping[str, Collection[str]]
    """By the role of nodes: the modules of the agents that may run there; each has a ``main``."""
    agents: str
    """``module:Class`` of the subclass of `emu.schemes.agents.Agents` that configures them."""
    prediction: str = ""
    """``module:function`` that says which equations hold in a handover (`emu.analysis.journey`);
    empty: there are none."""
    virtual: str = ""
    """``module:function`` that plays an `emu.simulator.schedule.Schedule` in virtual time, and
    returns what is wrong in the end, a line each; empty: there is none."""
    messages: Messages = NONE
    """Its control messages, as captures and reports have them."""
    keys: tuple[type[Section], ...] = ()
    """The keys that a scenario's ``mobility`` has for it, besides those of every scheme."""
    check: Callable[[Scenario], Iterable[Problem]] = _nothing
    """What a scenario that names it must keep besides."""
    multicast: tuple[str, ...] = ("none",)
    """The multicast schemes that go with it; the first is its default."""
    centre: Centre = CMD
    """What stands in the middle of the topology."""
    links: Callable[[Scenario], Collection[str]] = _nothing
    """The keys of ``topology`` whose links are there only with it: ``home``, ``standby``."""
    nodes: Callable[[Scenario], Sequence[Extra]] = _nothing
    """The nodes that it has beside the centre, which MARs have links to."""
    second_domain: Callable[[Scenario], Sequence[str]] = _nothing
    """The access routers of another operator, whose links to the centre lead to one of his own."""
    restartable: Callable[[Scenario], Sequence[str]] = _nothing
    """The nodes whose agent may crash, and be started again."""
    caches: Callable[[Scenario], Sequence[str]] = _nothing
    """The nodes that anchor prefixes of mobile nodes, and may have a cache."""
    i3_clients: bool = False
    """Whether mobile nodes may be in a group on i3: their agents are i3 clients then."""
    features: Callable[[Scenario], Collection[str]] = _nothing
    """The kernel's features that it needs (`emu.doctor.FEATURES`), besides those of all."""

    def load_agents(self) -> type[Agents]:
        """The class that ``agents`` names; ValueError if there is none."""
        from emu.schemes.agents import Agents

        found = self._load("agents")
        if not (isinstance(found, type) and issubclass(found, Agents)):
            raise ValueError(f"agents: {self.agents} is no subclass of {Agents.__module__}.Agents")
        return found

    def load_prediction(self) -> Tasks | None:
        """What ``prediction`` names; ValueError if there is none."""
        return cast("Tasks | None", self._function("prediction"))

    def load_virtual(self) -> Callable[[Schedule], list[str]] | None:
        """What ``virtual`` names; ValueError if there is none."""
        return cast("Callable[[Schedule], list[str]] | None", self._function("virtual"))

    def faults(self) -> Iterator[str]:
        """What the declaration refers to and is not there, one line each."""
        for load in (self.load_agents, self.load_prediction):
            try:
                load()
            except ValueError as error:
                yield str(error)
        named = [("programs", module) for those in self.programs.values() for module in those]
        if self.virtual:
            named.append(("virtual", self.virtual.partition(":")[0]))
        for part, module in named:
            if not is_there(module):
                yield f"{part}: there is no module {module}"

    def _function(self, part: str) -> object:
        """The function that a field refers to, if it does; ValueError if there is none."""
        if not getattr(self, part):
            return None
        found = self._load(part)
        if not callable(found):
            raise ValueError(f"{part}: {getattr(self, part)} is no function")
        return cast(object, found)

    def _load(self, part: str) -> Any:
        """What a field refers to; ValueError, with its name, if that is not there."""
        reference: str = getattr(self, part)
        try:
            return EntryPoint(part, reference, "").load()
        except (ImportError, AttributeError, ValueError) as error:
            raise ValueError(f"{part}: {reference} cannot be loaded ({error})") from None
