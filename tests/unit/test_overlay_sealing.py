"""What is sealed is opened once, by who has the key, and by nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.overlay.sealing import TAG_LENGTH, Sealer
from agents.wire.errors import MalformedPacket, Unauthentic
from agents.wire.overlay import HEADER, MemberId

A, B, C = (MemberId(bytes(7) + bytes((number,))) for number in (1, 2, 3))
KEYS = {1: b"first secret, which is long", 2: b"second secret, which is long"}


def pair(keys=KEYS) -> tuple[Sealer, Sealer]:
    return Sealer(A, keys, min(keys, default=0)), Sealer(B, keys, min(keys, default=0))


@given(st.binary(max_size=100))
def test_a_body_comes_back_with_its_sender(body):
    for keys in (KEYS, {}):
        mine, theirs = pair(keys)
        datagram = mine.seal(body)
        assert theirs.open(datagram) == (A, body)
        assert len(datagram) == HEADER.size + len(body) + (TAG_LENGTH if keys else 0)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_any_change_is_noticed(body, data):
    mine, theirs = pair()
    datagram = bytearray(mine.seal(body))
    bit = data.draw(st.integers(0, 8 * len(datagram) - 1))
    datagram[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedPacket):
        theirs.open(bytes(datagram))


def test_what_has_come_before_is_refused_in_any_order():
    mine, theirs = pair()
    datagrams = [mine.seal(b"%d" % number) for number in range(50)]
    for datagram in datagrams[::-1]:
        theirs.open(datagram)
    for datagram in datagrams:
        with pytest.raises(Unauthentic):
            theirs.open(datagram)


def test_what_is_too_old_to_tell_is_refused():
    mine, theirs = pair()
    datagrams = [mine.seal(b"") for _ in range(5000)]
    theirs.open(datagrams[-1])
    theirs.open(datagrams[-4096])
    with pytest.raises(Unauthentic):
        theirs.open(datagrams[-4097])


def test_a_forged_counter_does_not_shut_out_its_owner():
    mine, theirs = pair()
    forged = bytearray(mine.seal(b"x"))
    forged[12:20] = b"\xff" * 8
    with pytest.raises(Unauthentic):
        theirs.open(bytes(forged))
    assert theirs.open(mine.seal(b"y")) == (A, b"y")


def test_no_nonce_comes_twice_under_one_key():
    mine, again = Sealer(A, KEYS, 1), Sealer(C, KEYS, 1)
    seen = {mine.seal(b"same")[12:20] for _ in range(10)}
    mine.set_keys(KEYS, 2)
    mine.set_keys(KEYS, 1)
    seen |= {mine.seal(b"same")[12:20] for _ in range(10)}
    assert len(seen) == 20
    # Another start has another identifier, and so another key for the same counters.
    assert again.seal(b"same")[20:] != Sealer(A, KEYS, 1).seal(b"same")[20:]


def test_a_key_is_rolled_over_without_a_loss():
    """First all know the new key, then they use it, then they forget the old one."""
    mine, theirs = Sealer(A, {1: KEYS[1]}, 1), Sealer(B, {1: KEYS[1]}, 1)
    assert theirs.open(mine.seal(b"1")) == (A, b"1")
    theirs.set_keys(KEYS, 1)
    mine.set_keys(KEYS, 2)
    late = mine.seal(b"2")
    assert theirs.open(late) == (A, b"2")
    assert mine.open(theirs.seal(b"3")) == (B, b"3")
    theirs.set_keys({2: KEYS[2]}, 2)
    assert theirs.open(mine.seal(b"4")) == (A, b"4")
    with pytest.raises(Unauthentic):
        theirs.open(late)
    mine.set_keys(KEYS, 1)
    with pytest.raises(Unauthentic):
        theirs.open(mine.seal(b"5"))


def test_clear_and_sealed_do_not_mix():
    sealed, clear = Sealer(A, KEYS, 1), Sealer(B, {}, 0)
    with pytest.raises(Unauthentic):
        sealed.open(clear.seal(b"x"))
    with pytest.raises(Unauthentic):
        clear.open(sealed.seal(b"x"))


def test_our_own_datagrams_and_other_versions_are_refused():
    mine, theirs = pair()
    datagram = mine.seal(b"x")
    with pytest.raises(Unauthentic):
        mine.open(datagram)
    for wrong in (datagram[:19], b"\x02" + datagram[1:]):
        with pytest.raises(MalformedPacket):
            theirs.open(wrong)
