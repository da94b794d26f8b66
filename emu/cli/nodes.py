"""``emu overlay`` and ``emu i3``: being a node, on any machine, without a lab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from emu.cli.needs import need_root
from emu.cli.options import examples
from emu.cli.refusals import Failed, Wrong
from emu.files import in_words

if TYPE_CHECKING:
    from emu.i3_file import ClientFile, ServerFile


@click.command(epilog=examples("emu overlay member.yaml", "emu overlay status"))
@click.argument("config", type=click.Path(path_type=Path), metavar="CONFIG|status")
def overlay(config: Path) -> None:
    """Be a member of the overlay that CONFIG describes, or show the members on this machine."""
    from emu.overlay_command import Unable, be_member, show_status
    from emu.scenario import ScenarioError

    need_root("overlay", f"overlay {config}")
    try:
        if str(config) == "status":
            show_status(Console(highlight=False))
        else:
            be_member(config)
    except ScenarioError as error:
        raise Wrong(*error.problems) from None
    except Unable as error:
        raise Failed(str(error)) from None


@click.group("i3")
def i3_nodes() -> None:
    """Be a server or a client of the Internet Indirection Infrastructure."""


@i3_nodes.command(epilog=examples("emu i3 server server.yaml"))
@click.argument("config", type=click.Path(path_type=Path))
def server(config: Path) -> None:
    """Be the i3 server that CONFIG describes, until told to stop."""
    from agents.roles import i3_server
    from emu.i3_file import ServerFile

    _be(i3_server.main, config, ServerFile)


@i3_nodes.command(epilog=examples("emu i3 client client.yaml"))
@click.argument("config", type=click.Path(path_type=Path))
def client(config: Path) -> None:
    """Be the i3 client that CONFIG describes, until told to stop."""
    from agents.roles import i3_client
    from emu.i3_file import ClientFile

    _be(i3_client.main, config, ClientFile)


@i3_nodes.command(epilog=examples("emu i3 root '[2001:db8::1]:5333'"))
@click.argument("at")
def root(at: str) -> None:
    """Print an identifier for a new group, which the server AT an address and port has."""
    from emu.i3_file import new_root

    try:
        click.echo(new_root(at).hex())
    except ValueError as error:
        raise Wrong(str(error)) from None


def _be(
    main: Callable[[dict[str, Any]], None], path: Path, kind: type[ServerFile | ClientFile]
) -> None:
    """Is a node by its file."""
    from emu.i3_file import load
    from emu.scenario import ScenarioError

    try:
        main(load(path, kind))
    except ScenarioError as error:
        raise Wrong(*error.problems) from None
    except OSError as error:
        raise Failed(f"{path}: {in_words(error)}") from None
