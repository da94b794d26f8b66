"""A sandbox leaves nothing behind, however it ends, and touches nothing outside.

The machine that must stay untouched is itself a sandbox here, with a /tmp of its own: whatever is
found in it later can only come from the sandboxes that the test started in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emu import sandbox
from emu.network.build import build
from emu.radio.client import Radio
from tests.lab.sandboxed import ROOT, backends, in_sandbox
from tests.patience import PATIENCE_S, eventually
from topologies.parameters import EndNode, Parameters, Quality

pytestmark = pytest.mark.root

CHECKOUT = Path("/run/checkout")
"""Where the checkout is kept while /tmp is covered."""
BUSY = [sys.executable, "-c", "from tests.lab.test_sandbox import *; stay_busy()"]
SPAWN_BUSY = "import sys; from emu import sandbox; sandbox.spawn(sys.argv[1:]).wait()"


def stay_busy() -> None:
    """What runs inside: a whole network, under its controller, until the end."""

    async def run() -> None:
        radio = Radio.launch(sandbox.RUN_DIRECTORY / "radio.log")
        slow = Parameters(mars=2, backhaul=Quality(delay_ns=1_000_000))
        network = build("dmm-domain", slow, {"mn1": EndNode("mn")}, backends())
        await radio.connect(network)
        await radio.attach("mn1", "mar1")
        print("ready", flush=True)
        await asyncio.sleep(3600)

    asyncio.run(run())


@in_sandbox
def test_kill_9_leaves_nothing() -> None:
    before = traces_in_own_tmp()
    moments = random.Random(1)
    victims = ("guard", "init", "spawner", "command", "ovs-vswitchd")
    for victim in itertools.islice(itertools.cycle(victims), 10):
        # Output goes to a file, which a survivor could hold open without keeping this test waiting.
        spawner = subprocess.Popen(
            [sys.executable, "-c", SPAWN_BUSY, *BUSY], stderr=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(0.05, 1.5))
        kill(victim, spawner.pid)
        spawner.wait(PATIENCE_S)
        assert_unchanged(before)


@in_sandbox
def test_regular_end_leaves_nothing_and_gives_the_exit_status() -> None:
    before = traces_in_own_tmp()
    leave = "import tempfile; tempfile.mkdtemp(); raise SystemExit(7)"
    assert sandbox.spawn([sys.executable, "-c", leave]).wait() == 7
    assert sandbox.spawn(["sh", "-c", "kill -9 $$"]).wait() == 128 + signal.SIGKILL
    assert_unchanged(before)


@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.05, 0.1, 0.2, 0.5])
def test_sigterm_reaches_the_command_or_ends_the_sandbox(delay_s: float) -> None:
    command = "trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.01; done"
    process = sandbox.spawn(["bash", "-c", command], stdout=subprocess.PIPE)
    time.sleep(delay_s)
    process.terminate()
    output, _ = process.communicate(timeout=PATIENCE_S)
    if output:
        assert output.endswith("told\n")
        assert process.returncode == 5
    else:
        assert process.returncode in (128 + signal.SIGTERM, -signal.SIGTERM)


def test_a_database_server_that_dies_while_the_switch_starts_ends_the_sandbox() -> None:
    process = sandbox.spawn(["sleep", "infinity"])
    (init,) = eventually(lambda: children(process.pid))
    eventually(lambda: daemons(init, "ovs-vswitchd"))
    os.kill(daemons(init, "ovsdb-server")[0], signal.SIGKILL)
    assert process.wait(PATIENCE_S) == 1


def test_a_path_without_sbin_is_enough() -> None:
    """As that of an ordinary user, or of cron."""
    environment = {**os.environ, "PATH": "/usr/bin:/bin"}
    find = ["sh", "-c", "command -v ovs-vsctl ovsdb-server"]
    process = sandbox.spawn(find, environment=environment, stdout=subprocess.PIPE)
    assert process.communicate(timeout=PATIENCE_S)[0].count("/") >= 2
    assert process.returncode == 0


def test_parallel_sandboxes_do_not_see_each_other() -> None:
    with busy() as first, busy() as second:
        assert namespaces(first.pid).isdisjoint(namespaces(second.pid))
        for process in (first, second):
            (init,) = children(process.pid)
            inside = ["nsenter", "-t", str(init), "-a", "sh", "-c"]
            script = "ovs-vsctl list-br; ip -brief link | grep -c radio-; ls /run/emu; ps ax"
            seen = subprocess.run(
                [*inside, script], capture_output=True, encoding="utf-8", check=True
            )
            bridge, ports, *rest = seen.stdout.splitlines()
            assert (bridge, ports) == ("radio", "3")
            assert sum("vswitchd" in line for line in rest) == 1


@in_sandbox
def test_networks_already_running_survive() -> None:
    """A network of the user's own, same names and all, works on while others come and go."""
    nodes = {"src": EndNode("source")}
    network = build("dmm-domain", Parameters(), nodes, backends())
    ping = f"ping -c 1 -w {PATIENCE_S} {network.address('src')}"
    before = traces_in_own_tmp()
    with busy() as process:
        assert "1 received" in network.node("mar1").cmd(ping)
        process.kill()
    assert_unchanged(before)
    assert "1 received" in network.node("mar1").cmd(ping)
    bridges = subprocess.run(
        ["ovs-vsctl", "list-br"], capture_output=True, encoding="utf-8", check=True
    )
    assert bridges.stdout == "radio\n"


