"""What the record says of what mobile nodes left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emu.measure import leftovers
from emu.show.outcome import leftovers as told
from tests.small_run import event, small_run

ROUTE = "routes: 2001:db8:1:1::/64 dev tun-mar2"


def last_words(node: str, *mobile_nodes: str) -> dict[str, Any]:
    return event(900, node, "state", bindings={name: {} for name in mobile_nodes})


def test_kernels_and_bindings(tmp_path: Path) -> None:
    kernel = {"mar1": {"left_over": [ROUTE], "missing": ["rules: 5: from all"]}}
    run = small_run(
        tmp_path,
        events=[last_words("cmd", "mn2", "mn1"), last_words("mar1"), event(950, "mr1", "state")],
        leftovers={"waited_s": 10.5, "kernel": kernel},
    )
    found = leftovers.of_run(run)
    assert found == {"waited_s": 10.5, "kernel": kernel, "bindings": {"cmd": ["mn1", "mn2"]}}
    assert told(found).splitlines() == [
        "left over after 10.5 s:",
        f"mar1: left over {ROUTE}",
        "mar1: missing rules: 5: from all",
        "cmd: a binding of mn1",
        "cmd: a binding of mn2",
    ]


def test_nothing(tmp_path: Path) -> None:
    run = small_run(tmp_path, events=[last_words("cmd")], leftovers={"waited_s": 9, "kernel": {}})
    found = leftovers.of_run(run)
    assert found is not None
    assert told(found) == "left over after 9.0 s: nothing"


def test_a_run_that_was_not_asked(tmp_path: Path) -> None:
    assert leftovers.of_run(small_run(tmp_path)) is None
