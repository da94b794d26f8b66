"""The commands of ``emu``, and its exit status.

Exit status: 0 done; 1 the run failed; 2 the scenario or the command line is wrong; 3 the machine
lacks something, which is named; 4 done, but the machine could not keep up, so that there is no
result; 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from emu import __version__
from emu.cli.compare import compare
from emu.cli.experiments import list_experiments
from emu.cli.labs import show
from emu.cli.machine import doctor
from emu.cli.nodes import i3_nodes, overlay
from emu.cli.records import list_records, replay, report
from emu.cli.refusals import Failed, Interrupted
from emu.cli.run import run, shell
from emu.cli.scenarios import check, model
from emu.cli.schema import schema
from emu.cli.simulate import simulate
from emu.cli.sweep import sweep
from emu.files import in_words
from emu.room import NoRoom


def emu(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit status."""
    try:
        return int(commands.main(arguments, prog_name="emu", standalone_mode=False) or 0)
    except click.ClickException as refusal:
        refusal.show()
        return refusal.exit_code
    except (OSError, NoRoom) as problem:  # a file of the user's cannot be read or written
        click.echo(in_words(problem) if isinstance(problem, OSError) else str(problem), err=True)
        return Failed.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return Interrupted.exit_code


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="emu")
@click.pass_context
def commands(context: click.Context) -> None:
    """Emulate mobility and multicast in a network of real Linux hosts, and measure it."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    run,
    sweep,
    simulate,
    model,
    check,
    schema,
    shell,
    show,
    overlay,
    i3_nodes,
    list_records,
    list_experiments,
    compare,
    report,
    replay,
    doctor,
):
    commands.add_command(_command)
