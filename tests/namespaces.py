"""Throw-away network namespaces for tests and benchmarks: they live by a descriptor alone.

Nothing has a name outside the process, so nothing is left over, however the process ends.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from ipaddress import IPv6Interface
from itertools import zip_longest
from types import TracebackType
from typing import Any

from agents.kernel import libc
from agents.kernel.netlink import Netlink, set_sysctl
from tests.patience import eventually


class Namespace:
    """A network namespace; ``with namespace:`` puts the calling thread into it for a while."""

    def __init__(self) -> None:
        before = _current()
        try:
            libc.unshare_network()
            self.descriptor = _current()
        finally:
            libc.enter_network(before)
            os.close(before)
        self._outside: list[int] = []
        with self, Netlink() as netlink:
            netlink.up("lo")

    @property
    def path(self) -> str:
        """A path that stands for the namespace while this process lives."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    def __enter__(self) -> Namespace:
        self._outside.append(_current())
        libc.enter_network(self.descriptor)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        outside = self._outside.pop()
        libc.enter_network(outside)
        os.close(outside)

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command inside, expecting success."""
        with self:
            return subprocess.run(
                command, check=True, encoding="utf-8", capture_output=True, **options
            )

    def spawn(self, command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """Start a command inside."""
        with self:
            return subprocess.Popen(command, encoding="utf-8", **options)

    def add_address(self, interface: str, address: str) -> None:
        """Add an address without DAD, and wait until the kernel takes packets for it."""
        with self, Netlink() as netlink:
            netlink.add_address(interface, address, nodad=True)
        self.wait_for_address(interface, address)

    def wait_for_address(self, interface: str, address: str) -> None:
        """The kernel's local route to an address comes a little later than the address."""
        ip = str(IPv6Interface(address).ip)
        local = ("ip", "-6", "route", "show", "table", "local", "type", "local", ip)
        eventually(lambda: self.run(*local, "dev", interface).stdout)

    def close(self) -> None:
        """Let go of the namespace; it ends with its last process and socket."""
        os.close(self.descriptor)


def _current() -> int:
    return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)


class Namespaces(ExitStack):
    """Makes namespaces and the links between them, and lets go of all at the end."""

    def new(self) -> Namespace:
        """A new namespace with its loopback up."""
        namespace = Namespace()
        self.callback(namespace.close)
        return namespace

    def router(self) -> Namespace:
        """A new namespace that forwards IPv6."""
        namespace = self.new()
        with namespace:
            set_sysctl("net/ipv6/conf/all/forwarding", 1)
        return namespace

    def link(
        self,
        first: Namespace,
        first_name: str,
        second: Namespace,
        second_name: str,
        *addresses: str,
    ) -> None:
        """Join two namespaces by a veth pair that is up, with an address for each end, no DAD."""
        peer = ["peer", "name", second_name, "netns", second.path]
        first.run("ip", "link", "add", "name", first_name, "type", "veth", *peer)
        ends = (first, first_name), (second, second_name)
        for (namespace, name), address in zip_longest(ends, addresses):
            with namespace, Netlink() as netlink:
                set_sysctl(f"net/ipv6/conf/{name}/accept_dad", 0)
                netlink.up(name)
                if address:
                    netlink.add_address(name, address, nodad=True)
        for namespace, name in ends:
            with namespace, Netlink() as netlink:
                eventually(partial(netlink.operational, name))
        for (namespace, name), address in zip(ends, addresses, strict=False):
            if address:
                namespace.wait_for_address(name, address)
