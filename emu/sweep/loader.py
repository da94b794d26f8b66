"""From a file to a sweep: its matrix and every job in it, or all that is wrong."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from emu.measure.metrics import columns
from emu.scenario.document import Document
from emu.scenario.errors import Problem, ScenarioError, dotted
from emu.scenario.explain import explain
from emu.scenario.files import check_files, own_files
from emu.scenario.loader import (
    Unsound,
    build,
    build_any,
    lines,
    load,
    load_any,
    read,
    refuse,
    refuse_other,
)
from emu.scenario.model import Scenario
from emu.scenario.population import VirtualScenario
from emu.sweep.keys import KeyProblem, put
from emu.sweep.matrix import Axis, Matrix, check
from emu.sweep.rows import METRICS, OF_GROUP

AnyScenario = Scenario | VirtualScenario
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._+-]+")


@dataclass(frozen=True)
class Job:
    """One run of a sweep: a combination of the axes' values, and a seed."""

    name: str
    """Good as the name of a folder."""
    values: dict[str, Any]
    """The combination, by the columns of the table."""
    seed: int
    scenario: str
    """The scenario's text."""
    files: dict[str, str]
    """What the scenario needs beside it, by its path from there: a channel policy of one's own."""
    duration: int
    """Of the scenario, ns."""
    is_virtual: bool = False
    """Whether it is played in virtual time."""

    @property
    def digest(self) -> str:
        """Changes with anything that may change the result."""
        world = ["virtual"] if self.is_virtual else []
        parts = json.dumps([self.seed, self.scenario, self.files, *world])
        return hashlib.sha256(parts.encode()).hexdigest()


@dataclass(frozen=True)
class Plan:
    """A sweep that can be run."""

    matrix: Matrix
    scenario: AnyScenario
    """The one that everything starts from."""
    jobs: tuple[Job, ...]


def is_matrix(path: Path) -> bool:
    """Whether a YAML file is a matrix, not a scenario; raises `ScenarioError` if it is no YAML."""
    value = Document.parse(read(path), str(path)).value
    return isinstance(value, dict) and "axes" in value and "topology" not in value


def plan(path: Path) -> Plan:
    """The sweep in a file; raises `ScenarioError` when it cannot be run."""
    document = Document.parse(read(path), str(path))
    refuse(document, document.problems)
    refuse_other(document, "topology", "belongs to a scenario, not a matrix; run it with emu run")
    try:
        matrix = Matrix.model_validate(document.value)
    except ValidationError as error:
        raise ScenarioError(lines(document, explain(error.errors(), Matrix))) from None
    refuse(document, list(check(matrix, [*METRICS, *OF_GROUP, *columns()])))
    base = path.parent / matrix.scenario
    scenario = load_any(base) if matrix.world == "virtual" else load(base)
    data = Document.parse(read(base), str(base)).value
    assert isinstance(data, dict)
    jobs, problems = _expand(matrix, scenario, data, base.parent)
    refuse(document, problems)
    return Plan(matrix, scenario, tuple(jobs))


def _expand(
    matrix: Matrix, scenario: AnyScenario, data: dict[str, Any], folder: Path
) -> tuple[list[Job], list[Problem]]:
    """Every job, seed by seed so that an early end still has every combination."""
    jobs: list[Job] = []
    problems: dict[Problem, None] = {}
    for point in itertools.product(*(axis.settings() for axis in matrix.axes.values())):
        labels = dict(zip(matrix.axes, (label for label, _ in point), strict=True))
        changed = copy.deepcopy(data)
        try:
            for name, (label, settings) in zip(matrix.axes, point, strict=True):
                _apply(changed, settings, ("axes", name), label)
            built = _build(changed, folder, matrix.world)
        except _Wrong as error:
            problems[error.problem] = None
            continue
        except Unsound as error:
            where = ", ".join(f"{name} {label}" for name, label in labels.items())
            first = error.problems[0]
            text = f"with {where}: {matrix.scenario}: {dotted(first.path)}: {first.text}"
            problems[Problem(("axes",), text)] = None
            continue
        jobs += _jobs(matrix, scenario.seed, labels, changed, built, folder)
    jobs.sort(key=lambda job: job.seed)
    return jobs, list(problems)


def _build(data: dict[str, Any], folder: Path, world: str) -> AnyScenario:
    """One combination's scenario; raises `Unsound` when it cannot be run."""
    scenario = build_any(data) if world == "virtual" else build(data)
    if isinstance(scenario, VirtualScenario):
        return scenario
    problems = check_files(scenario, folder)
    if world == "virtual":
        problems += _unplayable(scenario)
    if problems:
        raise Unsound(problems)
    return scenario


def _unplayable(scenario: Scenario) -> list[Problem]:
    from emu.simulator.i3_lab import unplayable

    return [Problem((), f"{one}; sweep this with world: lab") for one in unplayable(scenario)]


def _files(scenario: AnyScenario, folder: Path) -> dict[str, str]:
    if isinstance(scenario, VirtualScenario):
        return {}
    return {file: (folder / file).read_text(encoding="utf-8") for file in own_files(scenario)}


class _Wrong(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def _apply(
    data: dict[str, Any], settings: dict[str, Any], path: tuple[str, ...], label: str
) -> None:
    for key, value in settings.items():
        try:
            put(data, key, value)
        except KeyProblem as error:
            raise _Wrong(Problem(path, str(error))) from None


def _jobs(
    matrix: Matrix,
    seed: int,
    labels: dict[str, str],
    data: dict[str, Any],
    built: AnyScenario,
    folder: Path,
) -> list[Job]:
    values = dict(_value(axis, name, labels[name]) for name, axis in matrix.axes.items())
    name = "+".join(_NOT_IN_A_NAME.sub("_", f"{axis}-{label}") for axis, label in labels.items())
    if len(name) > 100:
        name = hashlib.sha256(json.dumps(labels).encode()).hexdigest()[:16]
    text = yaml.safe_dump({**data, "repeat": 1}, allow_unicode=True, sort_keys=False)
    files, is_virtual = _files(built, folder), matrix.world == "virtual"
    return [
        Job(f"{name}+{number}", values, number, text, files, built.duration, is_virtual)
        for number in range(seed, seed + matrix.seeds)
    ]


def _value(axis: Axis, name: str, label: str) -> tuple[str, Any]:
    column, values = axis.column(name)
    return column, values[label]
