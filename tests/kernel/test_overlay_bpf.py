"""Members whose data path is in the kernel, beside one whose data path is in Python.

Their endpoints are of IPv4 but for the third one's, which is of IPv6 alone; the fourth has a TAP.
"""

from __future__ import annotations

import signal
import socket
from collections import Counter
from contextlib import contextmanager
from itertools import count

import pytest

from tests.kernel.overlay_hosts import Host, Listener, unicast_only
from tests.patience import eventually

pytestmark = pytest.mark.root
PATHS = ("bpf", "python", "bpf", "bpf")
GROUPS, FIRSTS = count(1), count()
_ETH_P_ALL = 0x0003
_OVERLAY = (4754).to_bytes(2, "big")
_SO_RCVBUFFORCE = 33
_OUTGOING = 4


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    """Each member takes two children, so that two of three receivers hang on the sender."""
    with unicast_only(len(PATHS), tmp_path_factory.mktemp("overlay")) as made:
        for host, path in zip(made, PATHS, strict=True):
            options = {"known_as": ["2001:db8:3::2"]} if host is made[2] else {}
            kind = {"kind": "tap" if host is made[3] else "tun"}
            start(host, interface=kind, data_path=path, options={"degree": 2}, **options)
        eventually(lambda: all(host.knows() == len(PATHS) - 1 for host in made))
        yield made


def start(host: Host, **options) -> None:
    host.start(keys="off", query_interval="2s", **options)


def new_group(version: int) -> str:
    number = next(GROUPS)
    return f"239.1.2.{number}" if version == 4 else f"ff0e::2:{number:x}"


@contextmanager
def listening(hosts: list[Host], group: str, sender: Host):
    """Programs on all other hosts, of which the sender's member knows."""
    others = [host for host in hosts if host is not sender]
    listeners = [host.listen(group) for host in others]
    eventually(lambda: sum(group in m["groups"] for m in known(sender)) == len(others))
    yield listeners
    for listener in listeners:
        listener.close()


def known(host: Host) -> list[dict]:
    return host.status()["members"]


def in_kernel(host: Host) -> dict:
    return host.status()["kernel"]


def payloads(name: str, number: int = 300, size: int = 0) -> list[bytes]:
    return [f"{name} {n}".encode().ljust(size, b".") for n in range(number)]


def until_the_kernel_sends(sender: Host, group: str) -> list[bytes]:
    """The first packets of a stream are the daemon's; what was sent meanwhile."""
    sent = []
    before = in_kernel(sender)["sent"]

    def once_more() -> bool:
        sent.append(f"number {next(FIRSTS)}".encode())
        sender.send(group, sent[-1:], pause=0.02)
        return in_kernel(sender)["sent"] > before

    eventually(once_more)
    return sent


def all_once(listener: Listener, sent: list[bytes]) -> None:
    """Each of these comes, none twice: in what order is not said when data changes its path."""
    eventually(lambda: len(listener.read()) >= len(sent))
    assert Counter(listener.got) == Counter(sent)


@pytest.mark.parametrize("version", [4, 6])
def test_a_stream_from_the_kernel_reaches_members_of_both_kinds_once(hosts, version):
    sender, group = hosts[0], new_group(version)
    with listening(hosts, group, sender) as listeners:
        sent = until_the_kernel_sends(sender, group)
        before = [in_kernel(host) for host in (hosts[0], hosts[2], hosts[3])]
        stream = payloads("from the kernel", size=700)
        sender.send(group, stream, pause=0.001)
        for listener in listeners:
            all_once(listener, sent + stream)
            kind, hops = (2, 15) if version == 4 else (52, 15)
            assert (kind, hops) in listener.marks  # one less than what was sent
            assert listener.sources == {"10.80.0.1" if version == 4 else "fd80::1"}
        after = [in_kernel(host) for host in (hosts[0], hosts[2], hosts[3])]
        assert after[0]["sent"] - before[0]["sent"] == len(stream)
        for one, other in zip(before[1:], after[1:], strict=True):
            carried = other["delivered"] - one["delivered"]
            left = other["left when received"] - one["left when received"]
            assert carried + left >= len(stream)
            assert carried > 0


@pytest.mark.parametrize("version", [4, 6])
def test_a_stream_of_a_member_in_python_goes_on_in_the_kernel(hosts, version):
    sender, group = hosts[1], new_group(version)
    with listening(hosts, group, sender) as listeners:
        before = in_kernel(hosts[0])["delivered"]
        stream = payloads("from Python")
        sender.send(group, stream, pause=0.002)
        for listener in listeners:
            all_once(listener, stream)
        assert in_kernel(hosts[0])["delivered"] > before