@contextlib.contextmanager
def busy() -> Iterator[subprocess.Popen[str]]:
    """A sandbox in which a network runs."""
    process = sandbox.spawn(BUSY, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()


def kill(victim: str, spawner: int) -> None:
    """Kill one process of a sandbox; when it is too early for that one, the youngest there is."""
    while not stopped(process := find(victim, spawner)):
        pass  # it had ended by itself: nothing would come of killing it
    os.kill(process, signal.SIGKILL)


def find(victim: str, spawner: int) -> int:
    """The process of that name, or the youngest there is."""
    line = [spawner]
    while len(line) < 4 and children(line[-1]):
        line.append(max(children(line[-1]), key=lambda pid: "python" in command_line(pid)))
    named = dict(zip(("spawner", "guard", "init", "command"), line, strict=False))
    for process in daemons(line[2], "ovs-vswitchd") if len(line) > 2 else []:
        named["ovs-vswitchd"] = process
    return named.get(victim, line[-1])


def stopped(pid: int) -> bool:
    """Stop a process: whether it was alive, and so will die of nothing but what comes next."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    return eventually(lambda: {state(pid)} & {"T", "Z", "X"}) == {"T"}


def state(pid: int) -> str:
    """One letter, as proc(5) has it: T is stopped, Z not yet reaped, X gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        return status.rpartition(")")[2].split()[0]
    return "X"


def daemons(init: int, name: str) -> list[int]:
    """Those of a sandbox's processes that are started so."""
    return [process for process in children(init) if command_line(process).startswith(name)]


def traces_in_own_tmp() -> dict[str, object]:
    """The traces, from now on without those of other users of /tmp."""
    CHECKOUT.mkdir()
    mount("--bind", ROOT, CHECKOUT)
    mount("-t", "tmpfs", "tmpfs", "/tmp")
    ROOT.mkdir(parents=True, exist_ok=True)  # it may be in /tmp itself
    mount("--bind", CHECKOUT, ROOT)
    return traces()


def mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def traces() -> dict[str, object]:
    """Everything that a sandbox could leave in its surroundings."""
    processes = {pid for pid in all_processes() if pid != os.getpid()}
    spaces = set[str]().union(*(namespaces(pid) for pid in all_processes()))
    link = subprocess.run(
        ["ip", "-brief", "link"], capture_output=True, encoding="utf-8", check=True
    )
    bridges = subprocess.run(
        ["ovs-vsctl", "list-br"], capture_output=True, encoding="utf-8", check=True
    )
    files = {str(path) for place in (Path("/tmp"), Path("/run")) for path in below(place)}
    return {
        "processes": processes,
        "namespaces": spaces,
        "interfaces": {line.split()[0] for line in link.stdout.splitlines()},
        "bridges": bridges.stdout,
        "mounts": Path("/proc/self/mountinfo").read_text(encoding="utf-8"),
        "files": files,
    }


def below(place: Path) -> Iterator[Path]:
    """The files and folders in a folder, but not the checkout's."""
    for path in place.iterdir():
        if path in (ROOT, CHECKOUT):
            continue
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from below(path)


def assert_unchanged(before: dict[str, object]) -> None:
    """Death takes the kernel a moment."""
    deadline = time.monotonic() + PATIENCE_S
    while (now := traces()) != before and time.monotonic() < deadline:
        time.sleep(0.02)
    left = {pid: command_line(pid) for pid in all_processes()}
    for what, value in before.items():
        assert now[what] == value, (what, left)


def all_processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def namespaces(pid: int) -> set[str]:
    """The namespaces of a process and its descendants, none if it is gone."""
    found = set()
    for process in [pid, *descendants(pid)]:
        for kind in ("net", "mnt", "pid", "uts"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found.add(os.readlink(f"/proc/{process}/ns/{kind}"))
    return found - {os.readlink(f"/proc/self/ns/{kind}") for kind in ("net", "mnt", "pid", "uts")}


def descendants(pid: int) -> list[int]:
    return [below for child in children(pid) for below in (child, *descendants(child))]


def children(pid: int) -> list[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return list(
            map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split())
        )
    return []


def command_line(pid: int) -> str:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
    return ""
