"""State machines: the documents are drawn from the tables, and the code keeps to them."""

from __future__ import annotations

import importlib.util
import re
from enum import Enum
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agents.mipv6 import update_list
from agents.mobility import mag_sessions, sessions
from agents.multicast import querier
from agents.sctp import association
from agents.transitions import NoSuchTransition, StateMachine, Transition

ROOT = Path(__file__).resolve().parents[2]
MACHINES: dict[str, tuple[StateMachine[Any], type[Enum]]] = {
    "agents.mobility.sessions:LIFE": (sessions.LIFE, sessions.Phase),
    "agents.mobility.mag_sessions:LIFE": (mag_sessions.LIFE, mag_sessions.MagPhase),
    "agents.mipv6.update_list:LIFE": (update_list.LIFE, update_list.Phase),
    "agents.multicast.querier:LIFE": (querier.LIFE, querier.Role),
    "agents.sctp.association:LIFE": (association.LIFE, association.State),
}


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    """The command that draws."""
    path = ROOT / "docs/site/state_machines.py"
    spec = importlib.util.spec_from_file_location("state_machines", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_documents_show_what_the_code_has(drawing: ModuleType) -> None:
    shown = []
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        assert drawing.drawn(text) == text, f"{page}: .venv/bin/python docs/site/state_machines.py"
        shown += [f"{place['module']}:{place['table']}" for place in drawing.PLACE.finditer(text)]
    assert sorted(shown) == sorted(MACHINES)


def test_a_diagram_that_is_not_as_the_table_is_drawn_anew(drawing: ModuleType) -> None:
    head = "<!-- drawn from agents.sctp.association:LIFE -->\n\n```mermaid\n"
    assert drawing.drawn(f"{head}old\n```\nrest\n").endswith("SHUTDOWN COMPLETE\n```\nrest\n")


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_is_reached_and_left(name: str) -> None:
    machine, states = MACHINES[name]
    reached = {way.after for way in machine.transitions if way.before is not way.after}
    left = {way.before for way in machine.transitions}
    assert reached - {None} == left - {None} == set(states)
    assert len({(way.before, way.after, way.when) for way in machine.transitions}) == len(
        machine.transitions
    )


@pytest.mark.parametrize("name", MACHINES)
def test_there_are_no_other_ways(name: str) -> None:
    machine, states = MACHINES[name]
    allowed = {(way.before, way.after) for way in machine.transitions}
    for before, after in product(states, repeat=2):
        if before is after or (before, after) in allowed:
            assert machine.follow(before, after) is after
        else:
            with pytest.raises(NoSuchTransition, match=f"from {before.name} to {after.name}"):
                machine.follow(before, after)


def test_the_code_moves_by_the_table_alone() -> None:
    """Nobody sets a phase or a state past it."""
    for folder in ("agents/mipv6", "agents/mobility", "agents/multicast", "agents/sctp"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for line in re.findall(r"^.*\.(?:phase|state|role) = .*$", text, re.MULTILINE):
                ours = not re.search(
                    r"= LmaPhase\.|binding\.phase = phase|role = Role\.QUERIER", line
                )
                assert not ours or "LIFE.follow" in line, f"{path}: {line}"


def test_a_diagram_names_both_ends() -> None:
    class Light(Enum):
        RED = "red"
        GREEN = "green"

    machine = StateMachine(
        (
            Transition(None, Light.RED, "on"),
            Transition(Light.RED, Light.GREEN, "free"),
            Transition(Light.GREEN, None, "off"),
        )
    )
    assert [*machine.drawn()] == [
        "stateDiagram-v2",
        "    [*] --> RED: on",
        "    RED --> GREEN: free",
        "    GREEN --> [*]: off",
    ]
