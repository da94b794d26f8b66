"""Identifiers: what their parts mean, and how one is derived from another.

An identifier has 64 bits that say which server has it, 128 bits of key, and 64 bits among which the
longest match counts. The first two, 192 bits, have to match exactly (section 2.1). The key is what
keeps users from building loops: see ``may_chain``.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from agents.wire.i3 import Identifier

PREFIX = 8
"""Octets that say which server has the identifier."""
EXACT = 24
"""Octets that have to match exactly."""
SUFFIX = 8
"""Octets of which the longest match counts."""
_KNOWN = 1 << 15
"""Of how many identifiers the sets below them are remembered: members ask for them all the time."""


@lru_cache(maxsize=_KNOWN)
def j_hash(parent: Identifier) -> Identifier:
    """Where the joinable receivers below an identifier can be asked ("jHash")."""
    return _derived(b"jset", parent)


@lru_cache(maxsize=_KNOWN)
def f_hash(parent: Identifier) -> Identifier:
    """Where the full receivers below an identifier can be asked ("fHash")."""
    return _derived(b"fset", parent)


def sets_of(parent: Identifier) -> tuple[Identifier, Identifier]:
    """Where those who have joined at an identifier answer, the joinable and the full ones."""
    return j_hash(parent), f_hash(parent)


def recovery_group(parent: Identifier, suffix: bytes) -> Identifier:
    """The anycast identifier of one receiver below an identifier ("Hr", section 5)."""
    return Identifier(_derived(b"recovery", parent)[:EXACT] + suffix)


def root_at(root: Identifier, number: int) -> Identifier:
    """Where one of a group's roots can be asked by newcomers; each is at a server of its own."""
    return _derived(b"root %d" % number, root)


def roots_group(root: Identifier, suffix: bytes) -> Identifier:
    """The same, where the infrastructure chooses one: an anycast identifier."""
    return Identifier(_derived(b"roots", root)[:EXACT] + suffix)


def above_root(root: Identifier) -> Identifier:
    """What stands for the parent of the tree's root, so that a join begins as it goes on."""
    return _derived(b"root", root)


def chained(upper: Identifier, prefix: bytes, suffix: bytes) -> Identifier:
    """An identifier to which a trigger at ``upper`` may point: only the key is prescribed."""
    return Identifier(prefix + _left(upper) + suffix)


def may_chain(identifier: Identifier, target: Identifier) -> bool:
    """Whether a trigger at one identifier may point to another.

    The key of the target has to be a one-way function of the identifier, or the other way round by
    another function. A loop of triggers would be a cycle of hashes, which nobody can find
    (Adkins et al., "Towards a more functional and secure network infrastructure").
    """
    return target[PREFIX:EXACT] == _left(identifier) or identifier[PREFIX:EXACT] == _right(target)


def _left(identifier: Identifier) -> bytes:
    return sha256(b"left" + identifier[PREFIX:EXACT]).digest()[: EXACT - PREFIX]


def _right(identifier: Identifier) -> bytes:
    return sha256(b"right" + identifier).digest()[: EXACT - PREFIX]


def _derived(purpose: bytes, parent: Identifier) -> Identifier:
    return Identifier(sha256(purpose + parent).digest())
