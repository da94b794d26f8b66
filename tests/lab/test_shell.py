"""The Mininet command line in a scenario's network."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.lab.emu_run import ROOT, command
from tests.lab.terminal import CTRL_C, Terminal
from tests.lab.test_runs import short
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

PROMPT = "emu> "


def test_a_file_of_commands_is_done_to_its_end(tmp_path: Path) -> None:
    script = tmp_path / "commands"
    commands = [
        "mn1 ip -6 -brief address show dev mn1-radio",
        "handover mn1 mar2",
        "handover mn1 mar9",
        "handover",
        "show",
        "show membership",
        f"mn1 timeout {PATIENCE_S} sh -c 'until ip -6 address show dev mn1-radio |"
        " grep -q 2001:db8:2:1:; do sleep 0.1; done'",
        "mn1 ip -6 -brief address show dev mn1-radio",
        f"mn1 ping -c 1 -w {PATIENCE_S} src",
        "exit",
    ]
    script.write_text("\n".join(commands), encoding="utf-8")
    with script.open("rb") as typed:
        done = subprocess.run(
            command("shell", short(tmp_path)),
            stdin=typed,
            capture_output=True,
            encoding="utf-8",
            cwd=ROOT,
            timeout=PATIENCE_S,
        )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "2001:db8:1:1:" in said
    assert "2001:db8:2:1:" in said
    assert "there is no access point of mar9" in said
    assert "usage: handover MN MAR" in said
    assert "usage: show membership" in said
    assert "no router has a listener or a local source" in said
    assert "1 received" in said
    assert "Traceback" not in said


def test_a_user_at_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal(command("shell", short(tmp_path)))
    terminal.until(PROMPT)
    for keys, shown in [
        (CTRL_C, "Interrupt"),
        ("help\n", "noecho mn1 vi"),
        ("pingall 5\n", "Results: 0% dropped"),
        ("pingpairfull\n", "rtt min/avg/max/mdev"),
        ("iperf mn1 src\n", "receiver"),
        ("iperfudp 1M src mn1\n", "receiver"),
        ("iperf mn1 nobody\n", "nobody is no node that has an address"),
        ("iperf\n", "usage: iperf FROM TO"),
        ("handover mn1 mar2\n", ""),
    ]:
        terminal.type(keys)
        terminal.until(shown)
        terminal.until(PROMPT)
    terminal.type("mn1 ping src\n")  # the agents are still there
    terminal.until("icmp_seq=2")
    terminal.type(CTRL_C)
    terminal.until("ping statistics")
    terminal.until(PROMPT)
    terminal.type("exit\n")
    assert terminal.end() == 0, terminal.shown
    assert "Traceback" not in terminal.shown
