"""What a member of an overlay costs until it is ready, and alone and idle.

Aim: ready in half a second.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.namespaces import Namespaces

STARTS = 5
IDLE_S = 10.0
CONFIG = "interface: {name: mcbench, addresses: [10.80.0.1/16, 'fd80::1/64']}\nkeys: off\n"


def main() -> None:
    """Start a member some times; the last one stays for a while."""
    times = []
    with Namespaces() as namespaces, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "overlay.yaml"
        path.write_text(CONFIG, encoding="utf-8")
        command = [sys.executable, "-m", "emu", "overlay", str(path)]
        namespace = namespaces.new()
        for number in range(STARTS):
            began = time.monotonic()
            member = namespace.spawn(command, stderr=subprocess.PIPE)
            assert member.stderr is not None
            assert "ready" in member.stderr.readline()
            times.append(time.monotonic() - began)
            used = cpu_s(member.pid)
            if number == STARTS - 1:
                time.sleep(IDLE_S)
                idle = (cpu_s(member.pid) - used) / IDLE_S
            member.terminate()
            member.wait()
    print(f"ready after {statistics.median(times):.3f} s (median of {STARTS}), {used:.2f} s of a")
    print(f"processor; alone and idle it takes {idle:.2%} of one")


def cpu_s(pid: int) -> float:
    """Processor time that a process has had, s."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
