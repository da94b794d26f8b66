"""A pytest plugin: tests that need the machine for themselves come last, one at a time, alone.

They are marked ``quiet``, whole files of them. The processes that run tests side by side share a
lock, which a quiet test has for itself.
"""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

_LOCK = "quiet_lock"
_PLACE = pytest.StashKey[str]()
"""Where it is, until the session ends."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "quiet: needs the machine for itself")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of xdist where the lock is."""
    config: pytest.Config = node.config
    if _PLACE not in config.stash:
        place = tempfile.TemporaryDirectory()
        config.add_cleanup(place.cleanup)
        config.stash[_PLACE] = place.name
    node.workerinput[_LOCK] = f"{config.stash[_PLACE]}/lock"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_is_quiet)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    lock = getattr(item.config, "workerinput", {}).get(_LOCK)
    with Path(lock).open("a", encoding="utf-8") if lock else nullcontext() as file:
        if file:
            fcntl.flock(file, fcntl.LOCK_EX if _is_quiet(item) else fcntl.LOCK_SH)
        return (yield)


def _is_quiet(item: pytest.Item) -> bool:
    return item.get_closest_marker("quiet") is not None
