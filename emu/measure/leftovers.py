"""What mobile nodes left behind when all had gone."""

from __future__ import annotations

from typing import Any

from emu.measure.run import Run


def of_run(run: Run) -> dict[str, Any] | None:
    """``waited_s``, ``kernel`` and ``bindings``; None when the scenario did not ask.

    ``bindings`` is {node: the mobile nodes that its agent still had a binding of when it ended}.
    """
    found = run.meta.get("leftovers")
    if found is None:
        return None
    last_words = run.of_kind("state")
    bindings = {e["node"]: sorted(e["bindings"]) for e in last_words if e.get("bindings")}
    return {**found, "bindings": bindings}
