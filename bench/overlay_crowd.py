"""Members of an overlay in one process that only count what they get: receivers for a benchmark."""

from __future__ import annotations

import multiprocessing
import selectors
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
from random import Random

from agents.core import Action
from agents.kernel.overlay_socket import OverlaySocket
from agents.overlay.actions import SendDatagram, SendDatagrams
from agents.overlay.config import OverlayConfig
from agents.overlay.member import Member, Self
from agents.overlay.sealing import Sealer
from agents.wire.addresses import mapped
from agents.wire.i3 import endpoint
from agents.wire.overlay import PORT, MemberId
from agents.wire.overlay_items import Interest
from tests.kernel.overlay_hosts import Host


@contextmanager
def crowd(
    hosts: Sequence[Host], group: IPv6Address, keys: Mapping[int, bytes], degree: int
) -> Iterator[None]:
    """A member on each of these hosts, all of which want the group and know host 1."""
    process = multiprocessing.get_context("fork").Process(
        target=_serve, args=(hosts, group, keys, degree), daemon=True
    )
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _serve(
    hosts: Sequence[Host], group: IPv6Address, keys: Mapping[int, bytes], degree: int
) -> None:
    members = {}
    with selectors.DefaultSelector() as selector:
        for host in hosts:
            with host.namespace:
                port = OverlaySocket(PORT)
            member = _member(host.number, keys, degree)
            members[member] = port
            selector.register(port.fileno(), selectors.EVENT_READ, member)
            _carry_out(port, member.want(group, Interest(group, True), time.monotonic_ns()))
        while True:
            now = time.monotonic_ns()
            due = min((m.next_deadline() or now for m in members), default=now + 10**9)
            for key, _ in selector.select(max(0, due - now) / 1e9):
                received = members[key.data].receive()
                if received is not None:
                    datagrams, sender, ecn = received
                    actions = key.data.receive_run(datagrams, sender, time.monotonic_ns(), ecn)
                    _carry_out(members[key.data], actions)
            now = time.monotonic_ns()
            for member, port in members.items():
                if (member.next_deadline() or now) <= now:
                    _carry_out(port, member.timer(now))


def _member(number: int, keys: Mapping[int, bytes], degree: int) -> Member:
    random = Random(number)
    identifier = MemberId(random.randbytes(8))
    here, first = (endpoint(mapped(IPv4Address(f"10.0.{n}.2")), PORT) for n in (number, 1))
    return Member(
        Self(identifier, f"n{number}", (here,), True),
        (first,),
        Sealer(identifier, keys, min(keys, default=0)),
        OverlayConfig(degree=degree),
        random,
        time.monotonic_ns(),
    )


def _carry_out(port: OverlaySocket, actions: list[Action]) -> None:
    for action in actions:
        if isinstance(action, SendDatagram):
            port.send(action.datagram, action.destinations, action.traffic_class)
        elif isinstance(action, SendDatagrams):
            port.send_run(action.datagrams, action.destinations, action.traffic_class)
