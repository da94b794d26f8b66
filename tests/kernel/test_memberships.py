"""What applications listen to on one link, and a membership like it on another."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv6Address

import pytest

from agents.kernel.memberships import Member, memberships
from tests.kernel.multicast_lan import S1, S2, Application
from tests.namespaces import Namespace, Namespaces

pytestmark = pytest.mark.root

ASM, SSM = IPv6Address("ff0e::c1"), IPv6Address("ff3e::c1")
LINK, OTHER = "a-long-named-ln", "eth1"


@pytest.fixture
def host(namespaces: Namespaces) -> Namespace:
    host, other = namespaces.new(), namespaces.new()
    namespaces.link(host, LINK, other, "eth0", "fe80::1/64", "fe80::2/64")
    namespaces.link(host, OTHER, other, OTHER, "fe80::3/64", "fe80::4/64")
    return host


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def application(stack: ExitStack, group: IPv6Address) -> Application:
    made = Application(socket.if_nametoindex(LINK), group)
    stack.callback(made.close)
    return made


def test_any_source_or_those_that_are_named(host: Namespace, stack: ExitStack) -> None:
    with host:
        any_source, specific = application(stack, ASM), application(stack, SSM)
        specific.join_source(S1)
        specific.join_source(S2)
        any_source.join()
        assert memberships(LINK) == {ASM: None, SSM: frozenset({S1, S2})}
        assert memberships(OTHER) == {}
        specific.leave_source(S1)
        any_source.leave()
        assert memberships(LINK) == {SSM: frozenset({S2})}
        specific.exclude(S2)
        assert memberships(LINK) == {SSM: None}


def test_never_less_than_all_applications_want(host: Namespace, stack: ExitStack) -> None:
    with host:
        one, other = application(stack, SSM), application(stack, SSM)
        one.join_source(S1)
        other.join_source(S1)
        other.join_source(S2)
        assert memberships(LINK) == {SSM: frozenset({S1, S2})}
        other.exclude()
        assert memberships(LINK) == {SSM: None}
        one.leave()
        assert memberships(LINK) == {SSM: None}


def test_a_member_follows(host: Namespace) -> None:
    with host:
        member = Member(OTHER)
        for wanted in (
            {ASM: None, SSM: frozenset({S1, S2})},
            {ASM: frozenset({S2}), SSM: frozenset({S1})},
            {SSM: None},
            {},
        ):
            member.listen(wanted)
            assert memberships(OTHER) == wanted
        member.listen({ASM: None})
        member.close()
        assert memberships(OTHER) == {}
