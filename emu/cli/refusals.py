"""How a command ends that cannot go on: one exit status a kind."""

from __future__ import annotations

from typing import Any

import click

from emu.interrupts import INTERRUPTED


class Refusal(click.ClickException):
    """The end of a command that cannot go on, in lines that each say all."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)

    def show(self, file: Any = None) -> None:
        """Prints the lines as they are."""
        click.echo(self.message, file=file, err=True)


class Failed(Refusal):
    """The run did not do what it should."""

    exit_code = 1


class Wrong(Refusal):
    """What the user asked for cannot be meant so."""

    exit_code = 2


class Lacking(Refusal):
    """The machine, or this process, does not have what the command needs."""

    exit_code = 3


class NoResult(Refusal):
    """All was done, but on a machine that could not keep up."""

    exit_code = 4


class Interrupted(Refusal):
    """The user has had enough."""

    exit_code = INTERRUPTED
