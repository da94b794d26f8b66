"""A good scenario to spoil in tests, and the command line to show it to."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from emu.cli import commands

GOOD = """\
name: base
duration: 10s
topology:
  kind: dmm-domain
  mars: 3
  access: {delay: 2ms, rate: 54mbit}
  backhaul: {delay: 5ms}
mobility: {variant: proxy}
multicast: {scheme: mld-dmm}
nodes:
  mn1: {role: mn, attach: mar1}
  mn2: {role: mn, attach: mar2}
  src: {role: source}
  server1: {role: server}
channels:
  C1: {group: "ff3e::c1", source: src, rate: 1mbit}
traffic:
  - {kind: multicast, channel: C1, to: [mn1]}
  - {kind: ping, from: mn1, to: server1}
events:
  - {at: 4s, handover: mn1, to: mar2, gap: 50ms}
  - {at: 8s, join: mn2, channel: C1}
"""


def spoiled(old: str, new: str) -> str:
    """The good scenario with one thing replaced."""
    assert GOOD.count(old) == 1, f"{old!r} is not in the scenario once"
    return GOOD.replace(old, new)


def emu_check(path: Path) -> Result:
    """``emu check`` of a file, in this process."""
    return CliRunner().invoke(commands, ["check", str(path)])
