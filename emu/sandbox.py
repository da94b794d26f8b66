"""A run's own network, mount, process and host-name namespaces, with its own Open vSwitch.

    spawner ── guard ══╗ namespaces
                       ╚══ init (PID 1) ─┬─ the command
                                         ├─ ovsdb-server
                                         └─ ovs-vswitchd

Nothing in here is ever cleaned up, because everything in here lives exactly as long as init does:
when the command ends, init ends; when any of spawner, guard or init dies, however rudely, the
kernel kills init (parent-death signal), with it every process of its PID namespace, and drops the
namespaces that they held.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from agents.kernel.libc import check, set_parent_death_signal
from agents.kernel.scheduling import SWITCH, make_realtime
from emu.requirements import search_path

RUN_DIRECTORY = Path("/run/emu")
"""Inside a sandbox: the run's sockets and temporary files (also ``TMPDIR``), in memory."""

SWITCH_DIRECTORY = Path("/run/openvswitch")
SWITCH_SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWPID, _CLONE_NEWNET = (
    0x20000,
    0x4000000,
    0x20000000,
    0x40000000,
)
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 0x2, 0x4, 0x8, 0x4000, 0x40000
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_libc = ctypes.CDLL(None, use_errno=True)


def spawn(
    command: Sequence[str],
    *,
    stdin: int | IO[str] | None = None,
    stdout: int | IO[str] | None = None,
    stderr: int | IO[str] | None = None,
    environment: Mapping[str, str] | None = None,
    terminal: bool = False,
) -> subprocess.Popen[str]:
    """Start ``command`` in a new sandbox; the process returned is the sandbox's guard.

    The guard passes SIGTERM on to the command and ends with its exit status. What a terminal sends
    to its programs (Ctrl-C, or that it has gone) comes to the command with ``terminal`` only.
    The sandbox ends with the thread that called this. Files, the working directory and /tmp are the
    host's own; /run is new and in memory.
    """
    guard = [sys.executable, "-m", "emu.sandbox", str(os.getpid()), *command]
    return subprocess.Popen(
        guard,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=environment,
        encoding="utf-8",
        start_new_session=not terminal,
    )


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    arguments = (source.encode(), target.encode(), kind.encode() if kind else None, flags, None)
    check(_libc.mount(*arguments))


def _on_termination(act: Callable[[], None]) -> None:
    """Call ``act`` on SIGTERM, also one that came while blocked; leave SIGINT to the command."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            act()

    for number in _SIGNALS:
        signal.signal(number, handle)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _guard(spawner: int, command: Sequence[str]) -> int:
    """Make the namespaces and init, and wait for it."""
    set_parent_death_signal(signal.SIGKILL)
    if os.getppid() != spawner:  # it died before we asked to be told
        return 1
    flags = _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWPID | _CLONE_NEWNET
    check(_libc.unshare(flags))
    alive, lifeline = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    init = os.fork()
    if init == 0:
        os.close(lifeline)
        os._exit(_init(alive, command))
    os.close(alive)
    _on_termination(lambda: os.kill(init, signal.SIGTERM))
    _, status = os.waitpid(init, 0)
    return _exit_status(status)


def _exit_status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _init(alive: int, command: Sequence[str]) -> int:
    """Be PID 1: prepare the surroundings, start everything, reap, end with the command."""
    set_parent_death_signal(signal.SIGKILL)
    os.set_blocking(alive, False)
    try:
        os.read(alive, 1)
        return 1  # end of file: the guard died before we asked to be told
    except BlockingIOError:
        os.close(alive)
    _on_termination(lambda: os._exit(128 + signal.SIGTERM))
    _surroundings()
    daemons = _start_switch()
    process = subprocess.Popen(command)
    _on_termination(process.terminate)
    return _wait_for(process, daemons)


def _wait_for(process: subprocess.Popen[bytes], daemons: Mapping[int, str]) -> int:
    """Reap until the process ends, for its exit status; 1 if a daemon ends before."""
    while True:
        ended, status = os.wait()
        if ended == process.pid:
            process.returncode = _exit_status(status)
            return process.returncode
        if ended in daemons:
            print(f"sandbox: {daemons[ended]} ended unexpectedly", file=sys.stderr)
            return 1


def _surroundings() -> None:
    """Give the sandbox its own view of processes and devices, an empty /run, and a loopback."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _mount("sysfs", "/sys", "sysfs", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _mount("tmpfs", "/run", "tmpfs", _MS_NOSUID | _MS_NODEV)
    for directory in (RUN_DIRECTORY, SWITCH_DIRECTORY, Path("/run/netns")):
        directory.mkdir()
    os.environ["TMPDIR"] = str(RUN_DIRECTORY)
    os.environ["PATH"] = search_path()
    socket.sethostname("emu")
    # The switch's ports are in this namespace; its kernel must not speak on them (MLD, RS, …).
    Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1", encoding="utf-8")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _start_switch() -> dict[int, str]:
    """Start Open vSwitch with an empty database; its daemons by process."""
    database, listening = SWITCH_DIRECTORY / "conf.db", SWITCH_DIRECTORY / "db.sock"
    subprocess.run(["ovsdb-tool", "create", database, SWITCH_SCHEMA], check=True)
    daemons = {
        "ovsdb-server": [str(database), f"--remote=punix:{listening}"],
        "ovs-vswitchd": [f"unix:{listening}"],
    }
    started: dict[int, str] = {}

    def run(*command: str) -> None:
        """Without the database's server these would wait for it for ever."""
        if _wait_for(subprocess.Popen(command), started) != 0:
            sys.exit(1)

    for name, arguments in daemons.items():
        directory = SWITCH_DIRECTORY / name
        detached = ["--detach", "--no-chdir", f"--pidfile={directory}.pid"]
        quiet = ["--verbose=console:off", f"--log-file={directory}.log"]
        run(name, *arguments, *detached, *quiet)
        pid = int(Path(f"{directory}.pid").read_text(encoding="utf-8"))
        os.kill(pid, 0)  # ProcessLookupError if it has been reaped already
        started[pid] = name
        if name == "ovsdb-server":
            run("ovs-vsctl", "--no-wait", "init")
        else:
            make_realtime(pid, SWITCH)
    return started


if __name__ == "__main__":
    sys.exit(_guard(int(sys.argv[1]), sys.argv[2:]))
