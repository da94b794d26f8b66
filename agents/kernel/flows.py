"""The active flows of this host's addresses, as its sockets tell."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path

# Of the calling thread's network namespace, unlike /proc/net, which is the process's.
_TABLES = Path("/proc/thread-self/net")
_PROTOCOLS = ("tcp6", "udp6", "udplite6", "raw6", "icmp6")
_TIME_WAIT, _CLOSE, _LISTEN = 6, 7, 10
_OVER_OR_NOT_BEGUN = {_TIME_WAIT, _CLOSE, _LISTEN}
"""TCP's states of include/net/tcp_states.h in which nobody misses the address."""


@dataclass(frozen=True)
class Flow:
    """What one socket says of its ends; a socket that is not connected has ``::`` as remote."""

    protocol: str
    """Of the kernel's tables: tcp6, udp6, udplite6, raw6, icmp6 (ping sockets)."""
    local: IPv6Address
    local_port: int
    """Of a raw socket: its protocol."""
    remote: IPv6Address
    remote_port: int


def flows() -> list[Flow]:
    """The flows of the calling thread's network namespace.

    TCP: every connection that is being opened, open, or being closed. The others: every socket
    that is bound to an address, connected or not. One that is bound to none, and lets the kernel
    choose for each packet, keeps no address and so is no flow; nor is one that can only send.
    """
    return [flow for protocol in _PROTOCOLS for flow in _table(protocol)]


def addresses_in_use() -> frozenset[IPv6Address]:
    """The local addresses of all flows."""
    return frozenset(flow.local for flow in flows())


def _table(protocol: str) -> Iterator[Flow]:
    path = _TABLES / protocol
    if not path.exists():  # a protocol that this kernel lacks
        return
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        address, port = _end(local)
        over = protocol == "tcp6" and int(state, 16) in _OVER_OR_NOT_BEGUN
        one_way = protocol == "raw6" and port == socket.IPPROTO_RAW
        if address.is_unspecified or over or one_way:
            continue
        yield Flow(protocol, address, port, *_end(remote))


def _end(text: str) -> tuple[IPv6Address, int]:
    """An address, written as four words of the host's byte order, and a port."""
    address, port = text.split(":")
    words = (int(address[start : start + 8], 16) for start in range(0, 32, 8))
    return IPv6Address(struct.pack("=4I", *words)), int(port, 16)
