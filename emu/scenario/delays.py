"""A file of delays between the sites of an internet: a matrix of round-trip times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emu.scenario.errors import Problem, quote
from emu.scenario.model import Scenario

Delays = list[list[int]]
"""One way, ns, by the rows of the sites that a packet goes from and to."""
LARGEST_FILE = 16 << 20
LONGEST_MS = 20_000
_KEY = ("topology", "delays")


class WrongDelays(Exception):
    """A file that has no delays; the text says what is wrong, and what would be right."""


def read(path: Path) -> Delays:
    """The delays in a file: N lines of N round-trip times in ms; half of each is one way.

    What is behind a ``#`` is a comment. Raises `WrongDelays` for what is no such file.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise WrongDelays("is larger than 16 MiB; write at most some hundred sites")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise WrongDelays(f"{reason.lower()}; name a file of round-trip times") from None
    rows = [(number, line.partition("#")[0].split()) for number, line in enumerate(lines, 1)]
    rows = [(number, words) for number, words in rows if words]
    if not rows:
        raise WrongDelays("has no round-trip times; write N lines of N of them, in ms")
    return [_row(number, words, len(rows)) for number, words in rows]


def check_delays(scenario: Scenario, folder: Path) -> Iterator[Problem]:
    """The problem of a file of delays that cannot be read, or has too few sites."""
    file = scenario.topology.delays
    if file is None:
        return
    if Path(file).is_absolute() or ".." in Path(file).parts:
        where = "write the path of a file from there on"
        yield Problem(_KEY, f"{quote(file)} is not below the scenario's folder; {where}")
        return
    try:
        number = len(read(folder / file))
    except WrongDelays as wrong:
        yield Problem(_KEY, f"{file}: {wrong}")
        return
    for name, node in scenario.nodes.items():
        if node.site is not None and node.site > number:
            text = f"{file} has {number} sites; write 1 to {number}"
            yield Problem(("nodes", name, "site"), f"{node.site} is too large: {text}")


def sites(scenario: Scenario, number: int) -> dict[str, int]:
    """Each node's site, a row of the file from 0 on: its own, or one after the other in turn."""
    return {
        name: index % number if node.site is None else node.site - 1
        for index, (name, node) in enumerate(scenario.nodes.items())
    }


def _row(number: int, words: list[str], length: int) -> list[int]:
    if len(words) != length:
        expected = f"and {length} lines; write as many of each"
        raise WrongDelays(f"line {number} has {len(words)} numbers, {expected}")
    return [_one_way(number, word) for word in words]


def _one_way(number: int, word: str) -> int:
    try:
        round_trip = float(word)
    except ValueError:
        round_trip = -1
    if not 0 <= round_trip <= LONGEST_MS:
        remedy = f"a round-trip time in ms, 0 to {LONGEST_MS}"
        raise WrongDelays(f"line {number}: {quote(word)} is not {remedy}; write such as 35.2")
    return int(round_trip * 1e6 / 2)
