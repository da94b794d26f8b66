"""A pytest plugin: lab runs that were run again are counted, and named at the end.

A run is run again only when its fidelity says that the machine disturbed it.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

_OUTPUT = "reruns"
_noted: list[str] = []


def note(reason: str) -> None:
    """The test that goes on runs its lab again, for this reason."""
    test, _, _ = os.environ.get("PYTEST_CURRENT_TEST", "?").partition(" (")
    _noted.append(f"{test}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist hands them to the process that prints."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_OUTPUT] = _noted


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Of a worker that crashed nothing is known."""
    _noted.extend(getattr(node, "workeroutput", {}).get(_OUTPUT, []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    again = f"{len(_noted)} lab runs were run again because the machine disturbed them"
    for line in [again, *sorted(_noted)]:
        terminalreporter.line(line)
