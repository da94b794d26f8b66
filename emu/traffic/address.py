"""Which of a host's addresses a flow uses."""

from __future__ import annotations

import ipaddress
import signal
import socket
import time

from emu.traffic.process import wait_until

_RETRY_NS = 20_000_000
_ANY_PORT = 9


def preferred(remote: str) -> str | None:
    """The address the kernel would use towards ``remote`` now (RFC 6724), None if it has none.

    A tentative address is never chosen, a deprecated or link-local one is as good as none while the
    host still waits for its first preferred address.
    """
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((remote, _ANY_PORT))
        except OSError:
            return None
        address = str(sock.getsockname()[0])
    return None if ipaddress.IPv6Address(address).is_link_local else address


def wait_for_preferred(remote: str, deadline_ns: int | None) -> str | None:
    """As ``preferred``, waiting for an address; None when the deadline or SIGTERM came first."""
    while (address := preferred(remote)) is None:
        now = time.monotonic_ns()
        if deadline_ns is not None and now >= deadline_ns:
            return None
        if wait_until(now + _RETRY_NS) == signal.SIGTERM:
            return None
    return address
