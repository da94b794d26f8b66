"""The kernel's own MLD hosts: the router knows what they want, and forwards just that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from agents.kernel.sockets import LinkSocket
from tests.kernel.multicast_lan import FENCE, HOST, S1, S2, MulticastLan, is_general_query, lans
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
    application = lan.application(ASM)
    application.join()
    wants(lan, ASM, "EXCLUDE", set())
    application.close()
    wants_nothing(lan, ASM)


@pytest.mark.parametrize("version", [1, 2])
def test_who_joins_any_source_of_a_source_specific_group_gets_nothing(
    make: Make, version: int
) -> None:
    """RFC 4604 section 3; a version 1 host cannot name a source, whatever its applications do."""
    lan = make(version)
    application = lan.application(SSM)
    application.join() if version == 2 else application.join_source(S1)
    eventually(lambda: lan.refused())
    assert {(line["whom"], line["what"]) for line in lan.refused()} == {(str(HOST), str(SSM))}
    wants_nothing(lan, SSM)


def many(first: int, end: int) -> list[IPv6Address]:
    return [S2 + 0x100 + number for number in range(first, end)]


@pytest.mark.parametrize("tracking", [False, True])
def test_two_applications_with_too_many_sources_keep_what_the_first_had(
    make: Make, tracking: bool
) -> None:
    """Linux answers with one record of 71 sources, of which 64 are served."""
    lan = make(2, explicit_tracking=tracking, maximum_sources=64)
    one, other = lan.application(ASM), lan.application(ASM)
    one.join_source(S1)
    one.include(S1, *many(0, 39))
    eventually(lambda: known(lan) == {S1, *many(0, 39)})
    other.join_source(*many(39, 40))
    other.include(*many(39, 70))
    eventually(lambda: len(known(lan)) == 64)
    served = known(lan)
    assert served >= {S1, *many(0, 39)}
    why = "more than 64 sources of one host in one group"
    told = {(line["what"], line["sources"], line["why"]) for line in lan.refused()}
    assert (str(ASM), 7, why) in told
    hear_queries(lan, 4)
    assert (known(lan), lan.forwarded(ASM)) == (served, {S1})
    one.close()
    eventually(lambda: known(lan) == {*many(39, 70)})


def test_of_100_groups_64_are_served_and_stay(make: Make) -> None:
    lan = make(2, maximum_groups=64)
    groups = [ASM, *(ASM + 0x1000 + number for number in range(99))]
    for group in groups:
        lan.application(group).join()
        eventually(lambda: lan.knows(group) or lan.refused())  # noqa: B023
    served = {FENCE, *groups[:63]}
    assert groups_of(lan) == served
    hear_queries(lan, 4)
    assert groups_of(lan) == served
    assert {line["what"] for line in lan.refused()} == {str(group) for group in groups[63:]}
    assert lan.forwarded(ASM) == {S1, S2}


def known(lan: MulticastLan) -> set[IPv6Address]:
    """The sources that the router knows the host to want."""
    return (lan.listener(ASM) or ("", set()))[1]


def groups_of(lan: MulticastLan) -> set[IPv6Address]:
    return {IPv6Address(record["group"]) for record in lan.state()["listeners"]}


def hear_queries(lan: MulticastLan, count: int) -> None:
    """As many of them as a report counts for, and more."""
    with lan.host:
        link = LinkSocket("eth0")
    for _ in range(count):
        receive(link, is_general_query)
    link.close()


def test_a_datagram_from_nowhere_makes_no_entry_and_goes_nowhere(make: Make) -> None:
    """For Linux (::, G) is all sources of G: others would not be heard of."""
    lan = make(2)
    lan.application(ASM).join()
    eventually(lambda: lan.listener(ASM) == ("EXCLUDE", set()))
    lan.send_from(IPv6Address("::"), ASM)
    eventually(lambda: lan.state()["multicast"]["sources"])
    assert {entry["source"] for entry in lan.state()["kernel"]} <= {str(S1), str(S2)}
    assert lan.forwarded(ASM) == {S1, S2}


@pytest.mark.parametrize("version", [1, 2])
def test_a_host_goes_on_being_known_by_its_answers_to_queries(make: Make, version: int) -> None:
    """Longer than the 2.2 s for which a report counts here."""
    lan = make(version)
    lan.application(ASM).join()
    wants(lan, ASM, "EXCLUDE", set())
    hear_queries(lan, 4)
    assert lan.listener(ASM) == ("EXCLUDE", set())
    assert lan.forwarded(ASM) == {S1, S2}
