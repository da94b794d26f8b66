"""The configuration of an AMT relay: what may be said, and what is wrong in one line."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from agents.overlay.amt.config import RelayConfig
from emu.amt_relay_file import is_relay, load_relay
from emu.scenario.errors import ScenarioError

SHORT = "protocol: amt-relay\nnative: eth1\naddresses: [192.0.2.1]\n"
LONG = """\
protocol: amt-relay
name: r
native: eth1
addresses: [192.0.2.1, "2001:db8::1"]
discovery: [192.52.193.1]
port: 2269
path_mtu: 1400
query_interval: 60s
linux: on
unreachable: 9
tunnels: 10
tunnels_of_address: 2
groups_of_tunnel: 3
"""


def write(tmp_path, text: str):
    path = tmp_path / "relay.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_three_lines_are_enough(tmp_path):
    path = write(tmp_path, SHORT)
    assert is_relay(path)
    options = load_relay(path)
    assert (options.interface, options.port) == ("eth1", 2268)
    assert options.addresses == (IPv4Address("192.0.2.1"),)
    assert options.config == RelayConfig()


def test_all_that_may_be_said_is_read(tmp_path):
    options = load_relay(write(tmp_path, LONG))
    assert options.addresses == (IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1"))
    assert options.discovery == (IPv4Address("192.52.193.1"),)
    assert (options.name, options.port) == ("r", 2269)
    assert options.config == RelayConfig(
        query_interval=60 * 10**9,
        maximum_tunnels=10,
        maximum_tunnels_of_address=2,
        maximum_groups=3,
        path_mtu=1400,
        linux=True,
        unreachable=9,
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("native: eth1\n", "", 1, "native: is missing; write native: eth1"),
        ("native: eth1", "native: a/b", 2, "is not a good name"),
        ("[192.0.2.1]", "[]", 3, "write one IPv4 address of this host, one IPv6 address"),
        ("[192.0.2.1]", "[192.0.2.1, 192.0.2.2]", 3, "has 2 addresses; write one IPv4"),
        ("[192.0.2.1]", "[relay]", 3, 'addresses[0]: "relay" is no address; write an address'),
        ("[192.0.2.1]", "[192.0.2.1]\ntunels: 3", 4, "did you mean tunnels"),
        ("[192.0.2.1]", "[192.0.2.1]\ntunnels: 0", 4, "tunnels: 0 is too small"),
        ("[192.0.2.1]", "[192.0.2.1]\nquery_interval: 5", 4, "unit"),
        ("[192.0.2.1]", "[192.0.2.1]\npath_mtu: 576", 4, "path_mtu: 576 is too small"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, old, new, line, says):
    path = write(tmp_path, SHORT.replace(old, new))
    with pytest.raises(ScenarioError) as refused:
        load_relay(path)
    (problem,) = refused.value.problems
    assert problem.startswith(f"{path}:{line}: ")
    assert says in problem