def test_what_is_fragmented_on_the_virtual_link_goes_by_the_daemon(hosts):
    sender, group = hosts[0], new_group(4)
    with listening(hosts, group, sender) as listeners:
        sent = until_the_kernel_sends(sender, group)
        sent += [bytes((n,)) * size for n, size in enumerate((0, 1, 1352, 1353, 9000, 65507))]
        sender.send(group, sent[-6:], pause=0.1)
        for listener in listeners:
            all_once(listener, sent)


@pytest.mark.parametrize("number", [4, 3], ids=["IPv4", "IPv6"])
def test_a_path_that_carries_less_is_no_black_hole(hosts, number):
    """IPv4 is fragmented on its way; of IPv6 a router says so, and what was sent before is lost."""
    sender, group, host = hosts[0], new_group(4), hosts[number - 1]
    sender.router.run("ip", "link", "set", f"to{number}", "mtu", "1280")
    listener = host.listen(group)
    eventually(lambda: any(group in member["groups"] for member in known(sender)))
    until_the_kernel_sends(sender, group)
    probes = []

    def arrives() -> bool:
        probes.append(f"probe {len(probes)}".encode().ljust(1352, b"."))
        sender.send(group, probes[-1:], pause=0.05)
        return any(one in probes for one in listener.read())

    eventually(arrives)
    stream = payloads("a smaller path", 40, size=1352)
    sender.send(group, stream, pause=0.01)
    eventually(lambda: set(stream) <= set(listener.read()))
    assert max(Counter(listener.got).values()) == 1
    listener.close()
    sender.router.run("ip", "link", "set", f"to{number}", "mtu", "1500")


def test_what_is_repeated_on_its_way_comes_once(hosts):
    """Each datagram to n4 is sent again as it was."""
    sender, group = hosts[0], new_group(4)
    with listening(hosts, group, sender) as listeners, repeating(hosts[3]) as again:
        sent = until_the_kernel_sends(sender, group) + payloads("again", 100)
        before = in_kernel(hosts[3])["duplicates"]
        sender.send(group, sent[-100:])
        for listener in listeners:
            all_once(listener, sent)
        assert again() >= 100
        eventually(lambda: in_kernel(hosts[3])["duplicates"] - before >= 50)
        assert Counter(listeners[-1].read()) == Counter(sent)


@contextmanager
def repeating(host: Host):
    """Whatever the router sends to a host it sends twice once told so; how many there were."""
    with host.router:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    wire.bind((f"to{host.number}", _ETH_P_ALL))
    wire.setblocking(False)
    wire.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 16 << 20)

    def again() -> int:
        times = 0
        while True:
            try:
                frame, (_, _, kind, *_) = wire.recvfrom(1 << 16)
            except BlockingIOError:
                return times
            port = 36 if frame[12:14] == b"\x08\x00" else 56
            if kind == _OUTGOING and frame[port : port + 2] == _OVERLAY:
                wire.send(frame)
                times += 1

    with wire:
        yield again


def test_a_member_that_is_gone_is_replaced_and_the_kernel_told(hosts):
    """What was sent while nobody knew is lost; afterwards each gets everything, once."""
    sender, group = hosts[0], new_group(4)
    with listening(hosts, group, sender) as listeners:
        until_the_kernel_sends(sender, group)
        hosts[1].end()
        eventually(lambda: len(known(sender)) == len(PATHS) - 2)
        eventually(lambda: len(sender.status()["roots"][-1]["parents"]) == len(PATHS) - 2)
        stream = until_the_kernel_sends(sender, group) + payloads("afterwards", 100)
        sender.send(group, stream[-100:])
        for listener in listeners[1:]:
            eventually(lambda listener=listener: set(stream) <= set(listener.read()))
            assert max(Counter(listener.got).values()) == 1
    start(hosts[1], data_path="python", options={"degree": 2})
    eventually(lambda: all(host.knows() == len(PATHS) - 1 for host in hosts))


def test_nothing_is_left_behind(hosts):
    """It ends as one that is told to, and as one that is killed and started again."""
    host = hosts[2]

    def filters() -> int:
        return host.namespace.run("tc", "filter", "show", "dev", "eth0", "ingress").stdout.count(
            "emu-overlay"
        )

    assert filters() == 1
    host.end(signal.SIGKILL)
    start(host, data_path="bpf", options={"degree": 2})
    assert filters() == 1
    host.end()
    assert filters() == 0
