"""What a member of an overlay costs: until it is ready, idle, and for each packet.

Aims: ready in half a second; 2.5 Gbit/s to one receiver on one processor (4.2 µs a packet of 1,316
octets), 1 Gbit/s encrypted (10.5 µs), each further receiver at most 0.5 µs a packet.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.kernel.overlay_hosts import unicast_only
from tests.namespaces import Namespaces
from tests.patience import eventually

STARTS = 5
IDLE_S = 10.0
CONFIG = "interface: {name: mcbench, addresses: [10.80.0.1/16, 'fd80::1/64']}\nkeys: off\n"
BURSTS, BURST, PAYLOAD, PAUSE_S = 100, 100, 1_316, 0.05
KEYS = {"in clear": "off", "encrypted": {"1": "a secret for this bench"}}


def main() -> None:
    """Both parts."""
    starting()
    for how, keys in KEYS.items():
        for receivers in (1, 3):
            carrying(how, keys, receivers)


def starting() -> None:
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


def carrying(how: str, keys: object, receivers: int) -> None:
    """Packets from one host to others that are all its children: processor time of each member."""
    group = "239.1.1.1"
    with (
        tempfile.TemporaryDirectory() as folder,
        unicast_only(receivers + 1, Path(folder)) as hosts,
    ):
        for host in hosts:
            host.start(keys=keys)
        eventually(lambda: all(host.knows() == receivers for host in hosts))
        listeners = [host.listen(group) for host in hosts[1:]]
        eventually(lambda: all(m["groups"] for m in hosts[0].status()["members"]))
        hosts[0].send(group, [b"first"])
        before = [cpu_s(host.pid) for host in hosts]
        for _ in range(BURSTS):
            hosts[0].send(group, [bytes(PAYLOAD)] * BURST, pause=0)
            time.sleep(PAUSE_S)
            for listener in listeners:
                listener.read()
        time.sleep(1)
        spent = [cpu_s(host.pid) - cpu for host, cpu in zip(hosts, before, strict=True)]
        got = min(len(listener.read()) for listener in listeners) - 1
    sending, receiving = (1e6 * cpu / (BURSTS * BURST) for cpu in (spent[0], max(spent[1:])))
    print(f"{how}, {receivers} receivers: {sending:.1f} µs a packet at the sender,", end=" ")
    print(f"{receiving:.1f} µs at a receiver; {got} of {BURSTS * BURST} arrived")


def cpu_s(pid: int) -> float:
    """Processor time that a process has had, s."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
