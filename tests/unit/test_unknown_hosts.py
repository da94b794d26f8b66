"""A host on an access link that no access point has told of is not served, and that is said."""

from __future__ import annotations

import json
from ipaddress import IPv6Address

import pytest

from agents.kernel.sockets import Frame
from agents.roles import access_part
from agents.roles.access_part import AccessPart
from agents.wire import ipv6, ndp
from emu.narrative import ALARMS, tell

NOWHERE, ROUTERS = IPv6Address("::"), IPv6Address("ff02::2")
KNOWN, CHANGED = bytes.fromhex("020600000001"), bytes.fromhex("02000000beef")


class FakeDaemon:
    """Keeps what is to be done later, and what is written to the log."""

    def __init__(self):
        self.later, self.lines, self.log = [], [], self

    def on(self, action, handler): ...

    def carry_out(self, core, actions): ...

    def after(self, seconds, call):
        self.later.append(call)

    def write(self, kind, **fields):
        self.lines.append({"kind": kind, "node": "mar2", **fields})


class Core:
    """Notes who solicits."""

    def __init__(self):
        self.solicited = []

    def attach(self, mobile_node, now):
        return []

    def solicit(self, identifier, now):
        self.solicited.append(identifier)
        return []


class Triggers:
    """A Link_Up trigger."""

    address = KNOWN

    def recv(self, size):
        address = self.address.hex(":")
        return json.dumps({"trigger": "link_up", "mn": "mn1", "link_layer_address": address})


@pytest.fixture
def part():
    daemon = FakeDaemon()
    made = AccessPart(daemon, Core(), bytes(6), {})
    made._triggers = Triggers()
    return made


def solicit(part, source):
    payload = ndp.encode(ndp.RouterSolicitation(), NOWHERE, ROUTERS)
    packet = ipv6.IPv6Packet(NOWHERE, ROUTERS, 58, ndp.HOP_LIMIT, payload)
    part.solicited(Frame(b"", source, False, 0), packet, "mar2-radio")


def later(part):
    for call in part._daemon.later:
        call()
    part._daemon.later.clear()
    return [line for line in part._daemon.lines if line["kind"] == "unknown_host"]


def test_a_changed_address_is_told_of_once(part):
    part._trigger()
    solicit(part, KNOWN)
    solicit(part, CHANGED)
    solicit(part, CHANGED)
    (line,) = later(part)
    assert part._core.solicited == ["mn1"]
    assert line["kind"] in ALARMS
    assert CHANGED.hex(":") in tell(line, {})


def test_a_node_is_where_its_latest_trigger_says(part):
    part._trigger()
    part._triggers.address = CHANGED
    part._trigger()
    assert part.link_layer_address_of("mn1") == CHANGED


def test_a_trigger_that_is_late_is_waited_for(part):
    solicit(part, KNOWN)
    part._trigger()
    assert later(part) == []


def test_who_sends_from_many_addresses_fills_nothing(part):
    for number in range(100):
        solicit(part, number.to_bytes(6, "big"))
    assert len(later(part)) == access_part._STRANGERS
