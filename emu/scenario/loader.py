"""From a file to a scenario: read, parse, validate and check it, or say all that is wrong."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from emu.measure.metrics import METRICS
from emu.scenario.channel_policies import POLICIES
from emu.scenario.checks import check
from emu.scenario.document import Document
from emu.scenario.errors import Problem, ScenarioError, dotted
from emu.scenario.explain import explain
from emu.scenario.files import check_files
from emu.scenario.groups import expand
from emu.scenario.mobility import whole
from emu.scenario.model import Scenario
from emu.scenario.multicast_scheme import MULTICAST_SCHEMES
from emu.scenario.population import SCENARIOS, VirtualScenario
from emu.scenario.population import check as check_population
from emu.scenario.section import Section
from emu.scenario.traffic_kind import TRAFFIC
from emu.topologies import TOPOLOGIES

_Section = TypeVar("_Section", bound=Section)


class Unsound(Exception):
    """Data that makes no scenario, and each reason."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


LARGEST_FILE = 1 << 20
"""Bytes; far more than any scenario, so that a wrong file is refused at once."""


def load_section(path: Path, kind: type[_Section]) -> tuple[Document, _Section]:
    """A configuration file of its own, of this kind; raises `ScenarioError` if it is none."""
    document = Document.parse(read(path), str(path))
    refuse(document, document.problems)
    try:
        return document, kind.model_validate(document.value)
    except ValidationError as error:
        raise ScenarioError(lines(document, explain(error.errors(), kind))) from None


def load(path: Path) -> Scenario:
    """The scenario in a file; raises `ScenarioError` when none can be run."""
    return parse(read(path), str(path))


def load_any(path: Path) -> Scenario | VirtualScenario:
    """The same of a scenario that may be one for virtual time only."""
    data = read(path)
    document = _document(data, str(path))
    if _topology_kind(document.value) not in SCENARIOS:
        return parse(data, str(path))
    try:
        return build_any(document.value)
    except Unsound as error:
        raise ScenarioError(lines(document, error.problems)) from None


def parse(data: bytes, file: str) -> Scenario:
    """The scenario in the bytes of a file, which errors call by the name given."""
    document = _document(data, file)
    kind = _topology_kind(document.value)
    if kind in SCENARIOS:
        text = f"{kind} is for virtual time; play it with emu simulate"
        refuse(document, [Problem(("topology", "kind"), text)])
    try:
        scenario = build(document.value)
    except Unsound as error:
        raise ScenarioError(lines(document, error.problems)) from None
    refuse(document, check_files(scenario, Path(file).parent))
    return scenario


def _document(data: bytes, file: str) -> Document:
    document = Document.parse(data, file)
    refuse(document, document.problems)
    refuse_other(document, "axes", "belongs to a matrix, not a scenario; run it with emu sweep")
    return document


def _topology_kind(value: object) -> str:
    """What a scenario's plain data says of its topology's kind, if it does."""
    topology = value.get("topology") if isinstance(value, dict) else None
    return str(topology.get("kind")) if isinstance(topology, dict) else ""


def build(value: object) -> Scenario:
    """The scenario that plain data says; raises `Unsound` when none can be run."""
    _refuse_other_packages()
    data = expand(value)
    if data.problems:
        raise Unsound(data.problems)
    try:
        scenario = Scenario.model_validate(data.value)
    except ValidationError as error:
        raise Unsound(data.as_written(explain(error.errors()))) from None
    if problems := check(scenario):
        raise Unsound(data.as_written(problems))
    return scenario


def _refuse_other_packages() -> None:
    """Raise `Unsound` for a declaration, of an installed package, that every scenario would use."""
    kinds: list[tuple[str, Callable[[], object]]] = [
        ("mobility", whole),
        ("topology", TOPOLOGIES.all),
        ("multicast", MULTICAST_SCHEMES.all),
        ("multicast", POLICIES.all),
        ("traffic", TRAFFIC.all),
        ("metrics", METRICS.all),
    ]
    for key, read in kinds:
        try:
            read()
        except ValueError as error:
            raise Unsound([Problem((key,), str(error))]) from None


def build_any(value: object) -> Scenario | VirtualScenario:
    """The same of a scenario that may be one for virtual time only."""
    kind = SCENARIOS.get(_topology_kind(value))
    if kind is None:
        return build(value)
    try:
        scenario = kind.model_validate(value)
    except ValidationError as error:
        raise Unsound(explain(error.errors(), kind)) from None
    if problems := list(check_population(scenario)):
        raise Unsound(problems)
    return scenario


def read(path: Path) -> bytes:
    """The bytes of a YAML file; raises `ScenarioError` for what cannot be one."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ScenarioError([f"{path}: is a directory; name a scenario file in it"])
        if not stat.S_ISREG(mode):
            raise ScenarioError([f"{path}: is not a regular file; name a scenario file"])
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ScenarioError([f"{path}: {reason}; name a scenario file that can be read"]) from None
    if len(data) > LARGEST_FILE:
        raise ScenarioError([f"{path}: is larger than 1 MiB; a scenario is a short YAML file"])
    return data


def refuse(document: Document, problems: list[Problem]) -> None:
    """Raise `ScenarioError` if there are problems."""
    if problems:
        raise ScenarioError(lines(document, problems))


def refuse_other(document: Document, key: str, text: str) -> None:
    """Raise `ScenarioError` for a file of another kind, which a key at its top gives away."""
    if isinstance(document.value, dict) and key in document.value:
        refuse(document, [Problem((key,), text)])


def lines(document: Document, problems: list[Problem]) -> list[str]:
    """Each problem as a line, in the order of the file."""
    located = sorted(
        ((document.line(problem.path), problem) for problem in problems), key=lambda pair: pair[0]
    )
    return [
        f"{document.file}:{line}: " + ": ".join(filter(None, (dotted(problem.path), problem.text)))
        for line, problem in located
    ]
