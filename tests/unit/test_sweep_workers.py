"""The workers of a sweep end with it, in silence, whenever Ctrl-C comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from tests.patience import PATIENCE_S

SCRIPT = """
import sys, time
from pathlib import Path
from queue import SimpleQueue
from emu.interrupts import on_interrupt
from emu.sweep import cluster

ends = SimpleQueue()
if __name__ == "__main__":
    with on_interrupt(lambda: ends.put("interrupted")):
        print("starting", flush=True)
        with cluster.local(2, Path(sys.argv[1])) as executor:
            running = [executor.submit(time.sleep, 60) for _ in range(4)]
            print("working", flush=True)
            print(ends.get(), flush=True)
"""


def test_ctrl_c_is_silent_while_workers_start_and_while_they_work(tmp_path):
    script = tmp_path / "sweep.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, script, tmp_path / "scratch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "starting\n"
        for _ in range(4):
            time.sleep(0.5)
            os.killpg(process.pid, signal.SIGINT)
        said, complained = process.communicate(timeout=PATIENCE_S)
    assert (said, complained, process.returncode) == ("working\ninterrupted\n", "", 0)
