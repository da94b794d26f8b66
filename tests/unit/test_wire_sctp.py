"""SCTP as RFC 9260 and RFC 4895 have it, in octets written by hand."""

from __future__ import annotations

import hmac
import struct
from dataclasses import replace

import pytest

from agents.core import SECOND
from agents.sctp.actions import Deliver
from agents.wire import sctp, sctp_authentication
from agents.wire.errors import MalformedPacket
from agents.wire.sctp import Packet
from agents.wire.sctp_chunks import CookieAck, Data, Error, Init
from tests.unit.sctp_net import A, B, Net

KEY = b"correct horse battery staple"

HEADER = "13e3 13e3 12345678"
DATA = "00 07 0015 00000009 0000 0000 00000000 68656c6c6f 000000"
"""Section 3.3.1: whole and unordered; TSN 9, stream 0, the sequence number means nothing."""
COOKIE_ACK = "0b 00 0004"
ERROR = "09 00 0008 0009 0004"
UNKNOWN = {kind: f"{kind:02x} 00 0006 aabb 0000" for kind in (0x3E, 0x7E, 0xBE, 0xFE)}


def octets(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


def packet(*chunks: str) -> bytes:
    """A packet of these chunks, with its checksum."""
    data = bytearray(octets(HEADER) + bytes(4) + b"".join(map(octets, chunks)))
    data[8:12] = sctp.crc32c(data).to_bytes(4, "little")
    return bytes(data)


def test_data_is_whole_and_unordered():
    message = Packet(5091, 5091, 0x12345678, (Data(9, 0, b"hello", unordered=True),))
    assert sctp.encode(message) == packet(DATA)
    assert sctp.decode(packet(DATA)) == message
    immediate = DATA.replace("00 07", "00 ff", 1)  # I, and the reserved bits
    assert sctp.decode(packet(immediate)) == message


@pytest.mark.parametrize("kind", UNKNOWN)
def test_the_type_of_an_unknown_chunk_says_what_becomes_of_the_rest(kind):
    """Section 3.2, table 2: 00 and 01 end the packet, 10 and 11 are skipped."""
    chunks = sctp.decode(packet(COOKIE_ACK, UNKNOWN[kind], DATA)).chunks
    assert tuple(map(type, chunks)) == ((CookieAck, Data) if kind & 0x80 else (CookieAck,))


def test_what_is_behind_an_error_counts():
    assert sctp.decode(packet(ERROR, DATA)).chunks[:1] == (Error(octets("0009 0004")),)
    assert len(sctp.decode(packet(ERROR, DATA)).chunks) == 2


RANDOM = "8002 0024" + "ab" * 32
INIT = "01 00 0038 00000005 00010000 0001 0001 00000007"


@pytest.mark.parametrize(
    ("unknown", "seen"), [("3ffe", False), ("7ffe", False), ("bffe", True), ("fffe", True)]
)
def test_the_type_of_an_unknown_parameter_says_what_becomes_of_the_rest(unknown, seen):
    """Section 3.2.1, table 3."""
    long = INIT.replace("0038", "0040", 1)
    (init,) = sctp.decode(packet(long + unknown + "0006 aabb 0000" + RANDOM)).chunks
    assert init == Init(5, 65536, 7, octets(RANDOM) if seen else b"")


@pytest.mark.parametrize(
    ("field", "value"),
    [("00010000", "000005db"), ("0001 0001", "0000 0001"), ("0001 0001", "0001 0000")],
)
def test_an_association_has_streams_and_a_window(field, value):
    """Section 3.3.2: a window under 1500 octets, or no streams: the packet is discarded."""
    with pytest.raises(MalformedPacket, match="streams"):
        sctp.decode(packet(INIT.replace(field, value, 1) + RANDOM))


AUTH = "0f 00 0028 0001 0003"
SECRET = b"a secret"


def sealed(*chunks: str) -> str:
    """AUTH before these chunks: section 4.1, the code over itself blank and what follows."""
    covered = octets(AUTH) + bytes(32) + b"".join(map(octets, chunks))
    return " ".join((AUTH, hmac.digest(SECRET, covered, "sha256").hex(), *chunks))


@pytest.mark.parametrize("before", [(), (UNKNOWN[0xBE],), (ERROR,), (UNKNOWN[0xBE], ERROR)])
def test_what_stands_before_auth_is_not_covered(before):
    """RFC 4895 section 5.1."""
    came = sctp.decode(packet(*before, sealed(COOKIE_ACK, UNKNOWN[0xBE], DATA)))
    assert sctp_authentication.is_authentic(came, sctp_authentication.Key(SECRET, 3))
    assert tuple(map(type, came.sealed)) == (CookieAck, Data)
    assert tuple(map(type, came.plain)) == ((Error,) if ERROR in before else ())


def test_there_is_one_auth_at_most():
    with pytest.raises(MalformedPacket, match="two AUTH"):
        sctp.decode(packet(sealed(sealed(DATA))))


def established(keys):
    net = Net(keys=keys)
    net.send(A, B, b"hello")
    net.run()
    sent = [p for at, p in net.packets if at == A and any(isinstance(c, Data) for c in p.chunks)]
    return net, sent[-1].tag, next(c.tsn for c in sent[-1].chunks if isinstance(c, Data)) + 1


def received(net, data):
    actions = net.ends[B].receive(sctp.decode(data), A, SECOND)
    return [action.message for action in actions if isinstance(action, Deliver)]


def with_before(data: bytes, chunk: str) -> bytes:
    blank = bytearray(data[:8] + bytes(4) + octets(chunk) + data[12:])
    blank[8:12] = sctp.crc32c(blank).to_bytes(4, "little")
    return bytes(blank)


@pytest.mark.parametrize("before", [UNKNOWN[0xBE], ERROR, COOKIE_ACK])
def test_an_endpoint_takes_what_is_authentic_behind_what_is_not(before):
    net, _, _ = established((KEY, KEY))
    net.loss = 1.0
    net.send(A, B, b"second")
    assert received(net, with_before(sctp.encode(net.packets[-1][1]), before)) == [b"second"]


def test_what_is_before_auth_has_no_effect_under_a_key():
    net, _, tsn = established((KEY, KEY))
    net.loss = 1.0
    net.send(A, B, b"second")
    forged = Data(tsn, 0, b"forged", unordered=True)
    genuine = net.packets[-1][1]
    mixed = replace(genuine, chunks=(forged, *genuine.chunks))
    assert received(net, sctp.encode(mixed)) == [b"second"]


def test_without_a_key_what_is_behind_auth_is_discarded():
    """RFC 4895 section 6.3: there is no key of that identifier."""
    net, tag, tsn = established((None, None))
    ahead = "00 07 0011 {:08x} 0000 0000 00000000 {} 000000"
    data = packet(ahead.format(tsn, "01"), sealed(ahead.format(tsn + 1, "02")))
    head = bytearray(struct.pack("!HHI4x", 5091, 5091, tag) + data[12:])
    head[8:12] = sctp.crc32c(head).to_bytes(4, "little")
    assert received(net, bytes(head)) == [b"\x01"]
