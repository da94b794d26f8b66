"""Positions on the ring of servers: 64 bits, of which the highest is followed by 0."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from random import Random

from agents.i3.identifiers import PREFIX
from agents.wire.i3 import Endpoint, Identifier

BITS = 8 * PREFIX
SPACE = 1 << BITS


@lru_cache(maxsize=1 << 16)
def position_of(server: Endpoint) -> int:
    """Where a server is: a hash of its endpoint, so that nobody can choose a place."""
    return int.from_bytes(sha256(b"position" + server).digest()[:PREFIX], "big")


def position(identifier: Identifier) -> int:
    """Where an identifier is."""
    return int.from_bytes(identifier[:PREFIX], "big")


def distance(start: int, end: int) -> int:
    """From one position on to another one."""
    return (end - start) % SPACE


def is_in(place: int, after: int, up_to: int) -> bool:
    """Whether a position is in (after, up_to]; if both are the same, that is the whole ring."""
    return (place - after - 1) % SPACE <= (up_to - after - 1) % SPACE


def is_between(place: int, after: int, before: int) -> bool:
    """Whether a position is in (after, before), the ends excluded."""
    return place != before and is_in(place, after, before)


def near(server: Endpoint, random: Random) -> bytes:
    """The first octets of an identifier that a server has, whoever the others are.

    A server has what is just before its own position, unless another one is between: with n
    servers, the chance of that is about n in four thousand million.
    """
    return ((position_of(server) - random.getrandbits(32)) % SPACE).to_bytes(PREFIX, "big")
