"""Unmodified programs on hosts with nothing but unicast between them: `emu overlay`."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time

import pytest

from emu.overlay_file import status_path
from tests.kernel.overlay_hosts import PORT, ROOT, Host, unicast_only
from tests.patience import eventually

pytestmark = pytest.mark.root
QUICK = {"query_interval": "2s"}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    """Four hosts, the last with a TAP; trees are chains, since each member takes one child."""
    with unicast_only(4, tmp_path_factory.mktemp("overlay")) as made:
        for host in made:
            kind = {"kind": "tap" if host is made[-1] else "tun"}
            host.start(options={"degree": 1}, link_scope="on", interface=kind, **QUICK)
        eventually(lambda: all(host.knows() == 3 for host in made))
        yield made


def payloads(name: str, number: int = 100) -> list[bytes]:
    return [f"{name} {n}".encode() for n in range(number)]


def known_to(sender: Host, name: str, group: str) -> bool:
    members = sender.status()["members"]
    return any(m["name"] == name and group in m["groups"] for m in members)


@pytest.mark.parametrize(
    ("group", "source"),
    [
        ("239.1.1.1", None),
        ("232.1.1.1", "10.80.0.1"),
        ("ff0e::101", None),
        ("ff3e::101", "fd80::1"),
    ],
    ids=["IPv4", "IPv4 of one source", "IPv6", "IPv6 of one source"],
)
def test_what_one_sends_the_others_get_as_it_was_sent(hosts, group, source):
    sender, *receivers = hosts
    listeners = [host.listen(group, source) for host in receivers]
    for host in receivers:
        eventually(lambda host=host: known_to(sender, f"n{host.number}", group))
    hosts[1].send(group, payloads("other")) if source else None
    sent = payloads(group)
    sender.send(group, sent)
    for listener in listeners:
        listener.wait_for(sent)
        assert listener.sources == {"fd80::1" if ":" in group else "10.80.0.1"}
        kind = 52 if ":" in group else 2
        assert (kind, 15) in listener.marks  # hops: one less than what was sent
        if "." in group:
            assert (1, 0xB8) in listener.marks
        listener.close()


def test_memberships_are_refreshed_without_a_gap(hosts):
    """Eight query intervals: who is not asked, or not heard, is forgotten after two and a bit."""
    listeners = [host.listen("239.1.1.2") for host in hosts[1:3]]
    for host in hosts[1:3]:
        eventually(lambda host=host: known_to(hosts[0], f"n{host.number}", "239.1.1.2"))
    sent = payloads("refreshed", 320)
    hosts[0].send("239.1.1.2", sent, pause=0.05)
    for listener in listeners:
        listener.wait_for(sent)
        listener.close()


def test_the_largest_datagram_arrives(hosts):
    listener = hosts[2].listen("239.1.1.3")
    eventually(lambda: known_to(hosts[0], "n3", "239.1.1.3"))
    sent = [bytes((n,)) * size for n, size in enumerate((0, 1, 1352, 1353, 9000, 65507))]
    hosts[0].send("239.1.1.3", sent, pause=0.1)
    listener.wait_for(sent)
    listener.close()


def test_a_path_with_a_smaller_mtu_is_no_black_hole(hosts):
    """The underlay to n3 carries 1,280 octets, and no router says so: IPv4 is fragmented."""
    path = hosts[2].router
    path.run("ip", "link", "set", "to3", "mtu", "1280")
    listener = hosts[2].listen("239.1.1.6")
    eventually(lambda: known_to(hosts[0], "n3", "239.1.1.6"))
    sent = [bytes((n,)) * 1352 for n in range(40)]
    hosts[0].send("239.1.1.6", sent, pause=0.01)
    listener.wait_for(sent)
    listener.close()
    path.run("ip", "link", "set", "to3", "mtu", "1500")


def test_a_burst_arrives_in_order(hosts):
    """What comes together goes on together, of one length or not."""
    listener = hosts[3].listen("239.1.1.7")
    eventually(lambda: known_to(hosts[0], "n4", "239.1.1.7"))
    sent = [bytes((n,)) * (1316 if n % 10 else n + 1) for n in range(100)]
    hosts[0].send("239.1.1.7", sent, pause=0)
    listener.wait_for(sent)
    listener.close()


def test_a_burst_that_the_device_does_not_take_at_once(hosts):
    """Datagrams that are longer than its MTU are fragmented, each by itself."""
    hosts[0].namespace.run("ip", "link", "set", "eth0", "mtu", "1280")
    listener = hosts[1].listen("239.1.1.8")
    eventually(lambda: known_to(hosts[0], "n2", "239.1.1.8"))
    sent = [bytes((n,)) * 1316 for n in range(50)]
    hosts[0].send("239.1.1.8", sent, pause=0)
    listener.wait_for(sent)
    listener.close()
    hosts[0].namespace.run("ip", "link", "set", "eth0", "mtu", "1500")


def test_link_scope_goes_over_when_it_is_asked_for(hosts):
    """As mDNS and SSDP have it: TTL 255, and TTL 1 to 224.0.0.0/24, arrive as they were."""
    listener = hosts[1].listen("224.0.0.251")
    eventually(lambda: known_to(hosts[3], "n2", "224.0.0.251"))
    hosts[3].send("224.0.0.251", [b"who is there"], hops=255)
    hosts[3].send("224.0.0.251", [b"and here"], hops=1)
    listener.wait_for([b"who is there", b"and here"])
    assert {value for kind, value in listener.marks if kind == 2} == {255, 1}
    listener.close()


def test_a_program_without_a_line_about_us_gets_a_stream(hosts):
    """socat, as it comes."""
    socat = shutil.which("socat")
    assert socat, "socat is in setup/packages.txt"
    group = "239.1.1.4"
    join = f"UDP4-RECV:{PORT + 1},ip-add-membership={group}:{hosts[1].interface},reuseaddr"
    receiver = hosts[1].namespace.spawn([socat, "-u", join, "-"], stdout=subprocess.PIPE)
    eventually(lambda: known_to(hosts[2], "n2", group))
    to = f"UDP4-DATAGRAM:{group}:{PORT + 1},ip-multicast-if=10.80.0.3,ip-multicast-ttl=8"
    lines = "".join(f"line {n}\n" for n in range(100))
    sender = hosts[2].namespace.spawn([socat, "-u", "-", to], stdin=subprocess.PIPE)
    for line in lines.splitlines(keepends=True):
        sender.stdin.write(line)
        sender.stdin.flush()
        time.sleep(0.005)
    sender.stdin.close()
    assert receiver.stdout.read(len(lines)) == lines
    receiver.terminate()
    receiver.wait()
    sender.wait()


def test_the_status_says_who_gets_what_from_whom(hosts):
    listener = hosts[1].listen("239.1.1.5")
    eventually(lambda: known_to(hosts[0], "n2", "239.1.1.5"))
    hosts[0].send("239.1.1.5", payloads("status", 5))
    listener.wait_for(payloads("status", 5))
    command = [sys.executable, "-m", "emu", "overlay", "status"]
    sender, receiver = (host.namespace.run(*command, cwd=ROOT).stdout for host in hosts[:2])
    assert "n1 on mcx1, own, reachable" in sender
    assert "10.80.0.1 → 239.1.1.5" in sender
    assert any("239.1.1.5" in line for line in receiver.splitlines() if "wanted here" in line)
    listener.close()


def test_keys_are_read_again(hosts):
    for step in (
        {"keys": {"1": "a secret for this test", "2": "a newer secret of ours"}, "send_with": 1},
        {"keys": {"1": "a secret for this test", "2": "a newer secret of ours"}, "send_with": 2},
        {"keys": {"2": "a newer secret of ours"}, "send_with": 2},
    ):
        for host in hosts:
            before = len([line for line in host.log() if line["kind"] == "keys"])
            host.rewrite(**step)
            host.notify(signal.SIGHUP)
            eventually(
                lambda host=host, before=before: (
                    sum(e["kind"] == "keys" for e in host.log()) > before
                )
            )
    listener = hosts[3].listen("ff0e::105")
    eventually(lambda: known_to(hosts[0], "n4", "ff0e::105"))
    hosts[0].send("ff0e::105", payloads("new key"))
    listener.wait_for(payloads("new key"))
    listener.close()


def test_a_member_that_is_killed_is_gone_round(hosts):
    """The last test of these hosts: one of them is killed in the middle of the chain."""
    listeners = {host.number: host.listen("ff0e::106") for host in hosts[1:]}
    for host in hosts[1:]:
        eventually(lambda host=host: known_to(hosts[0], f"n{host.number}", "ff0e::106"))
    hosts[0].send("ff0e::106", payloads("before"))
    for listener in listeners.values():
        listener.wait_for(payloads("before"))
    (root,) = [r for r in hosts[0].status()["roots"] if r["group"] == "ff0e::106"]
    names = {m["member"]: m["name"] for m in hosts[0].status()["members"]}
    first = next(names[c] for c, p in root["parents"].items() if p not in names)
    victim = next(host for host in hosts if f"n{host.number}" == first)
    assert victim.end(signal.SIGKILL) == -signal.SIGKILL
    rest = [x for number, x in listeners.items() if number != victim.number]

    def all_get(probe: bytes) -> bool:
        hosts[0].send("ff0e::106", [probe], pause=0.02)
        return all(probe in listener.read() for listener in rest)

    probes = iter(range(10_000))
    eventually(lambda: all_get(f"probe {next(probes)}".encode()))
    for listener in rest:
        listener.read()
        listener.got.clear()
    hosts[0].send("ff0e::106", payloads("after"))
    for listener in rest:
        listener.wait_for(payloads("after"))
    # What was killed leaves nothing: neither its interface nor its routes.
    assert victim.interface not in victim.namespace.run("ip", "link").stdout
    assert hosts[0].end() == 0
    assert hosts[0].interface not in hosts[0].namespace.run("ip", "link").stdout
    with hosts[0].namespace:
        assert not status_path(hosts[0].interface).exists()
