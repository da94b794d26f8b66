"""Groups of nodes: ``phones: {role: mn, count: 20, attach: mar1}`` stands for phones1 … phones20.

A group is written out before anything else is read: in a list its name stands for all of its nodes;
an entry of traffic, events or services that names it alone stands for one entry a node. What is
wrong with such an entry is said of the line that there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from emu.scenario.errors import Path, Problem

MOST_IN_A_GROUP = 1000
MOST_ENTRIES = 20_000
"""Of traffic, events or services, once they are written out."""
_ALONE: dict[str, tuple[str, ...]] = {
    "traffic": ("from", "to", "node"),
    "events": ("handover", "detach", "join", "leave", "crash", "restart"),
    "services": ("node", "from", "to"),
}
"""The keys that have one node."""
_LISTS: dict[str, tuple[str, ...]] = {
    "traffic": ("to", "only_source"),
    "events": ("partition", "heal"),
    "services": (),
}
"""The keys that have several, in a list."""
_TO_SEVERAL = ("multicast", "i3")
"""Kinds of traffic whose ``to`` is a list; a group alone is one, too."""

Groups = dict[str, list[str]]


@dataclass
class Expanded:
    """A scenario's plain data without groups, and where each part of it is written."""

    value: Any
    problems: list[Problem] = field(default_factory=list)
    _origins: dict[Path, Path] = field(default_factory=dict)

    def as_written(self, problems: list[Problem]) -> list[Problem]:
        """The problems of this data at the places in the file, each place of a group's once."""
        found: dict[Path | Problem, Problem] = {}
        of_groups = set(self._origins.values())
        for one in problems:
            problem = Problem(self._origin(one.path), one.text)
            is_of_group = not of_groups.isdisjoint((problem.path[:2], problem.path[:4]))
            found.setdefault(problem.path if is_of_group else problem, problem)
        return list(found.values())

    def _origin(self, path: Path) -> Path:
        for length in (4, 2):
            if path[:length] in self._origins:
                return (*self._origins[path[:length]], *path[length:])
        return path

    def moved(self, new: Path, old: Path) -> None:
        """What is at ``new`` is written at ``old``."""
        if new != old:
            self._origins[new] = old


def expand(value: Any) -> Expanded:
    """Write the groups of a scenario out; what is no group, or a wrong one, stays as it is."""
    nodes = value.get("nodes") if isinstance(value, dict) else None
    if not isinstance(nodes, dict):
        return Expanded(value)
    groups = _groups(nodes)
    if not groups:
        return Expanded(value)
    done = Expanded({**value})
    done.value["nodes"] = _nodes(nodes, groups, done)
    for section in _ALONE:
        entries = value.get(section)
        if not isinstance(entries, (list, dict)):
            continue
        written = list(islice(_entries(section, entries, groups, done), MOST_ENTRIES + 1))
        if len(written) > MOST_ENTRIES:
            text = f"is more than {MOST_ENTRIES} entries with its groups written out; write fewer"
            done.problems.append(Problem((section,), text))
            break
        is_list = isinstance(entries, list)
        done.value[section] = [entry for _, entry in written] if is_list else dict(written)
    return done


def _groups(nodes: dict[Any, Any]) -> Groups:
    """The groups by their names, with the names of their nodes."""
    found = {}
    for name, node in nodes.items():
        count = str(node.get("count")) if isinstance(node, dict) else ""
        if count.isdecimal() and 1 <= int(count[:9]) <= MOST_IN_A_GROUP:
            found[str(name)] = [f"{name}{number}" for number in range(1, int(count[:9]) + 1)]
    return found


def _nodes(nodes: dict[str, Any], groups: Groups, done: Expanded) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for name, node in nodes.items():
        members = groups.get(name, [name])
        if name in groups:
            node = {key: value for key, value in node.items() if key != "count"}
        for member in members:
            if member in written or (member != name and member in nodes):
                text = f"makes {member}, which is a node already; choose another name"
                done.problems.append(Problem(("nodes", name), text))
                break
            written[member] = node
            done.moved(("nodes", member), ("nodes", name))
    return written


def _entries(
    section: str, entries: list[Any] | dict[str, Any], groups: Groups, done: Expanded
) -> Iterator[tuple[Any, Any]]:
    """Each entry with its name, or its index."""
    index = 0
    pairs = enumerate(entries) if isinstance(entries, list) else entries.items()
    for old, entry in pairs:
        for name, written in _written(section, old, entry, groups):
            new = index if isinstance(entries, list) else name
            index += 1
            done.moved((section, new), (section, old))
            yield new, _lists(section, (section, new), (section, old), written, groups, done)


def _written(section: str, name: Any, entry: Any, groups: Groups) -> Iterator[tuple[Any, Any]]:
    """An entry for each node of the group that it names alone; or itself."""
    keys = _ALONE[section] if isinstance(entry, dict) else ()
    key = next((key for key in keys if _is_group(entry.get(key), groups)), None)
    if key is None or (key == "to" and entry.get("kind") in _TO_SEVERAL):
        yield name, entry
        return
    for number, member in enumerate(groups[entry[key]], 1):
        one = {**entry, key: member}
        if isinstance(entry.get("name"), str):
            one["name"] = f"{entry['name']}-{member}"
        yield from _written(section, f"{name}{number}", one, groups)


def _lists(section: str, new: Path, old: Path, entry: Any, groups: Groups, done: Expanded) -> Any:
    """The entry with every group in its lists written out."""
    if not isinstance(entry, dict):
        return entry
    written = dict(entry)
    for key in _LISTS[section]:
        names = written.get(key)
        if _is_group(names, groups):
            names = [names]
        if not isinstance(names, list):
            continue
        members: list[Any] = []
        for place, name in enumerate(names):
            for member in groups[name] if _is_group(name, groups) else [name]:
                done.moved((*new, key, len(members)), (*old, key, place))
                members.append(member)
        written[key] = members
    return written


def _is_group(name: Any, groups: Groups) -> bool:
    return isinstance(name, str) and name in groups
