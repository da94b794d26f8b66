"""An address that is kept for the next message is an address as any other."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.wire.addresses import shared_address


@given(st.binary(min_size=16, max_size=16))
def test_it_equals_the_plain_address(octets):
    shared, plain = shared_address(octets), IPv6Address(octets)
    assert shared == plain
    assert plain == shared
    assert hash(shared) == hash(plain)
    assert (str(shared), shared.packed, int(shared)) == (str(plain), octets, int(plain))
    assert shared_address(octets) is shared


def test_what_is_reckoned_from_it_has_its_own_octets():
    following = shared_address(bytes(15) + b"\x01") + 1
    assert following == IPv6Address("::2")
    assert following.packed == bytes(15) + b"\x02"
    assert {following: "two"}[IPv6Address("::2")] == "two"


@pytest.mark.parametrize("size", [0, 4, 15, 17])
def test_other_than_16_octets_are_no_address(size):
    with pytest.raises(ValueError, match="not permitted"):
        shared_address(bytes(size))
