from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from emu.measure import messages, pcapng
from emu.measure.pcapng import Interface, Packet

PACKETS = st.builds(
    Packet,
    time_ns=st.integers(0, 2**63),
    interface=st.integers(0, 1),
    direction=st.integers(0, 2),
    data=st.binary(max_size=200),
    length=st.integers(0, 2**32 - 1),
)
INTERFACES = [Interface("mar1-radio", "mar1"), Interface("tun-mar2", "mar1", pcapng.RAW)]


def write(path: Path, packets: list[Packet], comment: str = "note") -> None:
    writer = pcapng.Writer(path, comment)
    for interface in INTERFACES:
        writer.interface(interface)
    for packet in packets:
        writer.packet(packet)
    writer.statistics(0, 12, 3)
    writer.close()


@given(st.lists(PACKETS, max_size=8), st.text(max_size=30))
def test_what_is_written_is_read(packets: list[Packet], comment: str) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "a.pcapng"
        write(path, packets, comment)
        capture = pcapng.read(path)
    assert capture.packets == packets
    assert capture.interfaces == INTERFACES
    assert capture.comment == comment
    assert (capture.received, capture.dropped) == (12, 3)


@given(st.lists(PACKETS, min_size=1, max_size=5), st.data())
def test_a_torn_file_gives_the_whole_packets(packets: list[Packet], data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "a.pcapng"
        write(path, packets)
        whole = path.read_bytes()
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
        read = pcapng.read(path).packets
    assert read == packets[: len(read)]


@given(st.data())
def test_no_damage_makes_the_reader_fail(data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "a.pcapng"
        write(path, data.draw(st.lists(PACKETS, max_size=4)))
        damaged = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 6))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(damaged)
        messages.match(messages.sightings(pcapng.read(path)))


@given(st.binary(max_size=400))
def test_noise_is_no_capture(noise: bytes) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "a.pcapng"
        path.write_bytes(noise)
        assert pcapng.read(path).packets == []


def test_the_other_byte_order_and_microseconds(tmp_path: Path) -> None:
    def block(kind: int, body: bytes) -> bytes:
        length = 12 + len(body)
        return struct.pack(">II", kind, length) + body + struct.pack(">I", length)

    stamp = 1_700_000_000_123_456
    data = block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(1, struct.pack(">HHI", 1, 0, 0))
    data += block(6, struct.pack(">IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, 4, 60) + b"abcd")
    (tmp_path / "a.pcapng").write_bytes(data)
    (packet,) = pcapng.read(tmp_path / "a.pcapng").packets
    assert packet == Packet(stamp * 1000, 0, pcapng.UNKNOWN, b"abcd", 60)


def test_wireshark_reads_it(tmp_path: Path) -> None:
    frame = bytes(12) + b"\x86\xdd" + b"\x60" + bytes(5) + b"\x3b\x40" + bytes(32)
    packets = [
        Packet(1_700_000_000_000_000_001, 0, pcapng.INBOUND, frame, 54),
        Packet(1_700_000_000_000_000_002, 0, pcapng.OUTBOUND, frame, 54),
    ]
    write(tmp_path / "a.pcapng", packets)
    tshark = shutil.which("tshark")
    assert tshark is not None
    fields = ["frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction"]
    command = [tshark, "-r", str(tmp_path / "a.pcapng"), "-T", "fields"]
    for name in fields:
        command += ["-e", name]
    lines = subprocess.run(
        command, check=True, capture_output=True, encoding="utf-8"
    ).stdout.splitlines()
    rows = [line.split("\t") for line in lines]
    assert [row[1] for row in rows] == ["mar1-radio", "mar1-radio"]
    assert [int(row[2], 16) for row in rows] == [1, 2]
    assert [row[0][-9:] for row in rows] == ["000000001", "000000002"]
