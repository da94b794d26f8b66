"""What a kernel's MLD host says by itself when its carrier was gone and is back, and what not.

RFC 3810 section 6.1 has a host report changes of what it wants, and a carrier that returns is none.
Linux reports all the same, as if it had just begun to listen, but only the groups whose filter is
EXCLUDE: source-specific memberships, INCLUDE, wait until they are asked for. Its link-local address
stays valid, so Duplicate Address Detection decides nothing. Only who sets the host's own interface
down loses that address: all memberships are reported when its detection is over.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv6Address

import pytest

from agents.kernel.netlink import Netlink, set_sysctl
from agents.kernel.sockets import LinkSocket
from agents.wire import ipv6, mld
from agents.wire.mld import RecordType
from tests.kernel.multicast_lan import S1, Application
from tests.kernel.packets import capture
from tests.namespaces import Namespace, Namespaces
from tests.patience import PATIENCE_S, eventually

pytestmark = pytest.mark.root

ASKER = IPv6Address("fe80::bb")
ANY_SOURCE, ONLY_SOURCE = IPv6Address("ff0e::c1"), IPv6Address("ff0e::c2")
SPECIFIC = IPv6Address("ff3e::c1")
INCLUDED = {SPECIFIC, ONLY_SOURCE}
REPETITION_MS = 20
"""The longest time between the reports of one change."""
SILENCE_S = 1.0
"""Nothing for so long: no report is due any more."""
Said = dict[IPv6Address, RecordType]


class Link:
    """A host that listens, and the other end of its link, where its reports are seen."""

    def __init__(self, stack: ExitStack, namespaces: Namespaces, detects: bool) -> None:
        self.host, self.router = namespaces.new(), namespaces.new()
        namespaces.link(self.host, "eth0", self.router, "down", "", f"{ASKER}/64")
        self._seen = stack.enter_context(capture(self.router, "down"))
        with self.host:
            settings = "net/ipv6/conf/eth0"
            set_sysctl(f"{settings}/accept_dad", int(detects))
            set_sysctl(f"{settings}/mldv2_unsolicited_report_interval", REPETITION_MS)
            index = socket.if_nametoindex("eth0")
            for group in (ANY_SOURCE, SPECIFIC, ONLY_SOURCE):
                application = Application(index, group)
                stack.callback(application.close)
                application.join() if group == ANY_SOURCE else application.join_source(S1)
        assert SPECIFIC in self.said()

    def set(self, end: Namespace, name: str, *, up: bool) -> None:
        """Set one end of the link up or down."""
        with end, Netlink() as netlink:
            (netlink.up if up else netlink.down)(name)

    def forget(self) -> None:
        """What was seen so far, and the error of a socket whose link went down."""
        self._seen.setblocking(False)
        while True:
            try:
                self._seen.recv(1 << 17)
            except BlockingIOError:
                return
            except OSError:
                continue

    def said(self) -> Said:
        """The record of each group: once a report has come, until no more of them come."""
        said: Said = {}
        self._seen.settimeout(PATIENCE_S)
        while True:
            try:
                packet, sender = self._seen.recvfrom(1 << 17)
            except TimeoutError:
                return said
            if sender[2] != socket.PACKET_OUTGOING:
                said |= records(packet)
            if said:
                self._seen.settimeout(SILENCE_S)

    def ask(self) -> None:
        """A general query, to be answered at once."""
        query = mld.encode(mld.MulticastListenerQuery(mld.UNSPECIFIED, 1), ASKER, mld.ALL_NODES)
        with self.router:
            link = LinkSocket("down")
        link.send(
            ipv6.packet(ASKER, mld.ALL_NODES, ipv6.ICMPV6, query, hop_limit=1, router_alert=True)
        )
        link.close()


def records(data: bytes) -> Said:
    """Those of a report that a router would take: not from :: (RFC 3810 section 5.2.13)."""
    if data[0] >> 4 != 6:
        return {}
    packet = ipv6.parse(data)
    from_nowhere = packet.source == mld.UNSPECIFIED
    if from_nowhere or packet.next_header != ipv6.ICMPV6 or packet.payload[0] != mld.REPORT_V2:
        return {}
    message = mld.decode(packet.payload, packet.source, packet.destination)
    assert isinstance(message, mld.MulticastListenerReport)
    return {record.group: record.type for record in message.records}


@pytest.fixture(params=[False, True], ids=["dad-off", "dad-normal"])
def link(request: pytest.FixtureRequest, namespaces: Namespaces) -> Iterator[Link]:
    with ExitStack() as stack:
        yield Link(stack, namespaces, request.param)


def test_a_carrier_that_returns_has_any_source_memberships_reported_and_no_others(
    link: Link,
) -> None:
    link.set(link.router, "down", up=False)
    with link.host, Netlink() as netlink:
        eventually(lambda: not netlink.operational("eth0"))
    link.forget()
    link.set(link.router, "down", up=True)
    said = link.said()
    assert said[ANY_SOURCE] == RecordType.CHANGE_TO_EXCLUDE_MODE
    assert not INCLUDED & said.keys()
    link.ask()
    answer = link.said()
    assert {answer[group] for group in INCLUDED} == {RecordType.MODE_IS_INCLUDE}


def test_an_interface_that_was_down_has_all_of_them_reported(link: Link) -> None:
    link.set(link.host, "eth0", up=False)
    link.forget()
    link.set(link.host, "eth0", up=True)
    said = link.said()
    assert said[ANY_SOURCE] == RecordType.CHANGE_TO_EXCLUDE_MODE
    assert {said[group] for group in INCLUDED} == {RecordType.ALLOW_NEW_SOURCES}
