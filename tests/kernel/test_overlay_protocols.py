"""Members that speak other protocols than our own, as users start them."""

from __future__ import annotations

import itertools
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kernel.overlay_hosts import ROOT, Host, Listener, unicast_only
from tests.overlay_example import write_star
from tests.patience import eventually

pytestmark = pytest.mark.root


def test_the_example_of_the_docs_runs_on_hosts(tmp_path):
    write_star(tmp_path)
    with unicast_only(3, tmp_path) as hosts:
        for host in hosts:
            others = [f"10.0.{other.number}.2:4754" for other in hosts if other is not host]
            host.start(protocol="star.py", members=others, query_interval="2s")
        listeners = [host.listen("239.1.1.1") for host in hosts[1:]]
        for host in hosts[1:]:
            eventually(lambda host=host: "239.1.1.1" in host.status()["link"]["groups"])
        sent = [f"packet {n}".encode() for n in range(100)]
        hosts[0].send("239.1.1.1", sent)
        for listener in listeners:
            listener.wait_for(sent)
        assert hosts[0].status()["protocol"] == "star.py"


def test_nemo_runs_on_hosts(tmp_path):
    """What one sends comes to all that joined, just once; also when the root is gone."""
    with unicast_only(5, tmp_path) as hosts:
        for host in hosts:
            options = {"cluster": 2, "co_leaders": 1, "heartbeat": "500ms"}
            host.start(protocol="nemo", options=options, query_interval="2s")
        sender, *receivers = hosts
        listeners = {host: host.listen("239.1.1.1") for host in receivers}
        eventually(lambda: all(host.knows() for host in receivers))
        root = max(receivers, key=_leads)
        _reach_all(sender, listeners, "with all of them")
        root.end()
        listeners.pop(root).close()
        _reach_all(sender, listeners, "without the root")


def test_trees_on_i3_run_on_hosts(tmp_path):
    """An i3 server on the first host, the founder there, too; another one sends."""
    with unicast_only(4, tmp_path) as hosts, ExitStack() as stack:
        founder, sender, *receivers = hosts
        stack.callback(_end, _serve_i3(founder, tmp_path))
        for host in hosts:
            options = {
                "servers": ["[2001:db8:1::2]:5610"],
                "tree": "a secret of this test",
                "founder": "on" if host is founder else "off",
            }
            host.start(protocol="i3", options=options, query_interval="2s")
        listeners = {host: host.listen("239.1.1.1") for host in receivers}
        eventually(lambda: all(_is_in_tree(host) for host in receivers))
        _reach_all(sender, listeners, "by triggers")


def _serve_i3(host: Host, folder: Path) -> subprocess.Popen[str]:
    config = folder / "server.yaml"
    secret = "00" * 32
    text = f'address: "2001:db8:{host.number}::2"\nkey: "{secret}"\n'
    config.write_text(text, encoding="utf-8")
    return host.namespace.spawn([sys.executable, "-m", "emu", "i3", "server", config], cwd=ROOT)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def _is_in_tree(host: Host) -> bool:
    return any(tree["phase"] == "in tree" for tree in host.status()["groups"].values())


def _leads(host: Host) -> int:
    """In how many layers it leads."""
    status = host.status()
    (clusters,) = status["groups"].values()
    return sum(cluster["leader"] == status["member"] for cluster in clusters)


def _reach_all(sender: Host, listeners: dict[Host, Listener], name: str) -> None:
    """Packets are sent until each listener has got a hundred of them, and none twice."""
    numbers = itertools.count()

    def each_has_a_hundred() -> bool:
        sender.send("239.1.1.1", [f"{name} {next(numbers)}".encode()])
        got = [[p for p in each.read() if p.startswith(name.encode())] for each in all_of_them]
        assert all(len(packets) == len(set(packets)) for packets in got)
        return min(map(len, got)) >= 100

    all_of_them = list(listeners.values())
    eventually(each_has_a_hundred)
