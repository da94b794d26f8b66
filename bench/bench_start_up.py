"""How long networks take until their agents serve, what they weigh, and what they cost when idle.

Aim: the quickstart's network and agents in 3 s; 30 MARs with 100 mobile nodes in 30 s and 4 GiB.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from agents.kernel.capabilities import probe
from emu import sandbox
from emu.lab import Lab
from emu.scenario import parse

SIZES = ((3, 1), (30, 100), (100, 100))
MARS_A_ROUTER = 25  # the kernel forwards multicast between 32 interfaces at most
IDLE_S = 5.0
TICK_S = 0.01


def scenario(mars: int, mobile_nodes: int) -> str:
    """So many MARs, and mobile nodes spread over them."""
    nodes = "".join(
        f"  mn{n}: {{role: mn, attach: mar{n % mars + 1}, dad: off}}\n" for n in range(mobile_nodes)
    )
    return (
        "name: start-up\nduration: 1s\n"
        f"topology: {{kind: dmm-domain, mars: {mars}, routers: {mars // MARS_A_ROUTER + 3}, "
        "access: {delay: 2ms}, backhaul: {delay: 5ms}, cmd: {delay: 10ms}, core: {delay: 5ms}}\n"
        f"nodes:\n{nodes}"
    )


async def inside(mars: int, mobile_nodes: int) -> dict[str, float]:
    """In the sandbox: bring it up and weigh it."""
    began = time.monotonic()
    directory = sandbox.RUN_DIRECTORY / "run"
    directory.mkdir()
    text = scenario(mars, mobile_nodes).encode()
    lab = Lab(parse(text, "start-up"), 1, directory, probe(), lambda event: None)
    await lab.build()
    await lab.start_agents()
    ready = time.monotonic()
    await lab.attach_mobile_nodes()
    attached = time.monotonic()
    busy = cpu_seconds()
    await lab.follow(IDLE_S)
    return {
        "ready_s": ready - began,
        "attached_s": attached - ready,
        "memory_mib": memory_mib(),
        "idle_cpus": (cpu_seconds() - busy) / IDLE_S,
    }


def processes() -> list[Path]:
    """All processes of the sandbox."""
    return [path for path in Path("/proc").iterdir() if path.name.isdigit()]


def memory_mib() -> float:
    """What the processes hold, shared pages counted once (PSS)."""
    total = 0
    for process in processes():
        lines = (process / "smaps_rollup").read_text(encoding="utf-8").splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def cpu_seconds() -> float:
    """User and system time of all processes."""
    stats = [
        (process / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        for process in processes()
    ]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) * TICK_S


def main() -> None:
    """Bring each size up and print one table."""
    print("MARs   MNs   ready s   all MNs attached s   MiB   CPUs busy when idle")
    for mars, mobile_nodes in SIZES:
        command = [sys.executable, "-m", "bench.bench_start_up", str(mars), str(mobile_nodes)]
        process = sandbox.spawn(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        output, _ = process.communicate()
        ready, attached, memory, idle = json.loads(output).values()
        print(
            f"{mars:4d}  {mobile_nodes:4d}   {ready:7.1f}   {attached:18.1f}   {memory:3.0f}   "
            f"{idle:.2f}"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(inside(int(sys.argv[1]), int(sys.argv[2])))))
    else:
        main()
