"""One MLD proxy on the bench: its links, messages for it, and what its actions say."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address
from random import Random
from typing import Any

from agents.core import Action, Log
from agents.multicast.actions import RemoveForwarding, SendMld, SetForwarding
from agents.multicast.config import ProxyConfig
from agents.multicast.proxy import MldProxy
from agents.multicast.selection import UpstreamSelection
from agents.wire.mld import (
    AddressRecord,
    MulticastListenerQuery,
    MulticastListenerReport,
    RecordType,
)

MN1, MN2, PEER = (IPv6Address(f"fe80::{n}") for n in ("a1", "a2", "b1"))
S1, S2 = IPv6Address("2001:db8::51"), IPv6Address("2001:db8::52")
G = IPv6Address("ff0e::c1")
ALLOW, BLOCK = RecordType.ALLOW_NEW_SOURCES, RecordType.BLOCK_OLD_SOURCES
TO_IN, TO_EX = RecordType.CHANGE_TO_INCLUDE_MODE, RecordType.CHANGE_TO_EXCLUDE_MODE
IS_IN, IS_EX = RecordType.MODE_IS_INCLUDE, RecordType.MODE_IS_EXCLUDE
CONFIG = ProxyConfig()
LLQT = CONFIG.last_listener_query_time


def mar(*tunnels: str, selection: UpstreamSelection | None = None) -> MldProxy:
    """A MAR: radio downstream, core upstream, tunnels both."""
    proxy = MldProxy(CONFIG, Random(1), selection)
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    for number, name in enumerate(tunnels, 3):
        proxy.add_link(
            name, IPv6Address(f"fe80::{number}"), 0, upstream=True, downstream=True, on_demand=True
        )
    proxy.add_link("core", IPv6Address("fe80::2"), 0, upstream=True, downstream=False)
    return proxy


def report(
    kind: RecordType, *sources: IPv6Address, group: IPv6Address = G
) -> MulticastListenerReport:
    return MulticastListenerReport((AddressRecord(kind, group, sources),))


def mac(host: IPv6Address) -> bytes:
    return b"\2" + host.packed[-5:]


def arrive(
    proxy: MldProxy,
    host: IPv6Address,
    previous: str | None,
    now: int,
    anchors: tuple[str, ...] = (),
) -> list[Action]:
    """A host comes to the radio, and is bound at once."""
    came = proxy.attached(host, "radio", now, mac(host))
    return [*came, *proxy.bound(host, "radio", previous, now, anchors)]


def run(proxy: MldProxy, until: int) -> list[Action]:
    """Let the timers work up to a time."""
    actions: list[Action] = []
    while (deadline := proxy.next_deadline()) is not None and deadline <= until:
        actions += proxy.timer(deadline)
    return actions


def told(
    actions: Sequence[Action], link: str
) -> list[tuple[RecordType, IPv6Address, tuple[IPv6Address, ...]]]:
    """The records of the reports sent on a link."""
    sent = [a.message for a in actions if isinstance(a, SendMld) and a.link == link]
    reports = [message for message in sent if isinstance(message, MulticastListenerReport)]
    return [(r.type, r.group, r.sources) for message in reports for r in message.records]


def asked(actions: Sequence[Action], link: str) -> list[SendMld]:
    """The queries sent on a link."""
    sent = [a for a in actions if isinstance(a, SendMld) and a.link == link]
    return [action for action in sent if isinstance(action.message, MulticastListenerQuery)]


def forwarding(actions: Sequence[Action]) -> list[Action]:
    return [a for a in actions if isinstance(a, SetForwarding | RemoveForwarding)]


def logged(actions: Sequence[Action], kind: str) -> list[dict[str, Any]]:
    return [a.fields for a in actions if isinstance(a, Log) and a.kind == kind]
