"""Two namespaces joined by a veth pair, and processes forked into them, as a run does."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

CLONE_NEWNET = 0x40000000
LEFT, RIGHT = "2001:db8:1::1", "2001:db8:1::2"
SECOND = 1_000_000_000


def in_namespace(pid: int, main: Callable[[dict[str, Any]], None], config: dict[str, Any]) -> int:
    """Fork; the child enters the namespace of ``pid``, runs ``main`` and exits with 0 if it could."""
    child = os.fork()
    if child:
        return child
    try:
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        main(config)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def finish(pid: int, *, stop: bool = False, within_s: float = 10) -> int:
    """The exit status of a forked process, after SIGTERM if ``stop``."""
    if stop:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError("the process did not end")


class Pair:
    """``left`` and ``right`` are pids of namespaces with a-eth and b-eth, addressed and up."""

    def __enter__(self) -> Pair:
        hold = ["unshare", "-n", "sleep", "120"]
        self._holders = [subprocess.Popen(hold) for _ in range(2)]
        self.left, self.right = (holder.pid for holder in self._holders)
        own = os.readlink("/proc/self/ns/net")
        while any(os.readlink(f"/proc/{pid}/ns/net") == own for pid in (self.left, self.right)):
            time.sleep(0.005)
        self.run(
            self.left,
            f"ip link add a-eth type veth peer name b-eth netns /proc/{self.right}/ns/net",
        )
        for pid, name, address in ((self.left, "a-eth", LEFT), (self.right, "b-eth", RIGHT)):
            self.run(pid, "sysctl -qw net.ipv6.conf.default.accept_dad=0")
            self.run(pid, f"sysctl -qw net.ipv6.conf.{name}.accept_dad=0")
            self.run(pid, f"ip link set {name} up")
            self.run(pid, f"ip address add {address}/64 dev {name} nodad")
            self.run(pid, f"ip -6 route add ff00::/8 dev {name} table local")
        return self

    def run(self, pid: int, command: str) -> str:
        """Run a command in one of the namespaces."""
        argv = ["nsenter", "-t", str(pid), "-n", *command.split()]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for holder in self._holders:
            holder.kill()
            holder.wait()
