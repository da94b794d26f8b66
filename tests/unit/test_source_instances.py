"""MLD-DMM keeps a mobile source to the proxy instance of its anchor's tunnel (section IV.A)."""

from __future__ import annotations

from ipaddress import IPv6Network
from types import SimpleNamespace
from typing import Any

import pytest

from agents.roles import source_instances
from agents.roles.source_instances import SourceInstances

PREFIX = IPv6Network("2001:db8:1:1::/64")
ANCHOR, OTHER, NATIVE = "tun-mar1", "tun-mar2", "mar3-core"


class Multicast:
    """What the multicast routing of a MAR is told of guests, and who is asked for their data."""

    def __init__(self) -> None:
        self.on_change: Any = None
        self.guests: dict[IPv6Network, str | None] = {}
        self.asked: set[str] = set()
        self.proxy = SimpleNamespace(asked_of=lambda prefix: self.asked)

    def guest(self, prefix: IPv6Network, link: str | None) -> None:
        self.guests[prefix] = link

    def change(self, *asked: str) -> None:
        self.asked = set(asked)
        self.on_change()


@pytest.fixture
def multicast() -> Multicast:
    return Multicast()


@pytest.fixture
def redirects(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """The redirections that there are."""
    there: list[tuple[object, ...]] = []

    def open_one(*arguments: object) -> SimpleNamespace:
        there.append(arguments)
        return SimpleNamespace(close=lambda: there.remove(arguments))

    monkeypatch.setattr(source_instances, "SourceRedirect", open_one)
    return there


@pytest.fixture
def sources(multicast: Multicast, redirects: list[tuple[object, ...]]) -> SourceInstances:
    log = SimpleNamespace(write=lambda kind, **fields: None)
    daemon: Any = SimpleNamespace(soon=lambda call: call(), log=log)
    return SourceInstances(daemon, multicast, "mar3-radio")  # type: ignore[arg-type]


@pytest.mark.parametrize("upstream", [OTHER, NATIVE])
def test_a_listener_of_another_instance_gets_it_by_its_own_upstream(
    sources: SourceInstances,
    multicast: Multicast,
    redirects: list[tuple[object, ...]],
    upstream: str,
) -> None:
    multicast.asked = {upstream}
    sources.guest(PREFIX, ANCHOR)
    assert redirects == [(PREFIX, "mar3-radio", ANCHOR, 1)]
    assert multicast.guests == {PREFIX: None}


def test_a_listener_of_the_same_instance_gets_it_at_once(
    sources: SourceInstances, multicast: Multicast, redirects: list[tuple[object, ...]]
) -> None:
    multicast.asked = {ANCHOR, OTHER}
    sources.guest(PREFIX, ANCHOR)
    assert not redirects
    assert multicast.guests == {PREFIX: ANCHOR}


def test_it_follows_the_listeners(
    sources: SourceInstances, multicast: Multicast, redirects: list[tuple[object, ...]]
) -> None:
    sources.guest(PREFIX, ANCHOR)
    assert not redirects
    multicast.change(OTHER)
    multicast.change(OTHER, NATIVE)
    assert len(redirects) == 1
    multicast.change()
    assert not redirects
    assert multicast.guests == {PREFIX: ANCHOR}


def test_a_source_that_moves_on_takes_it_along(
    sources: SourceInstances, multicast: Multicast, redirects: list[tuple[object, ...]]
) -> None:
    multicast.asked = {OTHER}
    sources.guest(PREFIX, ANCHOR)
    sources.guest(PREFIX, None)
    multicast.change(NATIVE)
    assert not redirects
    assert multicast.guests == {PREFIX: None}
