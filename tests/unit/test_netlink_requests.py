"""What we ask the kernel by netlink, as pyroute2 reads it."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Address, IPv6Interface, IPv6Network

import pytest
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg
from pyroute2.netlink.rtnl.tcmsg import tcmsg

from agents.kernel import netlink, requests, rules, tc, tunnel

HOST, ROUTER = IPv6Address("2001:db8::5"), IPv6Address("fe80::1")
PREFIX = IPv6Network("2001:db8:7::/48")
LINK_LAYER = bytes.fromhex("0200000000ff")


def read(kind, body):
    header = struct.pack("=I", 16 + len(body)) + bytes(12)
    message = kind(header + body)
    message.decode()
    return message


def attributes(message):
    return {name: value for name, value, *_ in message["attrs"]}


class Recorder:
    """Takes the place of the socket to the kernel."""

    def __init__(self):
        self.sent = []

    def request(self, kind, message, flags=0):
        self.sent.append(message)
        return []

    def close(self):
        pass


@pytest.fixture
def kernel(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(netlink, "NetlinkSocket", lambda: recorder)
    monkeypatch.setattr(netlink.Netlink, "index", lambda self, name: 7)
    return recorder


def test_a_tunnel_device_of_the_kernel(kernel):
    tunnel.Ip6tnlTunnel(netlink.Netlink(), "tun-mar2", HOST, IPv6Address("2001:db8::6"))
    made = attributes(read(ifinfmsg, kernel.sent[0]))
    assert made["IFLA_IFNAME"] == "tun-mar2"
    information = attributes(made["IFLA_LINKINFO"])
    assert information["IFLA_INFO_KIND"] == "ip6tnl"
    assert attributes(information["IFLA_INFO_DATA"]) == {
        "IFLA_IP6TNL_LOCAL": "2001:db8::5",
        "IFLA_IP6TNL_REMOTE": "2001:db8::6",
        "IFLA_IP6TNL_TTL": 64,
        "IFLA_IP6TNL_PROTO": 41,
        "IFLA_IP6TNL_FLAGS": 1,
    }


def test_properties_of_a_link():
    message = read(ifinfmsg, requests.link(7, flags=1, change=3) + requests.mtu(1460))
    assert (message["index"], message["flags"], message["change"]) == (7, 1, 3)
    assert attributes(message) == {"IFLA_MTU": 1460}
    none = read(ifinfmsg, requests.link(7) + requests.no_address_generation())
    family = attributes(attributes(none)["IFLA_AF_SPEC"])["AF_INET6"]
    assert attributes(family) == {"IFLA_INET6_ADDR_GEN_MODE": 1}


def test_an_address_with_its_lifetimes():
    message = read(
        ifaddrmsg, requests.ip_address(7, IPv6Interface((HOST, 64)), 0x202, lifetimes=(0, 300))
    )
    assert (message["family"], message["prefixlen"], message["index"]) == (socket.AF_INET6, 64, 7)
    found = attributes(message)
    assert (found["IFA_LOCAL"], found["IFA_ADDRESS"]) == (str(HOST), str(HOST))
    assert found["IFA_FLAGS"] == 0x202
    cache = found["IFA_CACHEINFO"]
    assert (cache["ifa_preferred"], cache["ifa_valid"]) == (0, 300)


def test_a_route():
    message = read(rtmsg, requests.route(PREFIX, 70000, 1024, output=7, via=ROUTER, source=HOST))
    assert (message["family"], message["dst_len"]) == (socket.AF_INET6, 48)
    assert (message["proto"], message["type"]) == (4, 1)
    assert attributes(message) == {
        "RTA_DST": "2001:db8:7::",
        "RTA_TABLE": 70000,
        "RTA_PRIORITY": 1024,
        "RTA_OIF": 7,
        "RTA_GATEWAY": "fe80::1",
        "RTA_PREFSRC": "2001:db8::5",
    }


def test_any_route():
    message = read(rtmsg, requests.any_route(PREFIX, 254, 5, ROUTER))
    assert (message["proto"], message["type"]) == (0, 0)
    assert attributes(message)["RTA_GATEWAY"] == "fe80::1"


def test_a_lookup():
    message = read(rtmsg, requests.lookup(HOST, ROUTER))
    assert (message["dst_len"], message["src_len"]) == (128, 128)
    assert attributes(message) == {"RTA_DST": str(HOST), "RTA_SRC": str(ROUTER)}


def test_a_neighbour():
    message = read(ndmsg, requests.neighbour(7, HOST, LINK_LAYER))
    assert (message["family"], message["ifindex"], message["state"]) == (socket.AF_INET6, 7, 4)
    assert attributes(message) == {"NDA_DST": str(HOST), "NDA_LLADDR": "02:00:00:00:00:ff"}


def test_rules():
    message = read(fibmsg, rules.rule(PREFIX, "radio", 70000, 1000))
    assert (message["src_len"], message["dst_len"], message["action"]) == (48, 0, 1)
    assert attributes(message) == {
        "FRA_PRIORITY": 1000,
        "FRA_SRC": "2001:db8:7::",
        "FRA_TABLE": 70000,
        "FRA_IIFNAME": "radio",
    }
    assert read(fibmsg, rules.rule(PREFIX, None, None, 1))["action"] == 6
    direct = read(fibmsg, rules.unmarked(HOST, None, 70000, 950))
    assert (direct["dst_len"], direct["src_len"]) == (128, 0)
    found = attributes(direct)
    assert (found["FRA_DST"], found["FRA_FWMARK"], found["FRA_FWMASK"]) == (str(HOST), 0, 2**32 - 1)
    from_one = read(fibmsg, rules.unmarked(HOST, HOST + 1, 70000, 950))
    assert (from_one["src_len"], attributes(from_one)["FRA_SRC"]) == (128, str(HOST + 1))


def test_a_program_on_a_link():
    recorder = Recorder()
    tc.attach(recorder, 7, tc.INGRESS, 9, 11, "decap")
    message = read(tcmsg, recorder.sent[0])
    assert (message["index"], message["parent"], message["handle"]) == (7, tc.INGRESS, 9)
    assert message["info"] == 0x2473 << 16 | 0x0300
    assert attributes(message)["TCA_KIND"] == "bpf"
    assert attributes(attributes(message)["TCA_OPTIONS"]) == {
        "TCA_BPF_FD": 11,
        "TCA_BPF_NAME": "decap",
        "TCA_BPF_FLAGS": 1,
    }
