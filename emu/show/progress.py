"""A run's timeline on the terminal, as it happens."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

_STYLES = {"handover": "bold", "warning": "yellow", "error": "bold red"}


class Progress:
    """Prints one line for each thing that a run tells."""

    def __init__(self, console: Console, runs: int, *, quiet: bool) -> None:
        self._console = console
        self._runs = runs
        self._quiet = quiet

    def __call__(self, event: dict[str, Any]) -> None:
        """Prints {"run", "t": seconds since the run's start or None, "text", "kind"}."""
        if self._quiet:
            return
        run = f"run {event['run']} of {self._runs}  " if self._runs > 1 else ""
        time = event.get("t")
        clock = " " * 10 if time is None else f"{time:8.3f} s"
        style = _STYLES.get(str(event.get("kind")), "")
        line = Text.assemble((f"{run}{clock}  ", "dim"), (str(event["text"]), style))
        self._console.print(line, soft_wrap=True)
