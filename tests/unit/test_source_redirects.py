"""A guest's detour takes what the guest sends, from the moment at which its prefix is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv6Address

import pytest
from mobility_nodes import MN, T0, mar, prefix, serve

from agents.core import Action
from agents.mobility.actions import Advertise, InstallSourceRoute
from agents.mobility.mar import MarCore
from agents.multicast.actions import RedirectSource
from agents.roles import source_redirects
from agents.roles.source_redirects import SourceRedirects

GROUP = IPv6Address("ff3e::c1")
SOURCE = prefix(2)[5]


class Programs(list):
    """The senders that programs were made for; stands for the daemon, and for the kernel."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(source_redirects, "SourceRedirect", self._program)

    def on(self, kind: type[Action], handler: Callable[[Action], None]) -> None:
        assert kind is RedirectSource
        self.redirect = handler

    def _program(self, source, group, link, device, number, sender):
        self.append(sender)
        return self

    def close(self) -> None:
        self.append("closed")


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    return Programs(monkeypatch)


def following(core: MarCore, actions: list[Action], programs: Programs) -> list[type[Action]]:
    """As the multicast core asks for a detour: as soon as the guest is known; what came before."""
    (first,) = (n for n, action in enumerate(actions) if isinstance(action, InstallSourceRoute))
    programs.redirect(RedirectSource(SOURCE, GROUP, "tun"))
    return [type(action) for action in actions[:first]]


def test_the_guest_is_known_before_it_is_told_of_its_prefix(programs: Programs) -> None:
    """And so before the guard is: nobody else's data is taken, and none of its own is dropped."""
    core = mar()
    SourceRedirects(programs, "radio", core.host_of)
    before = following(core, serve(core, T0, 2), programs)
    assert Advertise not in before
    assert programs == [MN.link_layer_address]


def test_of_who_is_not_here_nothing_is_taken(programs: Programs) -> None:
    core = mar()
    SourceRedirects(programs, "radio", core.host_of)
    programs.redirect(RedirectSource(SOURCE, GROUP, "tun"))
    assert programs == [bytes(6)]


def test_without_a_guard_everybodys_is(programs: Programs) -> None:
    SourceRedirects(programs, "radio", None)
    programs.redirect(RedirectSource(SOURCE, GROUP, "tun"))
    programs.redirect(RedirectSource(SOURCE, GROUP, None))
    assert programs == [None, "closed"]
