"""What the programs of the overlay's data path and the daemon share."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv4Interface
from random import Random

import pytest

from agents.kernel.replication import Replication
from agents.kernel.virtual_interface import VirtualInterface
from agents.wire.overlay import MemberId
from tests.namespaces import Namespaces

pytestmark = pytest.mark.root
TREE = (MemberId(b"the root"), 1, 1)


@pytest.fixture
def path():
    """The programs of a member on a host of its own."""
    with Namespaces() as namespaces, namespaces.new():
        address = IPv4Interface("10.80.0.1/16")
        interface = VirtualInterface("mc0", [address], 1391, tap=False, default=False)
        made = Replication("mc0", 4754, tap=False, degree=4, trees=16, threshold=1)
        yield made
        made.close()
        interface.close()


def test_numbers_are_drawn_once(path):
    assert [path.draw(0, 1), path.draw(0, 64), path.draw(0, 1)] == [0, 1, 65]
    assert (path.draw(7, 2), path.draw(8, 2), path.sent(7)) == (0, 0, (2, 0))
    path.forget_tree(7)
    assert path.draw(9, 1) == 0  # in the place of the one that is gone


@pytest.mark.parametrize("seed", range(3))
def test_each_number_is_taken_once_whatever_the_order(path, seed):
    """A number is refused only if it came before, or one 4096 above it or more did."""
    arrivals, random = path.arrivals(TREE), Random(seed)
    seen: set[int] = set()
    for step in range(20_000):
        number = max(1, int(random.gauss(step, 10 ** random.uniform(0, 3.7))))
        taken = arrivals.take(number)
        assert not (taken and number in seen)
        assert taken or number in seen or max(seen) - number > 4096 - 32
        seen |= {number} if taken else set()
    assert arrivals.read() == (max(seen), len(seen))
    path.forget_arrivals(TREE)
    assert not arrivals.take(max(seen) + 1)


def test_a_kernel_without_ebpf_is_one_line(tmp_path):
    """As in a container that may have interfaces, but no programs in the kernel."""
    config = tmp_path / "overlay.yaml"
    config.write_text(
        "interface: {name: mc0, addresses: [10.80.0.1/16]}\nkeys: off\ndata_path: bpf\n",
        encoding="utf-8",
    )
    less = "-bpf,-perfmon,-sys_admin"
    command = ["setpriv", f"--bounding-set={less}", f"--inh-caps={less}"]
    member = [sys.executable, "-m", "emu", "overlay", str(config)]
    with Namespaces() as namespaces, namespaces.new():
        told = subprocess.run([*command, *member], capture_output=True, encoding="utf-8")
    assert told.returncode == 1
    (line,) = told.stderr.splitlines()
    assert "mc0: this kernel does not take the programs of data_path bpf (" in line
