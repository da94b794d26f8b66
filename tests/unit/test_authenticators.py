"""Authenticators are checked over the octets that came, as the RFCs' formulas have them.

What others send has other padding, reserved bits, and options that we do not know.
"""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import IPv6Address

import pytest

from agents.core import SECOND
from agents.mipv6.keys import TYPE_TAG
from agents.mipv6.security import Security
from agents.mobility.authentication import Authenticator
from agents.wire import authentication, mobility
from agents.wire.errors import Unauthentic
from agents.wire.mobility import BindingUpdate, BindingUpdateFlag, Status
from agents.wire.mobility_options import (
    BindingAuthorizationData,
    CgaParameters,
    MobileNodeIdentifier,
    Signature,
    UnknownOption,
)
from tests.unit.test_binding_security import CARE_OF, DAR, HOME, KEYS, PARAMETERS, TESTED, Pair
from tests.unit.wire_strategies import with_checksum

MAR, LMA = IPv6Address("2001:db8:ffff::1"), IPv6Address("2001:db8:ffff::2")
SECRET = b"correct horse"
NOW = 1_790_000_000 * SECOND


def octets(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


def message(body: bytes, source: IPv6Address, destination: IPv6Address) -> bytes:
    """A Binding Update with this behind its checksum; the checksum is right."""
    head = bytes((59, (6 + len(body)) // 8 - 1, 5, 0)) + bytes(2)
    return with_checksum(head + body, 135, source, destination)


def blank(data: bytes) -> bytes:
    return data[:4] + bytes(2) + data[6:]


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha1).digest()[:12]


# RFC 6275 section 6.2.7: care-of address | correspondent | MH Data without the authenticator


def authorized(update: BindingUpdate, key: bytes, address: IPv6Address, padding: str) -> bytes:
    """The same update with this padding, an unknown option and reserved bits set."""
    indices = update.options[0].encode()
    fixed = update.sequence.to_bytes(2, "big") + octets("c00f") + octets("004b")
    options = octets("0404") + indices + octets("c803 010203") + octets(padding) + octets("050c")
    data = message(fixed + options + bytes(12), CARE_OF, DAR)
    code = mac(key, address.packed + DAR.packed + blank(data)[:-12])
    return message(fixed + options + code, CARE_OF, DAR)


@pytest.mark.parametrize("padding", ["0101 00", "0101 ff", "00" * 3])
def test_an_authenticator_is_for_the_octets_that_came(padding):
    pair = Pair(TESTED)
    pair.test(HOME)
    pair.test(CARE_OF)
    key, _ = pair.node._used[HOME] if pair.update(CARE_OF) else (b"", None)
    came = mobility.decode(authorized(pair.update(CARE_OF), key, CARE_OF, padding), CARE_OF, DAR)
    assert isinstance(came, BindingUpdate)
    assert isinstance(came.options[1], UnknownOption)
    assert came.flags == BindingUpdateFlag.A | BindingUpdateFlag.H
    assert pair.verify(came, CARE_OF) is Status.ACCEPTED
    changed = bytearray(came.octets)
    changed[9] ^= 1  # a reserved bit
    forged = mobility.decode(with_checksum(bytes(changed), 135, CARE_OF, DAR), CARE_OF, DAR)
    assert forged == came
    assert pair.verify(forged, CARE_OF) is None


def test_where_a_binding_is_removed_the_authenticator_names_the_home_address():
    pair = Pair(TESTED)
    pair.test(HOME, deregistration=True)
    update = pair.update(CARE_OF, lifetime=0)
    key, _ = pair.node._used[HOME]
    covered = blank(update.octets)[:-12]
    assert update.octets[-12:] == mac(key, HOME.packed + DAR.packed + covered)
    assert pair.verify(update, CARE_OF) is Status.ACCEPTED
    answer = pair.acknowledge(update, CARE_OF)
    encoded = mobility.encode(answer, DAR, CARE_OF)
    assert encoded[-12:] == mac(key, HOME.packed + DAR.packed + blank(encoded)[:-12])


# RFC 4866 section 4.5: care-of address | correspondent | MH Data up to the last CGA Parameters

SIGNED = Security(cga=True)


def parts(*lengths: int) -> bytes:
    """CGA Parameters options with the data structure in parts of these lengths, and the rest."""
    structure, options = PARAMETERS.encode(), b""
    for length in lengths:
        options += bytes((12, len(structure[:length]))) + structure[:length]
        structure = structure[length:]
    assert not structure
    return options


def signed(between: bytes = b"", lengths: tuple[int, ...] = (255,), fixed: str = "") -> bytes:
    head = octets(fixed or "0001 c00f 004b")
    parameters = parts(*lengths)
    signature = bytes((13, KEYS.signature_size)) + bytes(KEYS.signature_size)
    tail = octets("c803 010203")  # of a type that we do not know
    size = 6 + len(head + parameters + between + signature + tail)
    tail += bytes(-size % 8)
    data = message(head + parameters + between + signature + tail, CARE_OF, DAR)
    covered = blank(data)[: 6 + len(head) + len(parameters)]
    made = KEYS._private_key.sign(TYPE_TAG + CARE_OF.packed + DAR.packed + covered, *RSA)
    signature = signature[:2] + made
    return message(head + parameters + between + signature + tail, CARE_OF, DAR)


def rsa():
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return padding.PKCS1v15(), hashes.SHA1()


RSA = rsa()


def verdict(data: bytes) -> Status | None:
    update = mobility.decode(data, CARE_OF, DAR)
    assert isinstance(update, BindingUpdate)
    return Pair(SIGNED).verify(update, CARE_OF)


def test_a_signature_is_for_the_octets_up_to_the_last_cga_parameters():
    assert verdict(signed()) is Status.ACCEPTED
    assert verdict(signed(between=octets("0102 aabb"))) is Status.ACCEPTED  # padding


@pytest.mark.parametrize(
    ("between", "lengths"),
    [
        (octets("c803 010203"), (255,)),  # section 4.5: directly followed by the Signature
        (b"", (100, 255)),  # section 5.1: 255 octets in all but the last
    ],
)
def test_cga_parameters_and_their_signature_are_where_they_must_be(between, lengths):
    refused = Status.CGA_AND_SIGNATURE_VERIFICATION_FAILED
    assert verdict(signed(between, lengths)) is refused


def test_ours_is_by_the_formula():
    pair = Pair(Security(cga=True, return_routability=True))
    pair.test(HOME)
    pair.test(CARE_OF)
    update = pair.update(CARE_OF)
    kinds = [type(option) for option in update.options]
    assert kinds[-3:] == [CgaParameters, Signature, BindingAuthorizationData]
    structure, signature, _ = (option.encode() for option in update.options[-3:])
    end = update.octets.index(structure) + len(structure)
    covered = TYPE_TAG + CARE_OF.packed + DAR.packed + blank(update.octets)[:end]
    KEYS._private_key.public_key().verify(signature, covered, *RSA)


def test_a_forged_authenticator_is_dropped_before_its_signature_is_looked_at(monkeypatch):
    """RFC 4866 section 4.6."""
    pair = Pair(Security(cga=True, return_routability=True))
    pair.test(HOME)
    pair.test(CARE_OF)
    data = bytearray(pair.update(CARE_OF).octets)
    data[-1] ^= 1
    forged = mobility.decode(with_checksum(bytes(data), 135, CARE_OF, DAR), CARE_OF, DAR)
    monkeypatch.setattr(pair.anchor, "_is_signed", None)
    assert pair.verify(forged, CARE_OF) is None


# RFC 4285 section 5.1: care-of address | home address | MH Data up to the SPI

IDENTIFIER = "0804 01 6d6e31"
TIME = "0a08" + authentication.ntp_time(NOW).to_bytes(8, "big").hex()
SPI = "0911 01 00000100"


def sealed(*options: str, behind: str = "") -> bytes:
    """The update with these options, as many Pad1 as it takes, and the code at its end."""
    body, spi = octets("0001 800f 004b" + "".join(options)), octets(SPI)
    body += bytes(-(6 + len(body + spi) + 12 + len(octets(behind))) % 8) + spi
    data = message(body + bytes(12) + octets(behind), MAR, LMA)
    code = mac(SECRET, MAR.packed + LMA.packed + blank(data)[: 6 + len(body)])
    return message(body + code + octets(behind), MAR, LMA)


OTHERS = {
    "one octet of padding": (IDENTIFIER, TIME),
    "much padding": (IDENTIFIER, "0000", "0100", TIME, "0103 000000"),
    "padding with something in it": (IDENTIFIER, "0104 01020304", TIME),
    "the time first": ("0102 0000", TIME, IDENTIFIER),
    "padding behind": (IDENTIFIER, TIME, "00000000"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_code_is_for_the_octets_that_came(name):
    data = sealed(*OTHERS[name], behind="0102 0000" if name == "padding behind" else "")
    original = Authenticator(SECRET, NOW - SECOND).open(data, MAR, LMA, NOW)
    expected = BindingUpdate(1, 300, BindingUpdateFlag.A, (MobileNodeIdentifier("mn1"),))
    assert mobility.decode(original, MAR, LMA) == expected
    changed = bytearray(data)
    changed[9] ^= 1  # a reserved bit
    with pytest.raises(Unauthentic, match="code"):
        Authenticator(SECRET, NOW - SECOND).open(
            with_checksum(bytes(changed), 135, MAR, LMA), MAR, LMA, NOW
        )


@pytest.mark.parametrize(
    ("options", "behind", "why"),
    [
        ((IDENTIFIER, TIME), "c801 00", "end with"),
        ((IDENTIFIER,), "", "when it was sent"),
        ((IDENTIFIER, TIME, TIME), "", "when it was sent"),
        ((IDENTIFIER, "0a06 000000000000"), "", "another length"),
        ((IDENTIFIER, TIME, SPI, "00" * 12), "", "end with"),
    ],
    ids=["code not last", "no time", "two times", "short time", "two codes"],
)
def test_both_options_are_there_once_and_the_code_last(options, behind, why):
    data = sealed(*options, behind=behind)
    with pytest.raises(Unauthentic, match=why):
        Authenticator(SECRET, NOW - SECOND).open(data, MAR, LMA, NOW)
