"""What is left over in a kernel, and what does not count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv6Address

import pytest

from emu.network.kernel_state import Nodes, differences
from tests.namespaces import Namespace, Namespaces

pytestmark = pytest.mark.root

Look = Callable[[], dict[str, dict[str, list[str]]]]


@pytest.fixture
def router(namespaces: Namespaces) -> Namespace:
    router, host = namespaces.new(), namespaces.new()
    namespaces.link(router, "core", host, "eth0")
    return router


@pytest.fixture
def look(router: Namespace) -> Iterator[Look]:
    holder = router.spawn(["sleep", "60"])
    nodes = Nodes({"mar1": holder.pid}, (), (IPv6Address("ff3e::c1"),))
    before = nodes.snapshot()
    yield lambda: differences(before, nodes.snapshot())
    holder.kill()
    holder.wait()


@pytest.mark.parametrize(
    ("command", "entry"),
    [
        ("link add tun-mar2 type veth peer name other", "devices: tun-mar2"),
        ("address add 2001:db8::1/128 dev lo", "addresses: 2001:db8::1/128 dev lo"),
        ("route add 2001:db8:9::/48 dev core table 7", "routes: 2001:db8:9::/48 dev core table 7"),
        ("-6 rule add from 2001:db8:9::1 lookup 7", "rules: 32765: from 2001:db8:9::1 lookup 7"),
        ("neighbour add fe80::9 lladdr 02:00:00:00:00:09 dev core", "neighbours: fe80::9 dev core"),
    ],
)  # fmt: skip
def test_what_is_left_over(router: Namespace, look: Look, command: str, entry: str) -> None:
    assert look() == {}
    router.run("ip", *command.split())
    (found,) = look().values()
    assert any(line.startswith(entry) for line in found["left_over"])
    assert found["missing"] == []


def test_what_is_missing(router: Namespace, look: Look) -> None:
    router.run("ip", "-6", "rule", "delete", "lookup", "main")
    assert look() == {"mar1": {"left_over": [], "missing": ["rules: 32766: from all lookup main"]}}


def test_what_a_kernel_lets_expire_does_not_count(router: Namespace, look: Look) -> None:
    router.run("ip", "address", "add", "2001:db8::5/64", "dev", "core", "valid_lft", "100",
               "preferred_lft", "50")  # fmt: skip
    router.run("ip", "-6", "route", "add", "default", "dev", "core", "expires", "90")
    assert look() == {}
