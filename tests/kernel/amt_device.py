"""Linux's own `amt` device as gateway of our relay, and as relay of our gateway.

No kernel that the tests run on has it unless it is built for it: setup/vm-guest.sh names this file,
and pytest does not find it by itself.
"""

from __future__ import annotations

import pytest

from agents.kernel.netlink import set_sysctl
from tests.kernel.amt_hosts import CHANNELS, SOURCE_V4, SOURCE_V6, Relay, Source
from tests.kernel.overlay_hosts import Host, Listener, unicast_only
from tests.namespaces import Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root


def add_device(host: Host, *mode: str) -> None:
    """An amt device on a host, which its programs use from now on."""
    host.interface = "amt0"
    run = host.namespace.run
    run("ip", "link", "add", "amt0", "type", "amt", *mode, "dev", "eth0")
    with host.namespace:
        for name in ("all", "amt0"):
            set_sysctl(f"net/ipv4/conf/{name}/rp_filter", 0)
    run("ip", "link", "set", "amt0", "up")


def get_all(sender: Host, listener: Listener, group: str) -> None:
    """Once anything comes, everything does."""

    def comes() -> bool:
        sender.send(group, [b"probe"])
        return bool(listener.read())

    eventually(comes)
    sent = [f"{group} {n}".encode() for n in range(100)]
    sender.send(group, sent, pause=0.01)
    eventually(lambda: listener.read()[-1] == sent[-1])
    assert [data for data in listener.got if data != b"probe"] == sent
    listener.close()


@pytest.fixture(scope="module")
def linux_gateway(tmp_path_factory):
    """A native source, our relay, and a gateway that is a device; it finds the relay."""
    folder = tmp_path_factory.mktemp("amt")
    with unicast_only(2, folder) as (host, gateway), Namespaces() as namespaces:
        source = Source(namespaces, host)
        relay = Relay(host, folder, linux="on")
        add_device(gateway, "mode", "gateway", "local", "10.0.2.2", "discovery", "10.0.1.2")
        gateway.namespace.run("ip", "address", "add", "10.80.0.2/16", "dev", "amt0")
        yield source, relay, gateway
        relay.end()


@pytest.mark.parametrize(("group", "source"), CHANNELS)
def test_a_gateway_of_linux_gets_what_it_wants_from_our_relay(linux_gateway, group, source):
    sender, relay, gateway = linux_gateway
    listener = gateway.listen(group, source)
    get_all(sender, listener, group)
    assert listener.sources == {SOURCE_V6 if ":" in group else SOURCE_V4}
    eventually(lambda: not relay.joined(group))
    assert not {"malformed", "unauthentic"} & relay.status()["dropped"].keys()


@pytest.fixture(scope="module")
def linux_relay(tmp_path_factory):
    """A relay that is a device, by which its own programs send, and our gateway, which finds it."""
    folder = tmp_path_factory.mktemp("amt")
    with unicast_only(2, folder) as (relay, gateway):
        add_device(relay, "mode", "relay", "local", "10.0.1.2", "max_tunnels", "4")
        relay.namespace.run("ip", "address", "add", f"{SOURCE_V4}/24", "dev", "amt0")
        relay.namespace.add_address("amt0", f"{SOURCE_V6}/64")
        options = {"discovery": "10.0.1.2:2268", "linux": "on"}
        gateway.start(protocol="amt-gateway", options=options, keys="off", query_interval="10s")
        yield relay, gateway


@pytest.mark.parametrize(("group", "source"), CHANNELS)
def test_our_gateway_gets_what_it_wants_from_a_relay_of_linux(linux_relay, group, source):
    relay, gateway = linux_relay
    listener = gateway.listen(group, source)
    get_all(relay, listener, group)
    assert gateway.status()["relay"] == "10.0.1.2:2268"
    assert "malformed" not in gateway.status()["dropped"]
