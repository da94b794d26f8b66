"""What an access router's agent has in the kernel when it is killed, the next one clears."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from agents.kernel.capabilities import probe
from agents.kernel.netlink import Netlink
from agents.roles.remains import clear
from tests.kernel.routers import Chain, loopback
from tests.namespaces import Namespace, Namespaces

pytestmark = pytest.mark.root

AGENT = """
import sys
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from agents.mobility import actions
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.tunnel_devices import TunnelDevices

local, peer, backend = sys.argv[1:]
peer = IPv6Address(peer)
daemon = Daemon("mar1", "/dev/null")
devices = TunnelDevices(daemon, IPv6Address(local), backend, {peer: "mar2"})
forwarding = ForwardingPart(daemon, None, devices, "lan")
forwarding._create_tunnel(actions.CreateTunnel(peer))
own, foreign = IPv6Network("2001:db8:1:1::/64"), IPv6Network("2001:db8:2:1::/64")
forwarding._install_route(actions.InstallRoute(own, peer))
forwarding._install_route(actions.InstallRoute(foreign, None))
forwarding._install_source_route(actions.InstallSourceRoute(foreign, peer))
forwarding._add_dlif(actions.AddDlif(IPv6Address("fe80::5213:2")))
print("ready", flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).parents[2]
OWN = IPv6Address("fe80::5213:1")


def state(router: Namespace) -> dict[str, str]:
    """What the kernel has, without what changes by itself."""
    commands = {
        "routes": "ip -6 -o route show table all",
        "rules": "ip -6 rule show",
        "addresses": "ip -6 -br address show",
        "links": "ip -br link show",
        "filters": "tc filter show dev right ingress",
    }
    return {what: router.run(*command.split()).stdout for what, command in commands.items()}


@pytest.mark.parametrize("backend", probe().tunnel_backends())
def test_nothing_is_left_of_an_agent_that_was_killed(namespaces: Namespaces, backend: str) -> None:
    chain = Chain(namespaces, 2)
    router = chain.router(1)
    with router, Netlink() as netlink:
        for address in netlink.addresses("lan"):
            if address.ip.is_link_local:
                netlink.remove_address("lan", address)
    router.add_address("lan", f"{OWN}/64")
    before = state(router)
    command = [sys.executable, "-c", AGENT, str(loopback(1)), str(loopback(2)), backend]
    agent = router.spawn(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert agent.stdout is not None
    assert agent.stdout.readline() == "ready\n"
    busy = state(router)
    assert all(busy[what] != before[what] for what in ("routes", "rules", "addresses", "links"))
    agent.kill()
    agent.communicate()
    with router:
        clear("lan", OWN, ["mar2"])
    assert state(router) == before
