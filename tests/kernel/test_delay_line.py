from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from agents.kernel.netlink import Netlink
from tests.kernel.delay_lines import MILLISECOND, Line, quality
from tests.namespaces import Namespace, Namespaces
from tests.patience import PATIENCE_S, eventually

pytestmark = [pytest.mark.root, pytest.mark.quiet]

ETHERTYPE = 0x88B5
"""For local experiments (IEEE 802): nothing else on these links has it."""
SO_RCVBUFFORCE = 33
QUIET_S = 1
"""No frame for so long, and the last one has arrived."""
HEADER = b"\xff" * 6 + bytes(6) + ETHERTYPE.to_bytes(2, "big")


def frames(namespace: Namespace) -> socket.socket:
    with namespace:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
        raw.bind(("eth0", ETHERTYPE))
    raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    raw.settimeout(PATIENCE_S)
    return raw


def transfer(
    sender: socket.socket, receiver: socket.socket, count: int, interval_s: float = 0
) -> tuple[list[int], list[int]]:
    """Send numbered frames; the numbers of those that arrived, and their delays in ns."""
    for number in range(count):
        sender.send(HEADER + number.to_bytes(4, "big") + time.monotonic_ns().to_bytes(8, "big"))
        time.sleep(interval_s)
    numbers, delays = [], []
    receiver.settimeout(QUIET_S)
    while True:
        try:
            data = receiver.recv(2000)
        except TimeoutError:
            return numbers, delays
        now = time.monotonic_ns()
        numbers.append(int.from_bytes(data[14:18], "big"))
        delays.append(now - int.from_bytes(data[18:26], "big"))


def exchange(sender: socket.socket, receiver: socket.socket, count: int) -> list[int]:
    """Delays in ns of frames sent one after the other, each received before the next one."""
    delays = []
    for _ in range(count):
        before = time.monotonic_ns()
        sender.send(HEADER)
        receiver.recv(2000)
        delays.append(time.monotonic_ns() - before)
    return delays


def test_each_direction_has_its_own_delay(namespaces: Namespaces, tmp_path: Path) -> None:
    line = Line(namespaces, tmp_path, [(quality(20), quality(60))])
    with frames(line.left[0]) as left, frames(line.right[0]) as right:
        there = exchange(left, right, 9)
        back = exchange(right, left, 9)
    # Never early; how late is a matter of the machine, so the best of each tells the two apart.
    assert 20 * MILLISECOND <= min(there) < 40 * MILLISECOND
    assert 60 * MILLISECOND <= min(back) < 80 * MILLISECOND


def test_all_frames_arrive_unchanged_and_in_order(namespaces: Namespaces, tmp_path: Path) -> None:
    line = Line(namespaces, tmp_path, [(quality(5, jitter_ms=5), quality(5))])
    with frames(line.left[0]) as left, frames(line.right[0]) as right:
        numbers, delays = transfer(left, right, 300, 0.0005)
    assert numbers == list(range(300))
    assert max(delays) - min(delays) > MILLISECOND
    assert line.stop()["a0>b0"]["forwarded"] >= 300


def test_loss_is_as_asked_and_repeats_with_its_seed(namespaces: Namespaces, tmp_path: Path) -> None:
    def run(seed: int) -> list[int]:
        asked = [(quality(1, loss=0.2), quality())]
        line = Line(namespaces, tmp_path, asked, seed=seed, silent=True)
        with frames(line.left[0]) as left, frames(line.right[0]) as right:
            numbers, _ = transfer(left, right, 1000)
        counted = line.stop()["a0>b0"]
        assert counted["dropped"] == 0
        assert counted["lost"] == 1000 - len(numbers)
        return numbers

    first, again, other = run(7), run(7), run(8)
    assert 720 < len(first) < 880
    assert first == again
    assert first != other


def test_links_of_one_process_are_apart(namespaces: Namespaces, tmp_path: Path) -> None:
    qualities = [(quality(1), quality(1)) for _ in range(10)]
    line = Line(namespaces, tmp_path, qualities)
    for number, host in enumerate(line.left):
        target = f"2001:db8:{number:x}::2"
        # -w waits for two answers, and fails without; -W for two round trips after the first.
        host.run("ping", "-c", "2", "-i", "0.01", "-w", str(PATIENCE_S), target)
    counted = line.stop()
    assert len(counted) == 20
    assert all(entry["forwarded"] >= 2 for entry in counted.values())


def test_offloaded_checksums_and_segments_survive(namespaces: Namespaces, tmp_path: Path) -> None:
    line = Line(namespaces, tmp_path, [(quality(1), quality(1))])
    with line.right[0]:
        server = socket.create_server(("2001:db8::2", 5001), family=socket.AF_INET6)
    with line.left[0]:
        client = socket.create_connection(("2001:db8::2", 5001), timeout=PATIENCE_S)
    data = bytes(range(256)) * 400
    with server, client, server.accept()[0] as connection:
        connection.settimeout(PATIENCE_S)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert received == data


def test_the_carrier_is_that_of_one_cable(namespaces: Namespaces, tmp_path: Path) -> None:
    qualities = [(quality(1), quality(1)), (quality(1), quality(1))]
    line = Line(namespaces, tmp_path, qualities)
    left, right = line.left[0], line.right[0]

    def set_left(up: bool) -> None:
        with left, Netlink() as netlink:
            (netlink.up if up else netlink.down)("eth0")

    def carrier(namespace: Namespace) -> bool:
        with namespace, Netlink() as netlink:
            return netlink.operational("eth0")

    for _ in range(3):
        set_left(False)
        eventually(lambda: not carrier(right))
        assert carrier(line.right[1])
        set_left(True)
        eventually(lambda: carrier(right) and carrier(left))
    with frames(left) as sender, frames(right) as receiver:
        assert len(exchange(sender, receiver, 3)) == 3


def test_a_deleted_link_leaves_the_others_working(namespaces: Namespaces, tmp_path: Path) -> None:
    qualities = [(quality(1), quality(1)), (quality(1), quality(1))]
    line = Line(namespaces, tmp_path, qualities)
    with line.left[0], Netlink() as netlink:
        netlink.delete_link("eth0")
    with frames(line.left[1]) as left, frames(line.right[1]) as right:
        assert len(exchange(left, right, 5)) == 5
    assert line.stop()["a1>b1"]["forwarded"] >= 5


def test_frames_larger_than_the_way_out_are_dropped_and_counted(
    namespaces: Namespaces, tmp_path: Path
) -> None:
    line = Line(namespaces, tmp_path, [(quality(1), quality(1))])
    with line.namespace, Netlink() as netlink:
        netlink.set_mtu("b0", 1280)
    with frames(line.left[0]) as left, frames(line.right[0]) as right:
        left.send(HEADER + bytes(1400))
        assert len(exchange(left, right, 1)) == 1
    assert line.stop()["a0>b0"]["dropped"] == 1
