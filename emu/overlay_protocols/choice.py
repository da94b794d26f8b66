"""An overlay protocol and what it is told, as a file names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agents.overlay.data_path import Capacity
from agents.overlay.interface import Overlay, Place
from emu.overlay_protocols import registry
from emu.overlay_protocols.alm import Alm
from emu.overlay_protocols.data_paths import PYTHON
from emu.scenario.errors import Problem
from emu.scenario.explain import explain
from emu.scenario.section import Section


class WrongChoice(ValueError):
    """There is no such protocol, or it has no such options; ``problems`` say what is right."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(str(problems))
        self.problems = problems


@dataclass(frozen=True)
class Choice:
    """A protocol with its options."""

    alm: Alm
    options: Section

    def in_kernel(self, data_path: str) -> Capacity | None:
        """What programs are to be ready for in the data path of that name.

        `WrongChoice`: the protocol has no such data path.
        """
        if data_path == PYTHON:
            return None
        if self.alm.in_kernel is None:
            text = f"the protocol has no data path {data_path}; write {PYTHON}, or leave it out"
            raise WrongChoice([Problem(("data_path",), text)])
        return self.alm.in_kernel(self.options)

    def make(self, place: Place) -> Overlay:
        """The core of a member."""
        return self.alm.make(place, self.options)


def choose(key: str, name: str, options: Mapping[str, Any], folder: Path) -> Choice:
    """The protocol that ``key`` names, with what stands in ``options`` beside it; `WrongChoice`.

    Files of a user's own are in the folder.
    """
    try:
        alm = registry.find(name, folder)
    except ValueError as error:
        raise WrongChoice([Problem((key,), str(error))]) from None
    try:
        return Choice(alm, alm.options.model_validate(options))
    except ValidationError as error:
        found = explain(error.errors(), alm.options)
        problems = [Problem(("options", *problem.path), problem.text) for problem in found]
        raise WrongChoice(problems) from None
