"""The command line: `emu.cli.main` has its commands, each or each family in a file of its own."""

from emu.cli.main import commands, emu

__all__ = ["commands", "emu"]
