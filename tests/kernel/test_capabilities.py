from __future__ import annotations

import pytest

from agents.kernel.capabilities import Capabilities, probe
from tests.namespaces import Namespaces

pytestmark = pytest.mark.root


def capabilities(**works: bool) -> Capabilities:
    names = Capabilities.__dataclass_fields__
    return Capabilities(**{name: works.get(name, False) for name in names})


def test_the_probes_leave_nothing_behind(namespaces: Namespaces) -> None:
    with (namespace := namespaces.new()):
        before = namespace.run("ip", "-d", "link").stdout
        found = probe()
        assert namespace.run("ip", "-d", "link").stdout == before
    assert found == probe()


def test_the_probes_agree_with_what_the_tools_can_do(namespaces: Namespaces) -> None:
    found = probe()
    namespace = namespaces.new()
    trials = {
        "ip6tnl": "ip link add name t type ip6tnl mode ip6ip6 local ::1 remote ::2 encaplimit none",
        "netem": "tc qdisc add dev v root netem delay 1ms",
        "tbf": "tc qdisc add dev lo root tbf rate 1mbit burst 10k latency 50ms",
        "tun": "ip tuntap add dev u mode tun",
    }
    namespace.run("ip", "link", "add", "name", "v", "type", "veth")
    for name, command in trials.items():
        done = namespace.run("sh", "-c", f"{command} && echo works || true").stdout
        assert ("works" in done) == getattr(found, name), name
    assert found.mrt6
    assert found.tunnel_backends()


def test_backends_follow_from_the_capabilities() -> None:
    best = capabilities(ip6tnl=True, bpf=True, tun=True, netem=True, openvswitch=True)
    assert best.tunnel_backend() == "ip6tnl"
    assert best.tunnel_backends() == ("ip6tnl", "bpf", "tun")
    assert best.delay_backend() == "netem"
    assert best.switch_backend() == "kernel"
    assert capabilities(bpf=True, tun=True).tunnel_backend() == "bpf"
    least = capabilities(tun=True)
    assert least.tunnel_backend() == "tun"
    assert least.delay_backend() == "delay-line"
    assert least.switch_backend() == "user"
