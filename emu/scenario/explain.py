"""What the schema found wrong, in words: problems for pydantic's errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from emu.scenario.errors import Path, Problem, nearest, one_of, quote, suggest
from emu.scenario.events import EVENTS
from emu.scenario.mobility import Mobility, whole
from emu.scenario.model import Scenario
from emu.scenario.overlay import OVERLAYS
from emu.scenario.population import OCCURRENCES, VirtualScenario
from emu.scenario.section import Section
from emu.scenario.services import SERVICES
from emu.scenario.traffic import flows

_OVERLAY = "overlay"
"""It is of several kinds; pydantic puts the kind after the key."""
_KINDS_IN_VIRTUAL_TIME: Mapping[str | int, Mapping[str, type[Section]]] = {"events": OCCURRENCES}
_NOUNS = {"traffic": "traffic", "services": "service"}

_NOT_BOOLEAN = {"bool_type", "bool_parsing"}
_NOT_WHOLE = {"int_type", "int_parsing", "int_parsing_size", "int_from_float"}


@dataclass(frozen=True)
class _Place:
    """Where an error is: its path, the section that holds it, and the section it should be."""

    path: Path
    holder: type[Section]
    section: type[Section]


def explain(details: Sequence[ErrorDetails], root: type[Section] = Scenario) -> list[Problem]:
    """The problems that pydantic's errors stand for; ``root`` is what was validated.

    A key that is missing because it is misspelt is one problem, not two.
    """
    misspelt = {_meant(detail, root) for detail in details if detail["type"] == "extra_forbidden"}
    return [
        _explain(detail, root)
        for detail in details
        if detail["type"] != "missing" or _place(detail, root).path not in misspelt
    ]


def _meant(detail: ErrorDetails, root: type[Section]) -> Path | None:
    """The path of the key that an unknown one is likely to stand for."""
    place = _place(detail, root)
    near = nearest(str(place.path[-1]), _keys(place.holder))
    return (*place.path[:-1], near) if near else None


def _explain(detail: ErrorDetails, root: type[Section]) -> Problem:
    place = _place(detail, root)
    kind, value, key = detail["type"], detail["input"], str(place.path[-1])
    if len(place.path) == 2 and place.path[0] in _kinds(root):
        return _unknown_kind(place.path, value, _kinds(root)[place.path[0]])
    if kind == "missing":
        example = _keys(place.holder)[key].examples or ["…"]
        return Problem(place.path, f"is missing; write {key}: {example[0]}")
    if kind == "extra_forbidden":
        return Problem(place.path, f"unknown key; {suggest(key, _keys(place.holder))}")
    if kind == "value_error":
        return Problem(place.path, str(detail["ctx"]["error"]))
    complaint, remedy = _wrong_value(detail, place.section)
    return Problem(place.path, f"{'has no value' if value is None else complaint}; {remedy}")


def _wrong_value(detail: ErrorDetails, section: type[Section]) -> tuple[str, str]:
    """What is wrong with a value of the wrong type or size, and what would be right."""
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    shown = quote(value)
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        return f"{shown} is not one of the choices", suggest(str(value), choices)
    if kind in _NOT_BOOLEAN:
        return f"{shown} is not a switch", "write true or false"
    if kind in _NOT_WHOLE:
        return f"{shown} is not a whole number", "write a number such as 3"
    if kind == "greater_than_equal":
        return f"{value} is too small", f"write {context['ge']} or more"
    if kind == "less_than_equal":
        return f"{value} is too large", f"write {context['le']} or less"
    if kind == "string_type":
        return f"{shown} is not a name", "write a single word"
    if kind == "tuple_type":
        return f"{shown} is not a list", "write its entries in brackets or after dashes"
    if kind == "too_short":
        return "the list is empty", "write at least one entry"
    if kind == "dict_type":
        entry = "{key: value, …}" if _keys(section) else "value"
        return f"{shown} is not a mapping", f"write NAME: {entry} for each"
    if kind == "model_type":
        return (
            f"{shown} is not a mapping",
            f"write {{key: value, …}} (keys: {', '.join(_keys(section))})",
        )
    return f"{shown} does not fit", f"write what the schema asks for ({detail['msg']})"


def _kinds(root: type[Section]) -> Mapping[str | int, Mapping[str, type[Section]]]:
    """What has entries of several kinds; pydantic puts the kind after the index or the name."""
    if issubclass(root, VirtualScenario):
        return _KINDS_IN_VIRTUAL_TIME
    return {"traffic": flows(), "events": EVENTS, "services": SERVICES}


def _unknown_kind(path: Path, value: object, known: Mapping[str, type[Section]]) -> Problem:
    """An entry of traffic, events or services that says no kind, or an unknown one."""
    if not isinstance(value, dict):
        complaint = "has no value" if value is None else f"{quote(value)} is not a mapping"
        return Problem(path, f"{complaint}; write {{key: value, …}}")
    if path[0] == "events":
        wrong = next((key for key in value if nearest(key, known)), "")
        return Problem(path, f"does not say what happens; {suggest(wrong, known)}")
    if value.get("kind") is None:
        return Problem((*path, "kind"), f"is missing; write {one_of(known)}")
    complaint = f"{quote(value['kind'])} is not a kind of {_NOUNS[str(path[0])]}"
    return Problem((*path, "kind"), f"{complaint}; {suggest(str(value['kind']), known)}")


def _place(detail: ErrorDetails, root: type[Section]) -> _Place:
    location = detail["loc"]
    if location[-1] == "[key]" and detail["type"] == "value_error":
        location = location[:-1]
    path: Path = ()
    section = root
    if len(location) > 2 and location[0] in _kinds(root):
        path, section = location[:2], _kinds(root)[location[0]][str(location[2])]
        location = location[3:]
    elif location[0] == _OVERLAY and issubclass(root, Scenario):
        path, section = location[:1], OVERLAYS[str(location[1])]
        location = location[2:]
    holder = section
    in_entry = False  # the part is a name in a mapping or an index in a list, whatever it spells
    for part in location:
        path, holder = (*path, part), section
        field = None if in_entry else _keys(section).get(str(part))
        in_entry = field is not None and get_origin(field.annotation) in (dict, tuple)
        section = _section_in(field.annotation) if field else section
    return _Place(path, holder, section)


def _keys(section: type[Section]) -> dict[str, FieldInfo]:
    """The keys that a section has in a file, and the field of each."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _section_in(annotation: Any) -> type[Section]:
    """The first section in a type; plain `Section`, which has no keys, when there is none."""
    if annotation is Mobility:
        return whole()
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    inner = (_section_in(argument) for argument in get_args(annotation))
    return next((section for section in inner if section is not Section), Section)
