"""The new router asks the previous one what a node listens to, and is told (RFC 4067)."""

from ipaddress import IPv6Address

from agents.core import SECOND
from agents.cxtp.actions import ContextArrived, SendContext
from agents.cxtp.transfer import MAXIMUM_REQUESTS, ContextTransfer
from agents.wire import cxtp
from agents.wire.cxtp import ContextData, ContextReply, ContextRequest
from agents.wire.mld import AddressRecord, RecordType

NEW, PREVIOUS, STRANGER = (IPv6Address(f"2001:db8::{n}") for n in (2, 1, 9))
ADDRESS = IPv6Address("2001:db8:1:1:0:ff:fe01:1")
SOURCE = IPv6Address("2001:db8::51")
C1 = AddressRecord(RecordType.MODE_IS_INCLUDE, IPv6Address("ff3e::c1"), (SOURCE,))
C2 = AddressRecord(RecordType.MODE_IS_EXCLUDE, IPv6Address("ff1e::c2"))


def router(*records):
    known = {ADDRESS: records}
    return ContextTransfer({NEW, PREVIOUS}, lambda address: known.get(address, ()))


def of(actions, kind):
    return [action for action in actions if isinstance(action, kind)]


def ask(core, now=0):
    (send,) = of(core.request("mn1", ADDRESS, PREVIOUS, now), SendContext)
    assert send.peer == PREVIOUS
    return send.message


def test_request_data_and_reply():
    new, previous = router(), router(C1, C2)
    (data,) = of(previous.receive(ask(new), NEW, 0), SendContext)
    assert data == SendContext(ContextData(ADDRESS, (C1, C2)), NEW)
    arrived = new.receive(data.message, PREVIOUS, 0)
    assert of(arrived, ContextArrived) == [ContextArrived("mn1", (C1, C2))]
    (reply,) = of(arrived, SendContext)
    assert reply == SendContext(ContextReply(ADDRESS, success=True), PREVIOUS)
    assert of(previous.receive(reply.message, NEW, 0), SendContext) == []
    assert new.next_deadline() is None


def test_who_listens_to_nothing_brings_nothing():
    new = router()
    ask(new)
    arrived = new.receive(ContextData(ADDRESS, ()), PREVIOUS, 0)
    assert of(arrived, ContextArrived) == []
    assert len(of(arrived, SendContext)) == 1


def test_a_router_that_starts_anew_is_asked_again():
    new = router()
    first = ask(new)
    asked = []
    while (deadline := new.next_deadline()) is not None:
        asked += of(new.timer(deadline), SendContext)
    assert [send.message for send in asked] == [first] * (MAXIMUM_REQUESTS - 1)
    assert deadline is None


def test_data_counts_once_and_from_who_was_asked():
    new = router()
    ask(new)
    data = ContextData(ADDRESS, (C1,))
    assert new.receive(data, NEW, 0) == []
    assert of(new.receive(data, PREVIOUS, 0), ContextArrived)
    assert new.receive(data, PREVIOUS, 0) == []
    assert new.dropped == 2


def test_strangers_are_told_nothing():
    previous = router(C1)
    assert previous.receive(ContextRequest(ADDRESS, 1), STRANGER, SECOND) == []
    assert previous.dropped == 1


def test_the_context_fits_a_packet():
    many = [
        AddressRecord(RecordType.MODE_IS_INCLUDE, IPv6Address(f"ff3e::{n:x}"), (SOURCE,) * 3)
        for n in range(40)
    ]
    (data,) = of(router(*many).receive(ContextRequest(ADDRESS, 1), NEW, 0), SendContext)
    assert len(cxtp.encode(data.message)) < 1200
    assert data.message.records == tuple(many[: len(data.message.records)])
    assert len(data.message.records) > 10


def test_octets_in_the_order_of_the_rfc():
    request = cxtp.encode(ContextRequest(ADDRESS, 258, 0x01020304))
    assert request.hex() == "2700001c" + ADDRESS.packed.hex() + "00000102" + "01020304"
    data = cxtp.encode(ContextData(ADDRESS, (C1,), elapsed=1))
    block = "0001" + "08" + "00" + bytes(16).hex() + C1.group.packed.hex()
    block += "01000001" + "00000000" + SOURCE.packed.hex() + "00000000"
    assert data.hex() == "23400058" + "00000001" + ADDRESS.packed.hex() + block
    assert cxtp.encode(ContextReply(ADDRESS, True)).hex() == "25400014" + ADDRESS.packed.hex()
