"""A program learns at once that its host has another address."""

from __future__ import annotations

import select

import pytest

from agents.kernel.address_changes import AddressChanges
from agents.kernel.virtual_interface import local_addresses
from tests.namespaces import Namespaces
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root


def told(changes: AddressChanges) -> bool:
    return bool(select.select([changes], [], [], PATIENCE_S)[0])


def test_addresses_that_come_and_go_are_told(namespaces: Namespaces) -> None:
    host, other = namespaces.new(), namespaces.new()
    namespaces.link(host, "eth0", other, "eth0")
    with host:
        changes = AddressChanges()
        changes.clear()
        for address in ("192.0.2.1/24", "2001:db8::1/64"):
            family = [] if "." in address else ["nodad"]
            host.run("ip", "address", "add", address, "dev", "eth0", *family)
            assert told(changes)
            changes.clear()
            assert address.partition("/")[0] in map(str, local_addresses("mc0"))
            host.run("ip", "address", "del", address, "dev", "eth0")
            assert told(changes)
            changes.clear()
            assert address.partition("/")[0] not in map(str, local_addresses("mc0"))
        changes.close()


def test_an_address_that_may_be_anothers_is_not_used_yet(namespaces: Namespaces) -> None:
    """Duplicate address detection takes a second; its end is told, too."""
    host, other = namespaces.new(), namespaces.new()
    namespaces.link(host, "eth0", other, "eth0")
    with host:
        host.run(
            "sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=1", "net.ipv6.conf.eth0.dad_transmits=1"
        )
        changes = AddressChanges()
        changes.clear()
        host.run("ip", "address", "add", "2001:db8::1/64", "dev", "eth0")
        seen = []
        while "2001:db8::1" not in map(str, local_addresses("mc0")):
            seen.append(told(changes))
            changes.clear()
        assert all(seen)
        changes.close()
