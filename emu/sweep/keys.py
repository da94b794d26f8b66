"""Keys that lead to values of a scenario: ``topology.backhaul.delay``, ``events[handover].gap``.

Brackets choose entries of a list: ``[2]`` the third, ``[*]`` all, and ``[word]`` those that have
the key ``word`` (a kind of event) or ``kind: word`` (a kind of traffic).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from emu.scenario.errors import quote

_PART = re.compile(r"([A-Za-z0-9_-]+)((?:\[[A-Za-z0-9_*-]+\])*)")
_BRACKET = re.compile(r"\[([^]]+)\]")
_EXAMPLE = "write one such as topology.backhaul.delay or events[handover].gap"


class KeyProblem(ValueError):
    """A key leads nowhere; str() says why and what would be right."""


def steps(key: str) -> list[str]:
    """The steps of a key: a name to go into a mapping, ``[…]`` to go into a list."""
    found: list[str] = []
    for part in key.split("."):
        match = _PART.fullmatch(part)
        if match is None:
            raise KeyProblem(f"{quote(key)} is not a key; {_EXAMPLE}")
        found += [match[1], *(f"[{inside}]" for inside in _BRACKET.findall(match[2]))]
    return found


def put(document: dict[str, object], key: str, value: object) -> None:
    """Set a value of a scenario's plain data, and make the mappings on the way to it."""
    *way, last = steps(key)
    holders: list[object] = [document]
    for at, step in enumerate(way):
        makes_mapping = not [*way, last][at + 1].startswith("[")
        holders = [inner for holder in holders for inner in _into(holder, step, makes_mapping)]
    if not holders:
        raise KeyProblem(f"{quote(key)} is nowhere in the scenario; {_EXAMPLE}")
    for holder in holders:
        _set(holder, last, value, key)


def _into(holder: object, step: str, makes_mapping: bool) -> Iterator[object]:
    if step.startswith("["):
        for index in _chosen(holder, step[1:-1]):
            assert isinstance(holder, list)
            yield holder[index]
    elif isinstance(holder, dict):
        if makes_mapping and holder.get(step) is None:
            holder[step] = {}
        if step in holder:
            yield holder[step]


def _set(holder: object, step: str, value: object, key: str) -> None:
    if step.startswith("["):
        for index in _chosen(holder, step[1:-1]):
            assert isinstance(holder, list)
            holder[index] = value
    elif isinstance(holder, dict):
        holder[step] = value
    else:
        raise KeyProblem(f"{quote(key)} goes into what is not a mapping; {_EXAMPLE}")


def _chosen(holder: object, word: str) -> list[int]:
    """The indices of the entries that a word in brackets means."""
    if not isinstance(holder, list):
        return []
    if word.isdigit():
        return [int(word)] if int(word) < len(holder) else []
    return [index for index, entry in enumerate(holder) if word == "*" or _is(entry, word)]


def _is(entry: object, word: str) -> bool:
    return isinstance(entry, dict) and (word in entry or entry.get("kind") == word)
