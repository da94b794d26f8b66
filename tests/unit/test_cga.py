"""Cryptographically Generated Addresses (RFC 3972): made, verified, and never mistaken."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.mipv6 import cga, keys
from agents.wire.errors import MalformedPacket

PREFIX = IPv6Network("2001:db8:1:1::/64")
KEYS = keys.KeyPair.generate()
MODIFIER = bytes(range(16))

modifiers = st.binary(min_size=16, max_size=16)
extensions = st.lists(
    st.builds(
        lambda kind, data: kind.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data,
        st.integers(0, 0xFFFF),
        st.binary(max_size=20),
    ),
    max_size=3,
).map(b"".join)


def test_the_identifier_of_the_rfcs_example():
    """Appendix B: Hash1 fd4a:5bf6:ffb4:ca6c with Sec 1 makes fe80::3c4a:5bf6:ffb4:ca6c."""
    identifier = cga.interface_identifier(0xFD4A_5BF6_FFB4_CA6C, 1)
    assert IPv6Address("fe80::") + identifier == IPv6Address("fe80::3c4a:5bf6:ffb4:ca6c")


def test_the_layout_of_what_is_hashed():
    public_key = bytes.fromhex("3003 020107")
    extension = bytes.fromhex("fffd 0002 abcd")
    parameters = cga.Parameters(MODIFIER, PREFIX, 2, public_key, extension)
    subnet = bytes.fromhex("20010db800010001")
    whole = MODIFIER + subnet + b"\x02" + public_key + extension
    assert parameters.encode() == whole
    assert parameters.hash1() == int(hashlib.sha1(whole).hexdigest()[:16], 16)
    without = MODIFIER + bytes(9) + public_key + extension
    assert parameters.hash2() == int(hashlib.sha1(without).hexdigest()[:28], 16)


def test_a_known_answer():
    """What sha1sum says of modifier, prefix, collision count and key, written one after another."""
    public_key = bytes.fromhex("3003020107")
    address, parameters = cga.generate(public_key, PREFIX, bytes(16), sec=0)
    assert address == PREFIX[0x1408_97E9_7431_3260]
    assert cga.verify(address, parameters)


@pytest.mark.parametrize("sec", [0, 1])
def test_what_is_made_verifies(sec):
    address, parameters = cga.generate(KEYS.public_key, PREFIX, MODIFIER, sec)
    assert address in PREFIX
    assert int(address) >> 61 & 0b111 == sec
    assert int(address) >> 56 & 0b11 == 0  # the u and g bits
    assert parameters.hash2() >> (112 - 16 * sec) == 0
    assert cga.verify(address, cga.Parameters.decode(parameters.encode()))


def test_a_stronger_sec_demands_more_zeros():
    """Sec 2 takes 2**32 hashes to make, but one to refuse what is too cheap for it."""
    _, parameters = cga.generate(KEYS.public_key, PREFIX, MODIFIER, 1)
    assert not parameters.hard_enough(2)
    assert not cga.verify(parameters.address(2), parameters)
    with pytest.raises(ValueError, match="Sec 3"):
        cga.generate(KEYS.public_key, PREFIX, MODIFIER, 3)


@given(modifiers, extensions, st.integers(0, 2))
def test_round_trip(modifier, fields, collisions):
    _, parameters = cga.generate(KEYS.public_key, PREFIX, modifier, 0, fields)
    parameters = replace(parameters, collision_count=collisions)
    assert cga.Parameters.decode(parameters.encode()) == parameters
    assert cga.verify(parameters.address(0), parameters)


@given(modifiers, st.data())
def test_a_changed_octet_is_noticed(modifier, data):
    address, parameters = cga.generate(KEYS.public_key, PREFIX, modifier, 0, b"\xff\xfd\0\1x")
    octets = bytearray(parameters.encode())
    position = data.draw(st.integers(0, len(octets) - 1))
    octets[position] ^= data.draw(st.integers(1, 255))
    try:
        changed = cga.Parameters.decode(bytes(octets))
    except MalformedPacket:
        return
    assert not cga.verify(address, changed)


@given(st.integers(0, 127))
def test_another_address_is_not_ones_own(bit):
    address, parameters = cga.generate(KEYS.public_key, PREFIX, MODIFIER, 0)
    other = IPv6Address(int(address) ^ 1 << bit)
    ignored = {63 - 6, 63 - 7}  # u and g; Sec asks for zeros that are not there
    assert cga.verify(other, parameters) == (bit in ignored)


def test_a_collision_count_beyond_2_is_an_attack():
    _, parameters = cga.generate(KEYS.public_key, PREFIX, MODIFIER, 0)
    third = replace(parameters, collision_count=3)
    assert not cga.verify(third.address(0), third)


def test_a_prefix_of_another_length_makes_no_address():
    with pytest.raises(ValueError, match="64 bits"):
        cga.generate(KEYS.public_key, IPv6Network("2001:db8::/48"), MODIFIER, 0)


@settings(max_examples=300)
@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda rest: bytes(25) + b"0" + rest))
def test_any_octets(data):
    try:
        parameters = cga.Parameters.decode(data)
    except MalformedPacket:
        return
    assert parameters.encode() == data


@given(st.binary(max_size=100), st.binary(min_size=1, max_size=100))
def test_a_signature_is_of_one_message(message, other):
    signature = KEYS.sign(message)
    assert keys.is_signed(KEYS.public_key, message, signature)
    assert not keys.is_signed(KEYS.public_key, message + other, signature)
    assert not keys.is_signed(KEYS.public_key, message, signature[:-1])


def test_a_signature_is_of_one_key_and_of_one_protocol():
    private = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    pair = keys.KeyPair(private)
    untagged = private.sign(b"message", padding.PKCS1v15(), hashes.SHA1())
    assert not keys.is_signed(pair.public_key, b"message", untagged)
    assert not keys.is_signed(KEYS.public_key, b"message", pair.sign(b"message"))
    tag = bytes.fromhex("5f270586 8d6c4c56 a2469ebb 9b2a2e13")
    tagged = private.sign(tag + b"message", padding.PKCS1v15(), hashes.SHA1())
    assert keys.is_signed(pair.public_key, b"message", tagged)


@given(st.binary(max_size=80))
def test_what_is_no_key_has_signed_nothing(octets):
    assert not keys.is_signed(octets, b"message", KEYS.sign(b"message"))


def test_a_secret_is_for_one_node():
    secret = keys.encrypt(KEYS.public_key, b"8 octets")
    assert KEYS.decrypt(secret) == b"8 octets"
    assert keys.KeyPair.generate().decrypt(secret) != b"8 octets"
    assert KEYS.decrypt(b"nonsense") is None
