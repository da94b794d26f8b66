"""The configuration of a member: what is read, what is refused with one line, what is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_network
from pathlib import Path
from random import Random

import pytest

from agents.overlay.data_path import Capacity
from agents.overlay.interface import Place
from agents.wire.addresses import mapped
from agents.wire.i3 import endpoint
from emu.overlay_file import load, reloading
from emu.scenario.errors import ScenarioError

ROOT = Path(__file__).resolve().parents[2]
GOOD = """\
name: laptop
interface:
  name: mc7
  kind: tap
  addresses: [10.80.0.1/16, "fd80::1/64"]
  mtu: 1400
  default: on
port: 5000
known_as: [192.0.2.7]
reachable: yes
members: ["192.0.2.1:4754", "[2001:db8::1]:4755"]
keys:
  1: 0123456789abcdef
  2: fedcba9876543210
send_with: 2
link_scope: on
protocol: own
options: {degree: 8}
threshold: 4
query_interval: 60s
"""
LEAST = "interface: {addresses: [10.80.0.1/16]}\nkeys: off\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "overlay.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_that_may_be_said_is_read(tmp_path):
    options = load(written(tmp_path, GOOD))
    assert (options.name, options.interface, options.tap, options.mtu) == (
        "laptop",
        "mc7",
        True,
        1400,
    )
    assert options.addresses == (IPv4Interface("10.80.0.1/16"), IPv6Interface("fd80::1/64"))
    assert options.seeds == (
        endpoint(mapped(IPv4Address("192.0.2.1")), 4754),
        endpoint(IPv6Address("2001:db8::1"), 4755),
    )
    assert options.known_as == (mapped(IPv4Address("192.0.2.7")),)
    assert (options.keys.secrets[2], options.keys.current) == (b"fedcba9876543210", 2)
    assert (options.link_scope, options.default, options.reachable) == (True, True, True)
    assert (options.protocol, options.threshold, options.query_interval) == ("own", 4, 60 * 10**9)
    member = options.make(Place("n", (), (), {}, 0, Random(1), 0))
    assert member._config.degree == 8


def test_the_data_path_is_one_word(tmp_path):
    here = load(written(tmp_path, LEAST + "options: {degree: 8}\n"))
    assert here.in_kernel is None
    there = load(written(tmp_path, LEAST + "options: {degree: 8}\ndata_path: bpf\n"))
    assert there.in_kernel == Capacity(8, 4096)


def test_two_keys_are_enough(tmp_path):
    options = load(written(tmp_path, LEAST))
    assert (options.interface, options.tap, options.mtu, options.port) == ("mc0", False, 1391, 4754)
    assert (options.reachable, options.seeds, options.keys.secrets) == (None, (), {})


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("keys: off", "", 1, "keys: is missing"),
        ("keys: off", "keys: {}", 2, "has no key"),
        ("keys: off", "keys: {1: short}", 2, "write a secret of 16 or more"),
        ("keys: off", "keys: {300: 0123456789abcdef}", 2, "300"),
        ("keys: off", "keys: {1: 0123456789abcdef}\nsend_with: 2", 3, "write one of 1"),
        ("keys: off", "keys: off\nsend_with: 2", 3, "there are no keys"),
        ("keys: off", "keys: off\nmembrs: []", 3, "did you mean members"),
        ("keys: off", "keys: off\nmembers: [host]", 3, "such as 192.0.2.1:4754"),
        ("keys: off", "keys: off\nmembers: ['192.0.2.1:99999']", 3, "such as 192.0.2.1:4754"),
        ("keys: off", "keys: off\nlink_scope: perhaps", 3, "link_scope"),
        ("keys: off", "keys: off\noptions: {degree: 0}", 3, "options.degree: 0 is too small"),
        ("keys: off", "keys: off\noptions: {degre: 2}", 3, "did you mean degree"),
        ("keys: off", "keys: off\noptions: 3", 3, "is not a mapping"),
        ("keys: off", "keys: off\nprotocol: nonsense", 3, "write one of own, "),
        ("keys: off", "keys: off\nprotocol: not_there.py", 3, "cannot be loaded"),
        ("keys: off", "keys: off\ndata_path: xdp", 3, "data_path"),
        ("keys: off", "keys: {1: 0123456789abcdef}\ndata_path: bpf", 3, "do not encrypt"),
        ("keys: off", "keys: off\ndata_path: bpf\nprotocol: nemo", 3, "no data path bpf"),
        (LEAST, "interface: {kind: ethernet}\nkeys: off\ndata_path: bpf", 3, "leave it out"),
        ("keys: off", "keys: off\nname: a/b", 3, "not a good name"),
        ("keys: off", "keys: off\nquery_interval: 5", 3, "unit"),
        ("10.80.0.1/16", "10.80.0.1", 1, "alone in its network"),
        ("10.80.0.1/16", "10.80.255.254/16", 1, "the querier's address"),
        ("10.80.0.1/16", "", 1, "addresses"),
        ("addresses: [10.80.0.1/16]", "addresses: [10.80.0.1/16], mtu: 576", 1, "mtu"),
        (
            "addresses: [10.80.0.1/16]",
            "addresses: [10.80.0.1/16], kind: ethernet",
            1,
            "there already",
        ),
        ("addresses: [10.80.0.1/16]", "kind: ethernet, networks: [10.9.0.1/16]", 1, "no network"),
        (LEAST, "interface: {kind: ethernet}\nkeys: off\nlink_scope: on", 3, "stay in an island"),
        ("10.80.0.1/16]", "10.80.0.1/16], networks: [10.9.0.0/16]", 1, "write kind: ethernet"),
        ("addresses: [10.80.0.1/16]", "name: mc0", 1, "has no address; write one"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(tmp_path, old, new, line, says):
    path = written(tmp_path, LEAST.replace(old, new))
    with pytest.raises(ScenarioError) as refused:
        load(path)
    (problem,) = refused.value.problems
    assert problem.startswith(f"{path}:{line}: ")
    assert says in problem


def test_keys_that_cannot_be_read_again_change_nothing(tmp_path):
    path = written(tmp_path, GOOD)
    said: list[str] = []
    again = reloading(path, said.append)
    assert again().current == 2
    path.write_text(GOOD.replace("send_with: 2", "send_with: 9"), encoding="utf-8")
    assert again() is None
    assert len(said) == 1


WITHOUT = """
import sys
for name in ("mininet", "ryu", "os_ken", "pandas", "matplotlib", "numpy", "scipy", "scapy",
             "pyroute2", "networkx", "dask", "distributed", "pyarrow", "jinja2", "eventlet"):
    sys.modules[name] = None
sys.argv[1:] = ["overlay", sys.argv[1]]
from emu import requirements
requirements.importlib.util.find_spec = lambda name: sys.modules.get(name, True)
from emu.__main__ import main
sys.exit(main())
"""


def test_nothing_of_the_lab_is_imported(tmp_path):
    """With all of it out of reach, a wrong configuration is refused, and a right one goes on."""
    wrong = written(tmp_path, "keys: off\n")
    environment = {**os.environ, "EMU_CONTINUED": "1"}
    command = [sys.executable, "-c", WITHOUT, str(wrong)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")
    if os.geteuid() == 0:
        assert done.stderr == f"{wrong}:1: interface: is missing; write interface: …\n"
        assert done.returncode == 2
    else:
        assert "needs root" in done.stderr


def test_an_interface_that_is_there_leads_to_an_island(tmp_path):
    text = "interface: {name: eth1, kind: ethernet, networks: [10.9.0.0/16]}\nkeys: off\n"
    options = load(written(tmp_path, text))
    assert (options.interface, options.networks) == ("eth1", (ip_network("10.9.0.0/16"),))
    assert load(written(tmp_path, LEAST)).networks is None
