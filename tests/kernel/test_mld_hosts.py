"""The kernel's own MLD hosts: the router knows what they want, and forwards just that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from agents.kernel.sockets import LinkSocket
from tests.kernel.multicast_lan import S1, S2, Application, MulticastLan, is_general_query, lans
from tests.kernel.packets import receive
from tests.namespaces import Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

ASM, SSM = IPv6Address("ff0e::c1"), IPv6Address("ff3e::c1")
Make = Callable[..., MulticastLan]
NONE: set[IPv6Address] = set()


@pytest.fixture
def make(namespaces: Namespaces, tmp_path: Path) -> Iterator[Make]:
    with lans(namespaces, tmp_path) as made:
        yield made


def wants(lan: MulticastLan, group: IPv6Address, mode: str, sources: set[IPv6Address]) -> None:
    """The router knows the host's filter, and forwards to it what passes that, and no more."""
    eventually(lambda: lan.listener(group) == (mode, sources))
    passing = {S1, S2} - sources if mode == "EXCLUDE" else sources
    eventually(lambda: lan.forwarded(group) == passing)


def wants_nothing(lan: MulticastLan, group: IPv6Address) -> None:
    eventually(lambda: lan.listener(group) is None)
    eventually(lambda: lan.forwarded(group) == NONE)


@pytest.mark.parametrize("tracking", [False, True])
def test_every_change_of_an_any_source_filter(make: Make, tracking: bool) -> None:
    lan = make(2, explicit_tracking=tracking)
    application = lan.application(ASM)
    application.join()
    wants(lan, ASM, "EXCLUDE", set())
    application.block(S2)
    wants(lan, ASM, "EXCLUDE", {S2})
    application.unblock(S2)
    wants(lan, ASM, "EXCLUDE", set())
    application.include(S2)
    wants(lan, ASM, "INCLUDE", {S2})
    application.include(S1, S2)
    wants(lan, ASM, "INCLUDE", {S1, S2})
    application.exclude(S1)
    wants(lan, ASM, "EXCLUDE", {S1})
    application.exclude(S2)
    wants(lan, ASM, "EXCLUDE", {S2})
    application.leave()
    wants_nothing(lan, ASM)


@pytest.mark.parametrize("tracking", [False, True])
def test_sources_of_a_source_specific_group(make: Make, tracking: bool) -> None:
    lan = make(2, explicit_tracking=tracking)
    application = lan.application(SSM)
    application.join_source(S1)
    wants(lan, SSM, "INCLUDE", {S1})
    application.join_source(S2)
    wants(lan, SSM, "INCLUDE", {S1, S2})
    application.leave_source(S1)
    wants(lan, SSM, "INCLUDE", {S2})
    application.leave_source(S2)
    wants_nothing(lan, SSM)


def test_applications_share_what_their_host_asks_for(make: Make) -> None:
    """RFC 3810 section 4.2: the kernel merges the filters of its sockets."""
    lan = make(2)
    one, other = lan.application(ASM), lan.application(ASM)
    one.join_source(S1)
    wants(lan, ASM, "INCLUDE", {S1})
    other.join()
    other.block(S1)
    wants(lan, ASM, "EXCLUDE", set())
    one.leave_source(S1)
    wants(lan, ASM, "EXCLUDE", {S1})
    other.close()
    wants_nothing(lan, ASM)


@pytest.mark.parametrize("tracking", [False, True])
def test_a_version_1_host_listens_to_any_source(make: Make, tracking: bool) -> None:
    lan = make(1, explicit_tracking=tracking)
    for group, join in ((ASM, Application.join), (SSM, lambda a: a.join_source(S1))):
        application = lan.application(group)
        join(application)
        wants(lan, group, "EXCLUDE", set())
        application.close()
        wants_nothing(lan, group)


@pytest.mark.parametrize("version", [1, 2])
def test_a_host_goes_on_being_known_by_its_answers_to_queries(make: Make, version: int) -> None:
    """Longer than the 2.2 s for which a report counts here."""
    lan = make(version)
    lan.application(ASM).join()
    wants(lan, ASM, "EXCLUDE", set())
    with lan.host:
        link = LinkSocket("eth0")
    for _ in range(4):
        receive(link, is_general_query)
    assert lan.listener(ASM) == ("EXCLUDE", set())
    assert lan.forwarded(ASM) == {S1, S2}
