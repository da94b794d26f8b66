"""The Mininet command line in a scenario's network."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.lab.emu_run import ROOT, command
from tests.lab.test_runs import short
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root


def test_a_user_looks_around_hands_over_and_leaves(tmp_path: Path) -> None:
    typed = [
        "mn1 ip -6 -brief address show dev mn1-radio",
        "handover mn1 mar2",
        "handover mn1 mar9",
        "handover",
        "show",
        "show membership",
        "mn1 sleep 1",
        "mn1 ip -6 -brief address show dev mn1-radio",
        "mn1 ping -c 1 -W 5 src",
        "exit",
    ]
    done = subprocess.run(
        command("shell", short(tmp_path)),
        input="\n".join(typed),
        capture_output=True,
        text=True,
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
