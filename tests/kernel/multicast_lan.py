"""A kernel's own MLD host and our multicast router on one link, and two sources behind the router.

``host eth0 — down router up — eth0 sources``. The router is the agent of the native multicast
routers, in a process of its own; the host is the kernel.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from agents.core import MILLISECOND, SECOND
from agents.kernel.netlink import Netlink, set_sysctl
from agents.kernel.sockets import Frame, LinkSocket
from agents.roles import mr
from agents.wire import ipv6, mld
from tests.event_log import read_events
from tests.kernel.packets import wait_for
from tests.kernel.processes import starter
from tests.namespaces import Namespaces
from tests.patience import eventually

HOST, ROUTER = IPv6Address("fe80::aa"), IPv6Address("fe80::bb")
SOURCES = S1, S2 = IPv6Address("2001:db8:5::1"), IPv6Address("2001:db8:5::2")
FENCE = IPv6Address("ff0e::fe")
"""A group that the host always listens to: what was sent before has come when this has."""
PORT = 5001
TIMERS = {
    "query_interval": 1 * SECOND,
    "query_response_interval": 200 * MILLISECOND,
    "last_listener_query_interval": 200 * MILLISECOND,
}
_MULTICAST_ALL = 29
_JOIN_GROUP, _BLOCK_SOURCE, _UNBLOCK_SOURCE, _LEAVE_GROUP = 42, 43, 44, 45
_JOIN_SOURCE_GROUP, _LEAVE_SOURCE_GROUP, _SOURCE_FILTER = 46, 47, 48
_EXCLUDE, _INCLUDE = 0, 1


def _storage(address: IPv6Address) -> bytes:
    """struct sockaddr_storage."""
    return struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, address.packed, 0).ljust(128, b"\0")


class Application:
    """A socket on the host, and what RFC 3678 lets it ask of one group."""

    def __init__(self, index: int, group: IPv6Address) -> None:
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IPV6, _MULTICAST_ALL, 0)
        self._group = struct.pack("@I4x", index) + _storage(group)

    def join(self) -> None:
        self._ask(_JOIN_GROUP, self._group)

    def leave(self) -> None:
        self._ask(_LEAVE_GROUP, self._group)

    def block(self, source: IPv6Address) -> None:
        self._ask(_BLOCK_SOURCE, self._group + _storage(source))

    def unblock(self, source: IPv6Address) -> None:
        self._ask(_UNBLOCK_SOURCE, self._group + _storage(source))

    def join_source(self, source: IPv6Address) -> None:
        self._ask(_JOIN_SOURCE_GROUP, self._group + _storage(source))

    def leave_source(self, source: IPv6Address) -> None:
        self._ask(_LEAVE_SOURCE_GROUP, self._group + _storage(source))

    def include(self, *sources: IPv6Address) -> None:
        self._filter(_INCLUDE, sources)

    def exclude(self, *sources: IPv6Address) -> None:
        self._filter(_EXCLUDE, sources)

    def close(self) -> None:
        self._socket.close()

    def _filter(self, mode: int, sources: tuple[IPv6Address, ...]) -> None:
        """struct group_filter."""
        head = struct.pack("@II", mode, len(sources))
        self._ask(_SOURCE_FILTER, self._group + head + b"".join(map(_storage, sources)))

    def _ask(self, option: int, value: bytes) -> None:
        self._socket.setsockopt(socket.IPPROTO_IPV6, option, value)


class MulticastLan:
    """The namespaces, the router in its process, and what is seen from outside."""

    def __init__(
        self, namespaces: Namespaces, start: Any, directory: Path, version: int, **options: Any
    ) -> None:
        """``version``: of MLD that the host speaks, 0 is its choice; ``options``: of the proxy."""
        self._stack = ExitStack()
        self.host, self.router, self._source = (
            namespaces.new(),
            namespaces.router(),
            namespaces.new(),
        )
        with self.host:
            set_sysctl("net/ipv6/conf/default/force_mld_version", version)
        ends = f"{HOST}/64", f"{ROUTER}/64"
        namespaces.link(self.host, "eth0", self.router, "down", *ends)
        namespaces.link(self._source, "eth0", self.router, "up", f"{S1}/64", "fe80::cc/64")
        with self._source, Netlink() as netlink:
            netlink.add_address("eth0", f"{S2}/64", nodad=True)
        self._query = directory / "router.query"
        self._log = directory / "events.jsonl"
        self._speakers = {source: self._speaker(source) for source in SOURCES}
        self._arrivals = self._stack.enter_context(self._watch())
        start(self.router, mr.main, self._config(options))
        eventually(self._is_ready)
        self.application(FENCE).join()

    def application(self, group: IPv6Address) -> Application:
        """A new application on the host."""
        with self.host:
            made = Application(socket.if_nametoindex("eth0"), group)
        self._stack.callback(made.close)
        return made

    def state(self) -> dict[str, Any]:
        """What the router says about itself."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._query))
            with connection.makefile("rb") as answer:
                state: dict[str, Any] = json.loads(answer.read())
        return state

    def listener(self, group: IPv6Address) -> tuple[str, set[IPv6Address]] | None:
        """What the router knows of the host's wish for a group."""
        for record in self.state()["listeners"]:
            if (record["host"], record["group"]) == (str(HOST), str(group)):
                return record["mode"], set(map(IPv6Address, record["sources"]))
        return None

    def send(self, group: IPv6Address) -> None:
        """Let both sources send one packet each."""
        for source in SOURCES:
            self._speakers[source].sendto(b"data", (str(group), PORT))

    def send_from(self, source: IPv6Address, group: IPv6Address) -> None:
        """Send one packet in the name of any source, from where the sources are."""
        with self._source:
            link = LinkSocket("eth0")
        link.send(ipv6.packet(source, group, socket.IPPROTO_UDP, b"datagram"))
        link.close()

    def knows(self, group: IPv6Address) -> bool:
        """Whether the router knows that the host listens to a group."""
        return self.listener(group) is not None

    def refused(self) -> list[dict[str, Any]]:
        """What the router did not grant so far."""
        return [event for event in read_events(self._log) if event["kind"] == "refused"]

    def forwarded(self, group: IPv6Address) -> set[IPv6Address]:
        """Of which sources a packet that is sent to the group now comes to the host's link."""
        self.send(group)
        self._speakers[S1].sendto(b"fence", (str(FENCE), PORT))
        seen = set()

        def note(packet: bytes) -> bool:
            if packet[24:40] == group.packed and IPv6Address(packet[8:24]) in SOURCES:
                seen.add(IPv6Address(packet[8:24]))
            return packet[24:40] == FENCE.packed

        wait_for(self._arrivals, note)
        return seen

    def outgoing(self, source: IPv6Address, group: IPv6Address) -> list[str] | None:
        """Where the router's kernel forwards a channel to."""
        for entry in self.state()["kernel"]:
            if (entry["source"], entry["group"]) == (str(source), str(group)):
                return list(entry["outgoing"])
        return None

    def close(self) -> None:
        self._stack.close()

    def _watch(self) -> socket.socket:
        with self.host:
            frames = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            frames.bind(("eth0", 0x86DD))
        return frames

    def _speaker(self, source: IPv6Address) -> socket.socket:
        with self._source:
            speaker = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            speaker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 8)
            index = socket.if_nametoindex("eth0")
            speaker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            speaker.bind((str(source), 0))
        return self._stack.enter_context(speaker)

    def _config(self, options: dict[str, Any]) -> dict[str, Any]:
        return {
            "node": "router",
            "log": str(self._log),
            "query": str(self._query),
            "seed": 1,
            "upstream": None,
            "downstream": {"down": None, "up": None},
            "source_guard": False,
            "multicast": TIMERS | options,
        }

    def _is_ready(self) -> bool:
        return self._log.exists() and '"ready"' in self._log.read_text(encoding="utf-8")


@contextmanager
def lans(namespaces: Namespaces, directory: Path) -> Iterator[Callable[..., MulticastLan]]:
    """A function that makes such a link, of the host's MLD version and the proxy's options."""
    with starter(directory) as start, ExitStack() as stack:

        def make(version: int = 0, **options: Any) -> MulticastLan:
            lan = MulticastLan(namespaces, start, directory, version, **options)
            stack.callback(lan.close)
            return lan

        yield make


def is_general_query(frame: Frame) -> bool:
    """Whether a frame has a general query."""
    packet = ipv6.parse(frame.packet)
    if packet.payload[0] != mld.QUERY:
        return False
    message = mld.decode(packet.payload, packet.source, packet.destination)
    return isinstance(message, mld.MulticastListenerQuery) and message.group == mld.UNSPECIFIED
