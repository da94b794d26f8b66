"""What it takes to encode a request to the kernel: a route, by us and by pyroute2's class.

``python -m bench.bench_netlink``. Processor time of this process; the two take turns, so that what
else the machine does falls upon both. That both say the same to the kernel is checked first.
"""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network

from pyroute2.netlink.rtnl.rtmsg import rtmsg

from agents.kernel import requests
from agents.kernel.requests import PROTOCOL_STATIC

PREFIX, ROUTER = IPv6Network("2001:db8:7::/48"), IPv6Address("fe80::1")
TABLE, METRIC, LINK = 1000, 512, 7
TURNS, REQUESTS = 15, 200
_HEADER = 16
"""Octets of struct nlmsghdr, which the socket writes."""


def ours() -> bytes:
    """As the agents do it."""
    return requests.route(PREFIX, TABLE, METRIC, output=LINK, via=ROUTER)


def theirs() -> bytes:
    """The same by pyroute2."""
    message = rtmsg()
    message["family"] = socket.AF_INET6
    message["dst_len"] = PREFIX.prefixlen
    message["proto"], message["type"] = PROTOCOL_STATIC, 1
    message["attrs"] = [
        ("RTA_DST", str(PREFIX.network_address)),
        ("RTA_TABLE", TABLE),
        ("RTA_PRIORITY", METRIC),
        ("RTA_OIF", LINK),
        ("RTA_GATEWAY", str(ROUTER)),
    ]
    message.encode()
    return bytes(message.data[_HEADER:])


def cost_us(encode: Callable[[], bytes]) -> float:
    """Processor time of one request."""
    before = time.process_time_ns()
    for _ in range(REQUESTS):
        encode()
    return (time.process_time_ns() - before) / REQUESTS / 1e3


def main() -> None:
    """Print medians and their ratio."""
    assert ours() == theirs(), "they say different things"
    turns = [(cost_us(ours), cost_us(theirs)) for _ in range(TURNS)]
    mine, other = (statistics.median(column) for column in zip(*turns, strict=True))
    ratio = statistics.median(there / here for here, there in turns)
    print(f"a route: {mine:.1f} µs, by pyroute2 {other:.0f} µs, {ratio:.0f} times")


if __name__ == "__main__":
    main()
