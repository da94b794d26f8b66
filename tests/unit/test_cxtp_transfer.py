"""The new router asks the previous one what a node listens to, and is told (RFC 4067)."""

from ipaddress import IPv6Address

import pytest

from agents.core import SECOND
from agents.cxtp.actions import ContextArrived, SendContext
from agents.cxtp.transfer import MAXIMUM_REQUESTS, ContextTransfer
from agents.wire import cxtp
from agents.wire.cxtp import ContextCancel, ContextData, ContextReply, ContextRequest
from agents.wire.errors import MalformedPacket
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
    assert data == SendContext(ContextData(ADDRESS, (C1, C2), key=b""), NEW)
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


GROUP = C2.group.packed.hex()
REQUEST = "2700001c" + ADDRESS.packed.hex() + "00000102"
BLOCK = "0001 04 00" + "0000000000000000" + GROUP
"""Appendix B: a prefix of 8 octets, a group of 16, and padding to 64 bits."""


def octets(text):
    return bytes.fromhex(text.replace(" ", ""))


def data_of(*blocks, kind="23", between=""):
    body = octets("00000001" + ADDRESS.packed.hex() + between + "".join(blocks))
    return octets(kind + "40") + (4 + len(body)).to_bytes(2, "big") + body


def test_a_context_by_the_rfc_is_understood():
    """It says nothing of sources: somebody listens to the group, as with MLDv1."""
    expected = ContextData(ADDRESS, (AddressRecord(RecordType.MODE_IS_EXCLUDE, C2.group),), 1)
    assert cxtp.decode(data_of(BLOCK + "00000000")) == expected
    with_vector = "0001 05 80 c0000000" + BLOCK[10:] + "0000000000000000"
    without_prefix = "0001 03 80 40000000" + GROUP
    for block in (with_vector, without_prefix):
        assert cxtp.decode(data_of(block)) == expected
    with pytest.raises(MalformedPacket, match="without a group"):
        cxtp.decode(data_of("0001 03 80 80000000" + GROUP))
    with pytest.raises(MalformedPacket):
        cxtp.decode(data_of("0001 03 00" + "0000000000000000" + GROUP[:24]))


def test_octets_in_the_order_of_the_rfc():
    request = cxtp.encode(ContextRequest(ADDRESS, 258, 0x01020304))
    assert request == octets(REQUEST + "01020304")
    assert cxtp.encode(ContextData(ADDRESS, (C2,), 1)) == data_of(BLOCK + "02000000")
    source = "0001 06 00 0000000000000000" + C1.group.packed.hex()
    source += "01000001" + SOURCE.packed.hex()
    assert cxtp.encode(ContextData(ADDRESS, (C1,), 1)) == data_of(source)
    assert cxtp.encode(ContextReply(ADDRESS, True)).hex() == "25400014" + ADDRESS.packed.hex()
    assert cxtp.encode(ContextCancel(ADDRESS)).hex() == "26000014" + ADDRESS.packed.hex()


@pytest.mark.parametrize("message", [
    ContextData(ADDRESS, (C2,), 1, key=b"key!"),
    ContextData(ADDRESS, (C2,), 1, key=b""),
])  # fmt: skip
def test_a_predictive_context_has_the_key(message):
    """Section 2.5.3: algorithm 1, the key's length, the key."""
    key = f"0001{len(message.key):04x}" + message.key.hex()
    written = data_of(BLOCK + "02000000", kind="24", between=key)
    assert cxtp.encode(message) == written
    assert cxtp.decode(written) == message


def test_who_asks_without_a_token_gets_the_key():
    """Section 2.5.6. Nodes have none here, so it is empty."""
    previous = router(C1)
    for token, key in ((0, b""), (1, None)):
        (data,) = of(previous.receive(ContextRequest(ADDRESS, 1, token), NEW, 0), SendContext)
        assert data.message == ContextData(ADDRESS, (C1,), key=key)


@pytest.mark.parametrize(
    ("blocks", "profiles", "records"),
    [
        ("", (), (C1,)),
        ("0001 00 00", (1,), (C1,)),
        ("0002 00 00" + "0001 01 00 00000000", (2, 1), (C1,)),
        ("0002 00 00", (2,), ()),
    ],
)
def test_only_the_contexts_that_are_asked_for_are_sent(blocks, profiles, records):
    """Section 2.5.1: none named, all. A block of a request may be 4 octets only (section 2.4)."""
    length = 0x1C + len(octets(blocks))
    request = octets(REQUEST.replace("001c", f"{length:04x}") + "00000001" + blocks)
    message = cxtp.decode(request)
    assert message == ContextRequest(ADDRESS, 258, 1, profiles)
    (data,) = of(router(C1).receive(message, NEW, 0), SendContext)
    assert data.message.records == records


def test_a_cancelled_transfer_is_over_anyway():
    """Section 2.5.5: a CTD is sent at once, so there is nothing left to end."""
    previous = router(C1)
    assert of(previous.receive(ContextCancel(ADDRESS), NEW, 0), SendContext) == []
    assert previous.dropped == 0
