"""The runs that a page can show."""

from __future__ import annotations

from typing import Protocol

from emu.live.feed import Feed


class Show(Protocol):
    """What a server serves."""

    name: str
    """Of the scenario."""
    live: bool
    """Whether it still goes on: the clock of the machine is that of the runs, and more may come."""

    def numbers(self) -> list[int]:
        """The runs that there are now."""

    async def feed(self, number: int) -> Feed | None:
        """That of a run; None if there is no such run."""
