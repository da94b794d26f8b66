"""i3 servers and clients on an ordinary machine: a group, its applications, and strangers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from agents.kernel.endpoint_socket import EndpointSocket
from agents.wire.i3 import Endpoint, Identifier, Insert, encode
from tests.unit.i3_processes import Processes, eventually, processes


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Processes]:
    """Two servers, a founder that has been told to found, and two clients."""
    with processes(tmp_path) as made:
        made.server("s1")
        made.server("s2", "s1")
        eventually(lambda: all(_is_in_ring(made, name) for name in ("s1", "s2")))
        made.client("c0", "s1", founder=True)
        made.client("c1", "s2", "s1")
        made.client("c2", "s1", "s2")
        yield made


def _is_in_ring(made: Processes, server: str) -> bool:
    state = made.state(server)["i3_server"]
    return None not in (state["predecessor"], state["successor"])


def is_in(group: Processes, client: str) -> bool:
    return bool(group.state(client)["i3_client"]["phase"] == "in tree")


def test_who_is_connected_gets_what_the_founder_sends(group: Processes) -> None:
    source = group.application("c0")
    eventually(lambda: is_in(group, "c0"))
    first, second = group.application("c1"), group.application("c2")
    eventually(lambda: is_in(group, "c1") and is_in(group, "c2"))
    also = group.application("c1")
    eventually(lambda: bool(source.send(b"probe")) and _got(first, b"probe", 0.1))
    source.send(b"to all")
    for receiver in (first, also, second):
        eventually(lambda receiver=receiver: _got(receiver, b"to all", 0.1))  # type: ignore[misc]
    path = group.state("c1")["i3_client"]["path"]
    assert path[0] == group.state("c0")["i3_client"]["identifier"]

    # The last application takes its client out of the group.
    first.close()
    eventually(lambda: is_in(group, "c1"))
    also.close()
    eventually(lambda: group.state("c1")["i3_client"]["phase"] == "out")
    phases = [event["phase"] for event in group.events("c1") if event["kind"] == "i3_place"]
    assert phases == ["out", "searching", "inserting", "in tree", "out"]


def test_strangers_change_nothing_and_are_counted(group: Processes) -> None:
    source = group.application("c0")
    eventually(lambda: is_in(group, "c0"))
    eventually(lambda: _owners(group) == {_endpoint(group, "c0")})
    # A trigger that points to somebody else: it is asked whether it wants that, and does not.
    victim = Endpoint(socket.inet_pton(socket.AF_INET6, "2001:db8::1") + b"\x00\x50")
    everybody = Endpoint(socket.inet_pton(socket.AF_INET6, "ff02::1") + b"\x00\x50")
    for server in ("s1", "s2"):
        group.send(server, b"\x01")
        group.send(server, b"\xff" * 60)
        for target in (victim, everybody):
            group.send(server, encode(Insert(Identifier(bytes(32)), target)))
    group.send("c0", b"\x01\x05")
    for name in ("s1", "s2"):
        eventually(lambda name=name: group.state(name)["malformed"] == 2)  # type: ignore[misc]
    eventually(lambda: group.state("c0")["malformed"] == 1)
    eventually(lambda: sum(group.state(s)["i3_server"]["unsendable"] for s in ("s1", "s2")) > 0)
    assert _owners(group) == {_endpoint(group, "c0")}
    source.close()


def test_nothing_is_sent_to_groups_nor_to_this_machine_itself() -> None:
    outside = EndpointSocket(0)
    inside = EndpointSocket(0, IPv6Address("::1"))
    for address in ("ff02::1", "::", "fe80::1", "::ffff:224.0.0.1", "::ffff:0.0.0.0"):
        assert not outside.send(b"", IPv6Address(address), 9)
        assert not inside.send(b"", IPv6Address(address), 9)
    for loopback in ("::1", "::ffff:127.0.0.1"):
        assert not outside.send(b"", IPv6Address(loopback), 9)
    assert inside.send(b"", IPv6Address("::1"), 9)
    assert not inside.send(b"", IPv6Address("::1"), 0)
    outside.close()
    inside.close()


def _owners(group: Processes) -> set[str]:
    """Whose triggers the servers have."""
    states = [group.state(server)["i3_server"] for server in ("s1", "s2")]
    return {trigger["owner"] for state in states for trigger in state["triggers"]}


def _endpoint(group: Processes, name: str) -> str:
    octets = socket.inet_pton(socket.AF_INET6, "::1") + group.port(name).to_bytes(2, "big")
    return octets.hex(":")


def _got(receiver: socket.socket, wanted: bytes, timeout: float) -> bool:
    """Whether a packet comes, now or after others."""
    receiver.settimeout(timeout)
    try:
        while receiver.recv(2000) != wanted:
            pass
    except TimeoutError:
        return False
    return True
